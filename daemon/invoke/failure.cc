#include "daemon/invoke/failure.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tidepool::daemon {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none.
size_t Utf8SequenceBytes(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t bytes = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3
                       : lead < 0xF5 ? 4 : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return bytes;
}

absl::string_view NameOf(Fault fault) {
  switch (fault) {
    case Fault::kGuest: return "guest";
    case Fault::kHost: return "host";
    case Fault::kCaller: return "caller";
  }
  return "";
}

void AppendMember(std::string& out, absl::string_view name, absl::string_view value) {
  absl::StrAppend(&out, ",\"", name, "\":");
  AppendJsonString(out, value);
}

}  // namespace

Failure MakeFailure(Reason reason, absl::string_view detail) {
  Failure failure;
  failure.reason = reason;
  failure.detail = std::string(detail);
  return failure;
}

Failure LimitFailure(Reason reason, LimitName name, const Limits& limits, uint64_t used,
                     absl::string_view detail) {
  Failure failure = MakeFailure(reason, detail);
  failure.limit = LimitReached{.name = std::string(FactsOf(name).name),
                               .allowed = FormatLimit(name, limits.Get(name)),
                               .used = FormatLimit(name, used),
                               .set_by = limits.SetBy(name)};
  return failure;
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const size_t bytes = Utf8SequenceBytes(text);
    const char c = text[0];
    if (bytes == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (bytes == 1 && static_cast<uint8_t>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint8_t>(c));
    } else {
      out.append(text.data(), bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out.push_back('"');
}

std::string ProblemJson(const Failure& failure, absl::string_view invocation_id,
                        absl::string_view request_id) {
  const ReasonFacts& facts = FactsOf(failure.reason);
  std::string json = "{\"type\":";
  AppendJsonString(json, UrnOf(failure.reason));
  AppendMember(json, "title", facts.title);
  absl::StrAppend(&json, ",\"status\":", facts.http_status);
  AppendMember(json, "reason", facts.name);
  AppendMember(json, "fault", NameOf(facts.fault));
  if (!invocation_id.empty()) AppendMember(json, "invocation_id", invocation_id);
  if (!request_id.empty()) AppendMember(json, "request_id", request_id);
  if (failure.limit.has_value()) {
    json += ",\"limit\":{\"name\":";
    AppendJsonString(json, failure.limit->name);
    AppendMember(json, "allowed", failure.limit->allowed);
    AppendMember(json, "used", failure.limit->used);
    AppendMember(json, "set_by", failure.limit->set_by);
    json.push_back('}');
  }
  json += "}\n";
  return json;
}

}  // namespace tidepool::daemon
