#include "daemon/invoke/guest_request.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/invoke/http_fields.h"
#include "daemon/invoke/router.h"

namespace tidepool::daemon {
namespace {

// In order of first appearance, so that a guest sees the same order each time.
class Variables {
 public:
  void Set(absl::string_view name, absl::string_view value) {
    const auto [it, is_new] = index_.try_emplace(std::string(name), values_.size());
    if (is_new) {
      values_.emplace_back(std::string(name), std::string(value));
    } else {
      values_[it->second].second = std::string(value);
    }
  }
  // RFC 9110, 5.3: fields of one name are one list; cookies are joined in their own way.
  void Join(absl::string_view name, absl::string_view value) {
    const auto it = index_.find(name);
    if (it == index_.end()) return Set(name, value);
    absl::StrAppend(&values_[it->second].second, name == "HTTP_COOKIE" ? "; " : ", ", value);
  }
  std::vector<std::string> Take() {
    std::vector<std::string> lines;
    lines.reserve(values_.size());
    for (const auto& [name, value] : values_) lines.push_back(absl::StrCat(name, "=", value));
    return lines;
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
  absl::flat_hash_map<std::string, size_t> index_;
};

std::string VariableNameOf(absl::string_view field) {
  std::string name = absl::StrCat("HTTP_", field);
  for (char& c : name) {
    c = c == '-' ? '_' : absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return name;
}

// "Proxy" would become HTTP_PROXY, which libraries obey; a name with "_" could pose as another.
bool BecomesVariable(absl::string_view name) {
  return !absl::EqualsIgnoreCase(name, "proxy") && name.find('_') == absl::string_view::npos &&
         !IsHopByHop(name) && !absl::EqualsIgnoreCase(name, "content-length") &&
         !absl::EqualsIgnoreCase(name, "content-type");
}

void SetPath(Variables& variables, const HttpInput& input) {
  const size_t mark = input.target.find('?');
  const std::string path =
      PercentDecode(absl::string_view(input.target).substr(0, mark)).value_or(input.target);
  variables.Set("SCRIPT_NAME", input.path_prefix);
  variables.Set("PATH_INFO", absl::StartsWith(path, input.path_prefix)
                                 ? absl::string_view(path).substr(input.path_prefix.size())
                                 : absl::string_view(path));
  variables.Set("QUERY_STRING",
                mark == std::string::npos ? "" : absl::string_view(input.target).substr(mark + 1));
  variables.Set("REQUEST_URI", input.target);
}

}  // namespace

std::vector<std::string> CgiEnvironment(const HttpInput& input, const FunctionRevision& revision) {
  Variables variables;
  for (const auto& [name, value] : revision.env) variables.Set(name, value);
  variables.Set("GATEWAY_INTERFACE", "CGI/1.1");
  variables.Set("SERVER_SOFTWARE", "tidepool");
  variables.Set("SERVER_PROTOCOL", input.http_1_0 ? "HTTP/1.0" : "HTTP/1.1");
  variables.Set("SERVER_NAME", input.server_name.empty() ? "localhost" : input.server_name);
  variables.Set("SERVER_PORT", input.server_port.empty() ? "80" : input.server_port);
  variables.Set("REQUEST_METHOD", input.method);
  variables.Set("REMOTE_ADDR", input.remote_address);
  SetPath(variables, input);
  if (!input.body.empty()) variables.Set("CONTENT_LENGTH", absl::StrCat(input.body.size()));
  if (const HeaderField* type = FindField(input.headers, "content-type")) {
    variables.Set("CONTENT_TYPE", type->value);
  }
  Variables fields;
  for (const HeaderField& field : input.headers) {
    if (BecomesVariable(field.name)) fields.Join(VariableNameOf(field.name), field.value);
  }
  for (const std::string& line : fields.Take()) {
    const size_t equals = line.find('=');
    variables.Set(absl::string_view(line).substr(0, equals),
                  absl::string_view(line).substr(equals + 1));
  }
  return variables.Take();
}

std::string HandlerMessageHead(const HttpInput& input) {
  size_t bytes = input.method.size() + input.target.size() + 64;
  for (const HeaderField& field : input.headers) bytes += field.name.size() + field.value.size() + 4;
  std::string head;
  head.reserve(bytes);
  absl::StrAppend(&head, input.method, " ", input.target, " HTTP/1.1\r\n");
  for (const HeaderField& field : input.headers) {
    if (IsHopByHop(field.name) || absl::EqualsIgnoreCase(field.name, "content-length") ||
        absl::EqualsIgnoreCase(field.name, "expect")) {
      continue;
    }
    const size_t at = head.size();
    absl::StrAppend(&head, field.name, ": ", field.value, "\r\n");
    for (size_t i = at; i < at + field.name.size(); ++i) {
      head[i] = absl::ascii_tolower(static_cast<unsigned char>(head[i]));
    }
  }
  absl::StrAppend(&head, "content-length: ", input.body.size(), "\r\n\r\n");
  return head;
}

}  // namespace tidepool::daemon
