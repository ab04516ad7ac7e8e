#include <time.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/http/http_mapping.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/http_fields.h"

namespace tidepool::daemon {
namespace {

absl::string_view ReasonPhrase(uint32_t status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}

// "Sun, 06 Nov 1994 08:49:37 GMT", made once per second and thread.
absl::string_view DateNow() {
  thread_local time_t made_for = 0;
  thread_local std::string text;
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made_for) {
    made_for = now.tv_sec;
    text = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromTimeT(made_for),
                            absl::UTCTimeZone());
  }
  return text;
}

void AppendFacts(std::string& head, const ResponseFacts& facts) {
  if (!facts.request_id.empty()) absl::StrAppend(&head, "X-Request-Id: ", facts.request_id, "\r\n");
  if (!facts.invocation_id.empty()) {
    absl::StrAppend(&head, "X-Tidepool-Invocation: ", facts.invocation_id, "\r\n");
  }
  if (facts.revision != 0) absl::StrAppend(&head, "X-Tidepool-Revision: ", facts.revision, "\r\n");
  if (!facts.server_timing.empty()) {
    absl::StrAppend(&head, "Server-Timing: ", facts.server_timing, "\r\n");
  }
  if (facts.sandbox) head += "Content-Security-Policy: sandbox\r\n";
  if (!facts.keep_alive) {
    head += "Connection: close\r\n";
  } else if (facts.is_http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
}

}  // namespace

absl::string_view ContinueResponse() { return "HTTP/1.1 100 Continue\r\n\r\n"; }

bool IsBodiless(uint32_t status) { return status == 204 || status == 304; }

std::string WriteResponseHead(const HttpOutput& output, const ResponseFacts& facts) {
  std::string head;
  size_t bytes = 400;
  for (const HeaderField& field : output.headers) {
    bytes += field.name.size() + field.value.size() + 4;
  }
  head.reserve(bytes);
  absl::StrAppend(&head, "HTTP/1.1 ", output.status, " ", ReasonPhrase(output.status), "\r\n");
  bool has_date = false;
  for (const HeaderField& field : output.headers) {
    if (absl::EqualsIgnoreCase(field.name, "x-request-id")) continue;  // It is ours to say.
    if (facts.sandbox && absl::EqualsIgnoreCase(field.name, "set-cookie")) continue;
    has_date |= absl::EqualsIgnoreCase(field.name, "date");
    absl::StrAppend(&head, field.name, ": ", field.value, "\r\n");
  }
  if (!has_date) absl::StrAppend(&head, "Date: ", DateNow(), "\r\n");
  if (!IsBodiless(output.status) || output.described_body_bytes.has_value()) {
    absl::StrAppend(&head, "Content-Length: ",
                    output.described_body_bytes.value_or(output.body.size()), "\r\n");
  }
  AppendFacts(head, facts);
  head += "\r\n";
  return head;
}

std::string WriteFailure(const Failure& failure, const ResponseFacts& facts) {
  const ReasonFacts& reason = FactsOf(failure.reason);
  HttpOutput output;
  output.status = reason.http_status;
  output.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  if (reason.fault != Fault::kCaller) {
    output.headers.push_back(
        {"X-Tidepool-Fault", reason.fault == Fault::kGuest ? "guest" : "host"});
  }
  if (reason.retry) {
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(failure.retry_after, absl::Seconds(1)));
    output.headers.push_back({"Retry-After", absl::StrCat(std::max<int64_t>(1, seconds))});
  }
  output.body = ProblemJson(failure, facts.invocation_id, facts.request_id);
  std::string response = WriteResponseHead(output, facts);
  if (!facts.is_head) response += output.body;
  return response;
}

}  // namespace tidepool::daemon
