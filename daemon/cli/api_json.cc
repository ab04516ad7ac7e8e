#include "daemon/cli/api_json.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include <boost/json.hpp>

namespace tidepool::daemon {
namespace {

namespace json = boost::json;

// "ABI_HANDLER" without "ABI_", in lower case; empty for UNSPECIFIED.
std::string Lower(absl::string_view enumerator, absl::string_view prefix) {
  absl::ConsumePrefix(&enumerator, prefix);
  return enumerator == "UNSPECIFIED" ? std::string() : absl::AsciiStrToLower(enumerator);
}

template <typename List>
json::array Strings(const List& list) {
  json::array array;
  for (const std::string& text : list) array.push_back(json::value(text));
  return array;
}

template <typename List>
json::array Limits(const List& list) {
  json::array array;
  for (const admin::v1::EffectiveLimit& limit : list) {
    array.push_back(
        {{"limit", limit.limit()}, {"value", limit.value()}, {"set_by", limit.set_by()}});
  }
  return array;
}

template <typename Types>
json::array TypeNames(const Types& types) {
  json::array array;
  for (const int type : types) {
    array.push_back(json::value(NameOf(static_cast<admin::v1::ValueType>(type))));
  }
  return array;
}

template <typename Value>
json::value Sorted(const google::protobuf::Map<std::string, Value>& map) {
  json::object object;
  for (const auto& [name, value] : std::map<std::string, Value>(map.begin(), map.end())) {
    object[name] = value;
  }
  return object;
}

}  // namespace

json::value ToJson(const google::protobuf::Map<std::string, std::string>& map) {
  return Sorted(map);
}
json::value ToJson(const google::protobuf::Map<std::string, uint64_t>& map) {
  return Sorted(map);
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime(
      "%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string NameOf(admin::v1::Abi abi) {
  return Lower(admin::v1::Abi_Name(abi), "ABI_");
}
std::string NameOf(admin::v1::ResponseMode mode) {
  return Lower(admin::v1::ResponseMode_Name(mode), "RESPONSE_MODE_");
}
std::string NameOf(admin::v1::UnknownImports unknown) {
  return Lower(admin::v1::UnknownImports_Name(unknown), "UNKNOWN_IMPORTS_");
}
std::string NameOf(admin::v1::ValueType type) {
  return type == admin::v1::VALUE_TYPE_UNSPECIFIED
             ? "reference"
             : absl::AsciiStrToLower(admin::v1::ValueType_Name(type));
}

std::string LastPart(absl::string_view resource_name) {
  const size_t slash = resource_name.rfind('/');
  return std::string(slash == absl::string_view::npos ? resource_name
                                                      : resource_name.substr(slash + 1));
}

std::string TenantPart(absl::string_view resource_name) {
  const std::vector<std::string> parts = absl::StrSplit(resource_name, '/');
  return parts.size() < 2 ? std::string() : parts[1];
}

json::value ToJson(const admin::v1::Tenant& tenant) {
  return {{"name", tenant.name()},
          {"limits", ToJson(tenant.limits())},
          {"effective_limits", Limits(tenant.effective_limits())},
          {"hosts", Strings(tenant.hosts())},
          {"function_count", tenant.function_count()},
          {"create_time", FormatTime(tenant.create_time())}};
}

json::value ToJson(const admin::v1::Module& module) {
  return {{"name", module.name()},
          {"wasm_bytes", module.wasm_bytes()},
          {"create_time", FormatTime(module.create_time())}};
}

json::value ToJson(const admin::v1::Revision& revision) {
  const admin::v1::FunctionSettings& settings = revision.settings();
  json::object env;
  for (const auto& variable : settings.env()) env[variable.name()] = variable.value();
  json::object object{{"name", revision.name()},
                      {"number", revision.number()},
                      {"serving", revision.serving()},
                      {"abi", NameOf(settings.abi())},
                      {"response", NameOf(settings.response())},
                      {"unknown_imports", NameOf(settings.unknown_imports())},
                      {"args", Strings(settings.args())},
                      {"env", std::move(env)},
                      {"limits", ToJson(settings.limits())},
                      {"module", revision.module()},
                      {"module_bytes", revision.module_bytes()},
                      {"create_time", FormatTime(revision.create_time())}};
  if (!revision.problem().empty()) object["problem"] = revision.problem();
  if (revision.effective_limits_size() != 0) {
    object["effective_limits"] = Limits(revision.effective_limits());
  }
  if (revision.exports_size() != 0) {
    json::array& exports = object["exports"].emplace_array();
    for (const admin::v1::ExportedFunction& exported : revision.exports()) {
      exports.push_back({{"name", exported.name()},
                         {"params", TypeNames(exported.params())},
                         {"results", TypeNames(exported.results())}});
    }
  }
  return object;
}

json::value ToJson(const admin::v1::Function& function) {
  return {{"name", function.name()},
          {"serving_revision", ToJson(function.serving_revision())},
          {"revision_count", function.revision_count()},
          {"routes", Strings(function.routes())},
          {"create_time", FormatTime(function.create_time())}};
}

json::value ToJson(const admin::v1::Route& route) {
  return {{"name", route.name()},
          {"host", route.host()},
          {"path", route.path()},
          {"function", route.function()},
          {"create_time", FormatTime(route.create_time())}};
}

}  // namespace tidepool::daemon
