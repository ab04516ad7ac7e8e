// Typed values on the command line and in results.
//
//   i32, i64   decimal, or 0x… as an unsigned pattern       f32, f64   1.5, -inf, nan
//   v128       0x and 32 hexadecimal digits, the most significant first
//
// Errors   InvalidArgument, naming the value, its position and its type.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include <boost/json/value.hpp>

#include "tidepool/admin/v1/functions.pb.h"
#include "tidepool/invoke/v1/invoke.pb.h"

namespace tidepool::daemon {

// Fills `call` with `texts`, read as `exported` declares its parameters.
absl::Status PutArguments(const std::vector<std::string>& texts,
                          const admin::v1::ExportedFunction& exported,
                          invoke::v1::Call& call);
std::string FormatValue(const invoke::v1::Value& value);
boost::json::value ToJson(const invoke::v1::Value& value);  // {"i32": 5}

}  // namespace tidepool::daemon
