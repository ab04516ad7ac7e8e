#include "daemon/cli/report.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/terminal.h"

namespace tidepool::daemon {
namespace {

namespace json = boost::json;

void AppendPretty(std::string& out, const json::value& value, size_t indent) {
  const std::string inner(indent + 2, ' ');
  const std::string outer(indent, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    absl::string_view separator = "{\n";
    for (const auto& member : value.get_object()) {
      absl::StrAppend(&out, separator, inner, json::serialize(member.key()), ": ");
      AppendPretty(out, member.value(), indent + 2);
      separator = ",\n";
    }
    absl::StrAppend(&out, "\n", outer, "}");
  } else if (value.is_array() && !value.get_array().empty()) {
    absl::string_view separator = "[\n";
    for (const json::value& element : value.get_array()) {
      absl::StrAppend(&out, separator, inner);
      AppendPretty(out, element, indent + 2);
      separator = ",\n";
    }
    absl::StrAppend(&out, "\n", outer, "]");
  } else {
    out += json::serialize(value);
  }
}

bool IsPlainYaml(absl::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text.front()))) return false;
  const bool safe = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '/' ||
           c == '.';
  });
  const std::string lower = absl::AsciiStrToLower(text);
  // What YAML 1.1 readers, which are many, take for a boolean or null.
  for (const absl::string_view word :
       {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return false;
  }
  return safe;
}

std::string YamlScalar(const json::value& value) {
  if (value.is_string() && IsPlainYaml({value.get_string().data(), value.get_string().size()})) {
    return std::string(value.get_string());
  }
  // A JSON scalar, or an empty collection, is YAML as it stands.
  return json::serialize(value);
}

bool IsNested(const json::value& value) {
  return (value.is_object() && !value.get_object().empty()) ||
         (value.is_array() && !value.get_array().empty());
}

void AppendYaml(std::string& out, const json::value& value, size_t indent, bool first_inline) {
  const std::string margin(indent, ' ');
  bool skip_margin = first_inline;
  const auto begin_line = [&] {
    if (!std::exchange(skip_margin, false)) out += margin;
  };
  if (value.is_object() && !value.get_object().empty()) {
    for (const auto& member : value.get_object()) {
      begin_line();
      absl::StrAppend(&out, YamlScalar(json::value(member.key())), ":");
      if (IsNested(member.value())) {
        out += "\n";
        AppendYaml(out, member.value(), indent + 2, false);
      } else {
        absl::StrAppend(&out, " ", YamlScalar(member.value()), "\n");
      }
    }
  } else if (value.is_array() && !value.get_array().empty()) {
    for (const json::value& element : value.get_array()) {
      begin_line();
      out += "- ";
      if (IsNested(element)) {
        AppendYaml(out, element, indent + 2, true);
      } else {
        absl::StrAppend(&out, YamlScalar(element), "\n");
      }
    }
  } else {
    begin_line();
    absl::StrAppend(&out, YamlScalar(value), "\n");
  }
}

void PrintTable(const Report& report, bool color, std::ostream& out) {
  std::vector<std::vector<std::string>> rows = report.rows;
  std::vector<size_t> widths;
  const auto widen = [&](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  const auto print = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      out << row[i];
      if (i + 1 < row.size()) out << std::string(widths[i] - row[i].size() + 2, ' ');
    }
  };
  widen(report.header);
  for (auto& row : rows) {
    for (std::string& cell : row) cell = ForTerminal(cell);
    widen(row);
  }
  if (!report.header.empty()) {
    if (color) out << "\x1b[1m";
    print(report.header);
    out << (color ? "\x1b[0m\n" : "\n");
  }
  for (const auto& row : rows) {
    print(row);
    out << "\n";
  }
}

}  // namespace

std::string ToPrettyJson(const json::value& value) {
  std::string out;
  AppendPretty(out, value, 0);
  out += "\n";
  return out;
}

std::string ToYaml(const json::value& value) {
  std::string out;
  AppendYaml(out, value, 0, false);
  return out;
}

void Print(const Report& report, const Style& style, std::ostream& out) {
  switch (style.format) {
    case OutputFormat::kTable:
      PrintTable(report, style.color, out);
      break;
    case OutputFormat::kJson:
      out << ToPrettyJson(report.data);
      break;
    case OutputFormat::kYaml:
      out << ToYaml(report.data);
      break;
    case OutputFormat::kName:
      for (const std::string& name : report.names) out << name << "\n";
      break;
  }
  out.flush();
}

}  // namespace tidepool::daemon
