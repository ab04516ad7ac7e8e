// What a guest gave for an answer, read with suspicion.
//
//   command  stdout:  CGI/1.1 response, or the body alone
//   handler  memory:  HTTP/1.1 200 OK\r\n field: value\r\n … \r\n body
//
// Errors   InvalidArgument says what is wrong with it: the caller answers BAD_GUEST_RESPONSE.
// Source   RFC 3875, 6 (CGI responses); RFC 9112, 4 and 5; service.md, "Guest ABIs".
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/catalogue/function_revision.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

inline constexpr uint64_t kGuestHeaderBytesMax = 64 * 1024;
inline constexpr uint32_t kGuestHeaderFieldsMax = 100;

absl::StatusOr<HttpOutput> ParseCommandOutput(absl::string_view output, ResponseMode mode,
                                              bool is_head);
absl::StatusOr<HttpOutput> ParseHandlerMessage(absl::string_view message, bool is_head);

}  // namespace tidepool::daemon
