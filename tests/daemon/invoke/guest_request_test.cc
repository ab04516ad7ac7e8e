#include "daemon/invoke/guest_request.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using testing::Contains;
using testing::Each;
using testing::Not;
using testing::StartsWith;

HttpInput Input() {
  HttpInput input;
  input.method = "POST";
  input.target = "/app/a%20b?x=1&y=%2F";
  input.headers = {{"Host", "h.example:81"}, {"Content-Type", "a/b"}, {"X-Many", "1"},
                   {"x-many", "2"},          {"Cookie", "a=1"},       {"cookie", "b=2"},
                   {"Proxy", "evil"},        {"X_Under", "evil"},     {"Connection", "close"},
                   {"Content-Length", "4"},  {"Expect", "100-continue"}};
  input.body = "body";
  input.remote_address = "127.0.0.1";
  input.server_name = "h.example";
  input.server_port = "81";
  input.path_prefix = "/app";
  return input;
}

TEST(CgiEnvironment, SaysWhatRfc3875Asks) {
  FunctionRevision revision;
  const std::vector<std::string> lines = CgiEnvironment(Input(), revision);
  for (const char* line :
       {"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_NAME=h.example",
        "SERVER_PORT=81", "REQUEST_METHOD=POST", "SCRIPT_NAME=/app", "PATH_INFO=/a b",
        "QUERY_STRING=x=1&y=%2F", "REMOTE_ADDR=127.0.0.1", "CONTENT_LENGTH=4", "CONTENT_TYPE=a/b",
        "HTTP_HOST=h.example:81", "HTTP_X_MANY=1, 2", "HTTP_COOKIE=a=1; b=2",
        "REQUEST_URI=/app/a%20b?x=1&y=%2F"}) {
    EXPECT_THAT(lines, Contains(line));
  }
}

TEST(CgiEnvironment, LeavesOutFieldsThatCouldPoseAsAnother) {
  FunctionRevision revision;
  const std::vector<std::string> lines = CgiEnvironment(Input(), revision);
  for (const char* name : {"HTTP_PROXY=", "HTTP_X_UNDER=", "HTTP_CONNECTION=",
                           "HTTP_CONTENT_LENGTH=", "HTTP_CONTENT_TYPE="}) {
    EXPECT_THAT(lines, Each(Not(StartsWith(name)))) << name;
  }
}

TEST(CgiEnvironment, LetsNoSettingOverrideTheRequest) {
  FunctionRevision revision;
  revision.env = {{"MODE", "fast"}, {"REQUEST_METHOD", "GET"}, {"HTTP_COOKIE", "mine"}};
  const std::vector<std::string> lines = CgiEnvironment(Input(), revision);
  EXPECT_THAT(lines, Contains("MODE=fast"));
  EXPECT_THAT(lines, Contains("REQUEST_METHOD=POST"));
  EXPECT_THAT(lines, Not(Contains("REQUEST_METHOD=GET")));
  EXPECT_THAT(lines, Not(Contains("HTTP_COOKIE=mine")));
}

TEST(CgiEnvironment, HasNoLengthWithoutABody) {
  HttpInput input = Input();
  input.body.clear();
  EXPECT_THAT(CgiEnvironment(input, FunctionRevision()), Each(Not(StartsWith("CONTENT_LENGTH="))));
}

TEST(HandlerMessageHead, IsAnHttpMessageWithLowerCaseNamesAndItsOwnLength) {
  EXPECT_EQ(HandlerMessageHead(Input()),
            "POST /app/a%20b?x=1&y=%2F HTTP/1.1\r\n"
            "host: h.example:81\r\ncontent-type: a/b\r\nx-many: 1\r\nx-many: 2\r\n"
            "cookie: a=1\r\ncookie: b=2\r\nproxy: evil\r\nx_under: evil\r\n"
            "content-length: 4\r\n\r\n");
}

}  // namespace
}  // namespace tidepool::daemon
