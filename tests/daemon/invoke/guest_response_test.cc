#include "daemon/invoke/guest_response.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::IsOk;

std::string Show(const absl::StatusOr<HttpOutput>& output) {
  if (!output.ok()) return absl::StrCat("bad: ", output.status().message());
  std::string text = absl::StrCat(output->status);
  for (const HeaderField& field : output->headers) {
    absl::StrAppend(&text, " ", field.name, "=", field.value);
  }
  return absl::StrCat(text, " [", output->body, "]");
}
std::string Cgi(absl::string_view output, ResponseMode mode = ResponseMode::kAuto) {
  return Show(ParseCommandOutput(output, mode, /*is_head=*/false));
}
std::string Message(absl::string_view message, bool is_head = false) {
  return Show(ParseHandlerMessage(message, is_head));
}

TEST(CommandOutput, IsCgiOnlyIfItsFirstLineSaysSo) {
  EXPECT_EQ(Cgi("Content-Type: text/plain\n\nhi"), "200 Content-Type=text/plain [hi]");
  EXPECT_EQ(Cgi("status: 404 Not Found\r\nX-A: b\r\n\r\ngone"), "404 X-A=b [gone]");
  EXPECT_EQ(Cgi("X-A: b\n\nhi"),
            "200 content-type=application/octet-stream x-content-type-options=nosniff "
            "[X-A: b\n\nhi]");
  EXPECT_EQ(Cgi(""), "200 content-type=application/octet-stream x-content-type-options=nosniff []");
}

TEST(CommandOutput, ObeysTheFunctionsMode) {
  EXPECT_THAT(Cgi("Content-Type: a/b\n\nhi", ResponseMode::kRaw),
              testing::EndsWith("[Content-Type: a/b\n\nhi]"));
  EXPECT_EQ(Cgi("X-A: b\n\nhi", ResponseMode::kCgi), "200 X-A=b [hi]");
  EXPECT_THAT(Cgi("no header", ResponseMode::kCgi), testing::StartsWith("bad: "));
  EXPECT_THAT(Cgi("\nbody", ResponseMode::kCgi), testing::StartsWith("bad: "));
}

TEST(CommandOutput, RedirectsByLocation) {
  EXPECT_EQ(Cgi("Location: http://x/\n\n"), "302 Location=http://x/ []");
  EXPECT_EQ(Cgi("Location: http://x/\nStatus: 308\n\n"), "308 Location=http://x/ []");
}

TEST(CommandOutput, RefusesWhatIsNotTheGuestsToSay) {
  for (const char* output : {
           "Status: 99\n\n",
           "Status: 101 Switching\n\n",
           "Status: abc\n\n",
           "Status: 600\n\n",
           "Status: 200\nStatus: 404\n\n",
           "Content-Type: a/b\nConnection: close\n\n",
           "Content-Type: a/b\nTransfer-Encoding: chunked\n\n",
           "Content-Type: a/b\nX-Tidepool-Revision: 7\n\n",
           "Content-Type: a/b\nContent-Length: 5\n\nfour",
           "Content-Type: a/b\nContent-Length: 4\nContent-Length: 4\n\nfour",
           "Content-Type: a/b\nContent-Length: +4\n\nfour",
           "Content-Type: a/b\nBad Name: x\n\n",
           "Content-Type: a/b\nNoColon\n\n",
           "Content-Type: a/b\nX: a\x01"
           "b\n\n",
           "Content-Type: a/b\n",
           "Content-Type: a/b\nX: a\rSet-Cookie: b\n\n",
       }) {
    EXPECT_THAT(Cgi(output), testing::StartsWith("bad: ")) << output;
  }
  EXPECT_THAT(Cgi(absl::string_view("Content-Type: a\0b\n\n", 19)), testing::StartsWith("bad: "));
}

TEST(CommandOutput, BoundsTheHeader) {
  std::string many = "Content-Type: a/b\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&many, "X-", i, ": y\n");
  EXPECT_EQ(Cgi(many + "\n"), "bad: more than 100 header fields");
  EXPECT_EQ(Cgi("Content-Type: " + std::string(70'000, 'x') + "\n\n"), "bad: headers above 64 KiB");
}

TEST(HandlerMessage, TakesStatusFieldsAndBody) {
  EXPECT_EQ(Message("HTTP/1.1 201 Created\r\ncontent-type: a/b\r\nset-cookie: a\r\nset-cookie: b"
                    "\r\ncontent-length: 2\r\n\r\nhi"),
            "201 content-type=a/b set-cookie=a set-cookie=b [hi]");
  EXPECT_EQ(Message("HTTP/1.1 200 \r\n\r\n"), "200 []");
  EXPECT_EQ(Message("HTTP/1.1 200\r\n\r\n"), "200 []");
}

TEST(HandlerMessage, LetsAnAnswerToHeadSpeakOfABodyItDoesNotBring) {
  const absl::StatusOr<HttpOutput> head =
      ParseHandlerMessage("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", true);
  ASSERT_THAT(head.status(), IsOk());
  EXPECT_EQ(head->described_body_bytes, 9u);
  EXPECT_THAT(Message("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), testing::StartsWith("bad"));
}

TEST(HandlerMessage, IsStrictAboutTheForm) {
  for (const char* message : {
           "",
           "HTTP/1.1 200 OK",
           "HTTP/1.1 200 OK\r\n",
           "HTTP/1.1 200 OK\n\n",
           "HTTP/1.0 200 OK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 100 Continue\r\n\r\n",
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1 200 OK\r\nx: y\n\r\n",
           "HTTP/1.1 200 OK\r\nx : y\r\n\r\n",
           "HTTP/1.1 200 OK\r\n folded: y\r\n\r\n",
           "HTTP/1.1 200 OK\r\nkeep-alive: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi",
       }) {
    EXPECT_THAT(Message(message), testing::StartsWith("bad: ")) << message;
  }
}

}  // namespace
}  // namespace tidepool::daemon
