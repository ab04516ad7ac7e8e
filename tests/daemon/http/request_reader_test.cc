#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/http/http_mapping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using State = RequestReader::State;

std::optional<Failure> Anything(uint64_t) { return std::nullopt; }

// Reads one request from `bytes`, given in pieces of `piece_bytes`; "GET /path [body]" or a reason.
std::string ReadIn(absl::string_view bytes, size_t piece_bytes, const DoorLimits& limits = {}) {
  RequestReader reader(limits);
  std::string pending;
  while (true) {
    if (reader.state() == State::kFailed) {
      return std::string(FactsOf(reader.failure().reason).name);
    }
    if (reader.state() == State::kHeadDone) reader.ReadBody(&Anything);
    if (reader.state() == State::kDone) {
      return absl::StrCat(reader.head().method, " ", reader.head().target, " [", reader.body(),
                          "]");
    }
    const size_t used = reader.Put(pending);
    pending.erase(0, used);
    if (used > 0 || reader.state() != State::kHead) {
      if (used > 0 || reader.state() != State::kBody) continue;
    }
    if (bytes.empty()) return "incomplete";
    const size_t count = std::min(piece_bytes, bytes.size());
    pending.append(bytes.data(), count);
    bytes.remove_prefix(count);
  }
}
std::string Read(absl::string_view bytes, const DoorLimits& limits = {}) {
  const std::string whole = ReadIn(bytes, bytes.size() + 1, limits);
  EXPECT_EQ(ReadIn(bytes, 1, limits), whole) << "byte by byte: " << bytes.substr(0, 200);
  return whole;
}

TEST(RequestReader, ReadsRequestsWithAndWithoutBody) {
  EXPECT_EQ(Read("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /a?b []");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), "POST / [abc]");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"),
            "POST / [abcde]");
  EXPECT_EQ(Read("GET / HTTP/1.0\r\n\r\n"), "GET / []") << "HTTP/1.0 needs no Host";
  EXPECT_EQ(Read("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "BREW / []") << "methods are the guest's";
}

TEST(RequestReader, TakesTheAuthorityOfAnAbsoluteTarget) {
  RequestReader reader({});
  reader.Put("GET http://Other.Example:81/p?q HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(reader.state(), State::kHeadDone);
  EXPECT_EQ(reader.head().host, "other.example");
  EXPECT_EQ(reader.head().port, "81");
  EXPECT_EQ(reader.head().target, "/p?q");
}

// Each could be read in two ways by two servers in a row: request smuggling.
TEST(RequestReader, RefusesWhatCanBeReadInTwoWays) {
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& rest : std::vector<std::string>{
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
           "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
           "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
           "Content-Length: 3, 3\r\n\r\nabc",
           "Content-Length: +3\r\n\r\nabc",
           "Content-Length: -1\r\n\r\n",
           "Content-Length: 0x3\r\n\r\nabc",
           "Content-Length: 3 4\r\n\r\nabc",
           "Content-Length:\r\n\r\n",
           "Content-Length: 99999999999999999999\r\n\r\n",
           "Content-Length : 3\r\n\r\nabc",
           "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "Transfer-Encoding: chunked, gzip\r\n\r\n",
           "Transfer-Encoding: identity\r\n\r\n",
           "Transfer-Encoding: xchunked\r\n\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
           "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
           "X: a\r\n folded\r\n\r\n",
           "X: a\n\r\n",
           "X: a\r\n\n",
           "X: a\rY: b\r\n\r\n",
           "X Y: a\r\n\r\n",
           ": a\r\n\r\n",
           "X\r\n\r\n",
           "Host: y\r\n\r\n",
       }) {
    EXPECT_EQ(Read(start + rest), "BAD_REQUEST") << rest;
  }
  EXPECT_EQ(Read(start + absl::StrCat("X: a", absl::string_view("\0", 1), "b\r\n\r\n")),
            "BAD_REQUEST");
}

TEST(RequestReader, RefusesBadChunks) {
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* rest : {"x\r\nabc\r\n", "-1\r\nabc\r\n", "3\r\nabcd\r\n0\r\n\r\n",
                           "11111111111111111\r\n", "\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n",
                           "0x3\r\nabc\r\n0\r\n\r\n",
                           "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n"}) {
    EXPECT_EQ(Read(start + rest), "BAD_REQUEST") << rest;
  }
  // Bare LF ends no line: it waits for CRLF, and times out.
  EXPECT_EQ(Read(start + "3\nabc\n0\n\n"), "incomplete");
}

TEST(RequestReader, WantsExactlyOneHostThatIsOne) {
  EXPECT_EQ(Read("GET / HTTP/1.1\r\n\r\n"), "BAD_REQUEST");
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "BAD_REQUEST");
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "BAD_REQUEST");
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "BAD_REQUEST");
  EXPECT_EQ(Read("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), "BAD_REQUEST");
}

TEST(RequestReader, RefusesStrangeRequestLines) {
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET /", "GET",
                           "GET  / HTTP/1.1", "G(T / HTTP/1.1", "GET / http/1.1",
                           "GET x HTTP/1.1", "GET /a b HTTP/1.1"}) {
    EXPECT_EQ(Read(absl::StrCat(line, "\r\nHost: x\r\n\r\n")), "BAD_REQUEST") << line;
  }
  EXPECT_EQ(Read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "BAD_REQUEST");
}

TEST(RequestReader, OffersNeitherTraceNorConnect) {
  EXPECT_EQ(Read("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), "METHOD");
  EXPECT_EQ(Read("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"), "METHOD");
}

TEST(RequestReader, BoundsTargetHeaderAndFields) {
  DoorLimits limits;
  limits.uri_bytes_max = 100;
  limits.header_bytes_max = 1000;
  limits.header_fields_max = 5;
  const auto read = [&](const std::string& bytes) { return Read(bytes, limits); };
  EXPECT_EQ(read("GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
            "GET /" + std::string(99, 'a') + " []");
  EXPECT_EQ(read("GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
            "URI_TOO_LONG");
  EXPECT_EQ(read("GET /" + std::string(5000, 'a')), "URI_TOO_LONG") << "without an end";
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1000, 'a') + "\r\n\r\n"),
            "HEADERS_TOO_LARGE");
  EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'a')),
            "HEADERS_TOO_LARGE")
      << "without an end";
  std::string fields = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 4; ++i) absl::StrAppend(&fields, "X-", i, ": y\r\n");
  EXPECT_EQ(read(fields + "\r\n"), "GET / []");
  EXPECT_EQ(read(fields + "X-5: y\r\n\r\n"), "HEADERS_TOO_LARGE");
}

TEST(RequestReader, BoundsTrailersAndChunkExtensions) {
  DoorLimits limits;
  limits.header_bytes_max = 1000;
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Read(start + "3;" + std::string(5000, 'x'), limits), "HEADERS_TOO_LARGE");
  EXPECT_EQ(Read(start + "0\r\nT: " + std::string(5000, 'x'), limits), "HEADERS_TOO_LARGE");
}

TEST(RequestReader, AsksTheGateBeforeKeepingMore) {
  RequestReader reader({});
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
  ASSERT_EQ(reader.Put(head), head.size());
  ASSERT_EQ(reader.state(), State::kHeadDone);
  uint64_t asked = 0;
  reader.ReadBody([&asked](uint64_t bytes) -> std::optional<Failure> {
    asked += bytes;
    if (asked <= 5) return std::nullopt;
    Failure failure;
    failure.reason = Reason::REQUEST_TOO_LARGE;
    return failure;
  });
  reader.Put("12345");
  EXPECT_EQ(reader.state(), State::kBody);
  reader.Put("6");
  EXPECT_EQ(reader.state(), State::kFailed);
  EXPECT_EQ(reader.failure().reason, Reason::REQUEST_TOO_LARGE);
  EXPECT_EQ(reader.body(), "12345");
}

TEST(RequestReader, LeavesPipelinedBytesAlone) {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  RequestReader reader({});
  ASSERT_EQ(reader.Put(first + second), first.size());
  reader.ReadBody(&Anything);
  EXPECT_EQ(reader.state(), State::kDone);
  reader.Reset();
  ASSERT_EQ(reader.Put(second), second.size());
  EXPECT_EQ(reader.head().target, "/2");
}

TEST(RequestReader, KnowsWhetherTheConnectionGoesOn) {
  const auto keeps = [](absl::string_view version, absl::string_view field) {
    RequestReader reader({});
    reader.Put(absl::StrCat("GET / HTTP/", version, "\r\nHost: x\r\n", field, "\r\n"));
    return reader.head().keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
}

}  // namespace
}  // namespace tidepool::daemon
