// Members of a script's JSON objects, read without exceptions: what is missing or of another kind
// is the default.  The scripts come from a converter, not from an attacker.
#pragma once

#include <string_view>

#include <boost/json.hpp>

namespace tidepool::spec {

namespace json = boost::json;

inline std::string_view StringOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  const json::string* string = value == nullptr ? nullptr : value->if_string();
  return string == nullptr ? std::string_view() : std::string_view(*string);
}

inline bool BoolOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

inline int64_t IntOf(const json::object& object, std::string_view key, int64_t otherwise = 0) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : otherwise;
}

// Empty when there is no such array or object.
inline const json::array& ArrayOf(const json::object& object, std::string_view key) {
  static const json::array kEmpty;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}
inline const json::object& ObjectOf(const json::object& object, std::string_view key) {
  static const json::object kEmpty;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kEmpty;
}

}  // namespace tidepool::spec
