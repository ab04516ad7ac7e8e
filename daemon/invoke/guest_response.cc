#include "daemon/invoke/guest_response.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/invoke/http_fields.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status Bad(absl::string_view what) { return absl::InvalidArgumentError(what); }

enum class LineEnd { kCrLf, kEither };

// Takes the next line off `rest`.  Nothing when there is no whole one.
std::optional<absl::string_view> TakeLine(absl::string_view& rest, LineEnd line_end) {
  const size_t end = rest.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  absl::string_view line = rest.substr(0, end);
  const bool has_cr = absl::ConsumeSuffix(&line, "\r");
  if (line_end == LineEnd::kCrLf && !has_cr) return std::nullopt;
  rest.remove_prefix(end + 1);
  return line;
}

absl::StatusOr<HeaderField> ParseField(absl::string_view line) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return Bad("a header line without a colon");
  HeaderField field;
  field.name = std::string(line.substr(0, colon));
  field.value = std::string(TrimFieldValue(line.substr(colon + 1)));
  if (!IsToken(field.name)) return Bad("a header name that is not a token");
  if (!IsFieldValue(field.value)) {
    return Bad(absl::StrCat("a control character in header ", field.name));
  }
  if (IsHopByHop(field.name) || IsTidepoolField(field.name)) {
    return Bad(absl::StrCat("header ", field.name, ", which is not the function's to set"));
  }
  return field;
}

// Fields up to and with the empty line; `rest` is then the body.
absl::StatusOr<std::vector<HeaderField>> TakeFields(absl::string_view& rest, LineEnd line_end) {
  const size_t start_bytes = rest.size();
  std::vector<HeaderField> fields;
  for (;;) {
    const std::optional<absl::string_view> line = TakeLine(rest, line_end);
    if (!line.has_value()) return Bad("a header that does not end with an empty line");
    if (start_bytes - rest.size() > kGuestHeaderBytesMax) return Bad("headers above 64 KiB");
    if (line->empty()) return fields;
    if (fields.size() == kGuestHeaderFieldsMax) return Bad("more than 100 header fields");
    TP_ASSIGN_OR_RETURN(HeaderField field, ParseField(*line));
    fields.push_back(std::move(field));
  }
}

// A Content-Length must be the truth; it is then ours to send.
absl::Status TakeContentLength(HttpOutput& output, bool is_head) {
  std::optional<std::string> declared;
  for (auto field = output.headers.begin(); field != output.headers.end();) {
    if (!absl::EqualsIgnoreCase(field->name, "content-length")) {
      ++field;
      continue;
    }
    if (declared.has_value()) return Bad("two Content-Length headers");
    declared = field->value;
    field = output.headers.erase(field);
  }
  if (!declared.has_value()) return absl::OkStatus();
  uint64_t bytes = 0;
  const bool is_number = absl::SimpleAtoi(*declared, &bytes) &&
                         absl::ascii_isdigit(static_cast<unsigned char>((*declared)[0]));
  if (!is_number) return Bad("a Content-Length that is not a number");
  // The answer to HEAD describes a body that it need not bring; so does 304.
  const bool may_be_absent = (is_head || output.status == 304) && output.body.empty();
  if (bytes != output.body.size() && !may_be_absent) {
    return Bad(absl::StrCat("Content-Length ", bytes, " with a body of ", output.body.size()));
  }
  if (may_be_absent) output.described_body_bytes = bytes;
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ParseStatus(absl::string_view text) {
  uint32_t status = 0;
  // A status below 200 would announce another answer after this one.
  if (text.size() != 3 || !absl::SimpleAtoi(text, &status) || status < 200 || status > 599) {
    return Bad("a status that is not a number from 200 to 599");
  }
  return status;
}

bool LooksLikeCgi(absl::string_view output) {
  return absl::StartsWithIgnoreCase(output, "content-type:") ||
         absl::StartsWithIgnoreCase(output, "status:") ||
         absl::StartsWithIgnoreCase(output, "location:");
}

HttpOutput RawOutput(absl::string_view body) {
  HttpOutput output;
  // Whatever it is, it shall not become a page in the reader's browser.
  output.headers = {{"content-type", "application/octet-stream"},
                    {"x-content-type-options", "nosniff"}};
  output.body = std::string(body);
  return output;
}

// Status and Location are CGI's own fields.
absl::Status ApplyCgiFields(HttpOutput& output) {
  bool has_location = false;
  bool has_status = false;
  for (auto field = output.headers.begin(); field != output.headers.end();) {
    has_location |= absl::EqualsIgnoreCase(field->name, "location");
    if (!absl::EqualsIgnoreCase(field->name, "status")) {
      ++field;
      continue;
    }
    if (has_status) return Bad("two Status headers");
    has_status = true;
    TP_ASSIGN_OR_RETURN(output.status, ParseStatus(field->value.substr(0, field->value.find(' '))));
    field = output.headers.erase(field);
  }
  if (has_location && !has_status) output.status = 302;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HttpOutput> ParseCommandOutput(absl::string_view output, ResponseMode mode,
                                              bool is_head) {
  if (mode == ResponseMode::kRaw || (mode == ResponseMode::kAuto && !LooksLikeCgi(output))) {
    return RawOutput(output);
  }
  HttpOutput parsed;
  absl::string_view rest = output;
  TP_ASSIGN_OR_RETURN(parsed.headers, TakeFields(rest, LineEnd::kEither));
  if (parsed.headers.empty()) return Bad("a CGI response without headers");
  parsed.body = std::string(rest);
  TP_RETURN_IF_ERROR(ApplyCgiFields(parsed));
  TP_RETURN_IF_ERROR(TakeContentLength(parsed, is_head));
  return parsed;
}

absl::StatusOr<HttpOutput> ParseHandlerMessage(absl::string_view message, bool is_head) {
  absl::string_view rest = message;
  const std::optional<absl::string_view> status_line = TakeLine(rest, LineEnd::kCrLf);
  if (!status_line.has_value() || status_line->size() > kGuestHeaderBytesMax) {
    return Bad("no status line");
  }
  absl::string_view line = *status_line;
  if (!absl::ConsumePrefix(&line, "HTTP/1.1 ")) {
    return Bad("a status line that does not begin with \"HTTP/1.1 \"");
  }
  if (!IsFieldValue(line)) return Bad("a control character in the status line");
  HttpOutput output;
  TP_ASSIGN_OR_RETURN(output.status, ParseStatus(line.substr(0, 3)));
  if (line.size() > 3 && line[3] != ' ') return Bad("a status of more than three digits");
  TP_ASSIGN_OR_RETURN(output.headers, TakeFields(rest, LineEnd::kCrLf));
  output.body = std::string(rest);
  TP_RETURN_IF_ERROR(TakeContentLength(output, is_head));
  return output;
}

}  // namespace tidepool::daemon
