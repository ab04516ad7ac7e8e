// How a request looks to a guest.
//
//   command  CGI/1.1 variables, "NAME=value"; the body is stdin
//   handler  POST /path?query HTTP/1.1\r\n name: value\r\n … content-length: N\r\n \r\n body
//
// Source   RFC 3875, 4; RFC 9112; service.md, "Guest ABIs".
#pragma once

#include <string>
#include <vector>

#include "daemon/catalogue/function_revision.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

// The function's own variables first; a CGI variable of the same name wins.
std::vector<std::string> CgiEnvironment(const HttpInput& input, const FunctionRevision& revision);

// Without the body, which follows.
std::string HandlerMessageHead(const HttpInput& input);

}  // namespace tidepool::daemon
