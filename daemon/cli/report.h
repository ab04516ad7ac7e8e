// Report: what a command found, and the four ways to show it.
//
// Shape    The same facts three times: as data (json, yaml), as a table for people, as resource
// names
//          for xargs.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include <boost/json/value.hpp>

namespace tidepool::daemon {

enum class OutputFormat : uint8_t { kTable, kJson, kYaml, kName };

struct Report {
  boost::json::value data;
  std::vector<std::string> header;  // Empty: the rows are shown as they are.
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> names;
};

struct Style {
  OutputFormat format = OutputFormat::kTable;
  bool color = false;
};

void Print(const Report& report, const Style& style, std::ostream& out);
// One document, as YAML 1.2 (core schema); strings that could be read as anything else are quoted.
std::string ToYaml(const boost::json::value& value);
// With two blanks of indentation and a newline at the end.
std::string ToPrettyJson(const boost::json::value& value);

}  // namespace tidepool::daemon
