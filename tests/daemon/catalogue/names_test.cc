#include "daemon/catalogue/names.h"

#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

TEST(Names, AcceptsWhatIsSafeInUrlsAndFileNames) {
  for (const char* name : {"a", "A-1_b", "0", "json-echo"}) {
    EXPECT_THAT(CheckName("tenant", name), IsOk()) << name;
  }
}

TEST(Names, RefusesWhatCouldMeanSomethingElse) {
  for (const char* name :
       {"", "-a", "_a", ".", "..", "a/b", "a b", "a@b", "a:1", "a%20", "\xC3\xA4"}) {
    EXPECT_THAT(CheckName("tenant", name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(CheckName("function", std::string(64, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 63")));
}

TEST(Names, RoutesHaveOneForm) {
  const struct {
    const char* text;
    const char* normal;
  } cases[] = {{"Example.ORG./a/b/", "example.org/a/b"},
               {"localhost", "localhost/"},
               {"127.0.0.1/x", "127.0.0.1/x"},
               {"h/", "h/"}};
  for (const auto& c : cases) {
    const absl::StatusOr<RouteKey> key = ParseRoute(c.text);
    ASSERT_THAT(key, IsOk()) << c.text;
    EXPECT_EQ(ToString(*key), c.normal);
  }
}

TEST(Names, RefusesRoutesThatCouldMatchInTwoWays) {
  for (const char* text : {"",
                           "/a",
                           "h:80/a",
                           "h/a/../b",
                           "h/./a",
                           "h/a//b",
                           "h/a%2fb",
                           "h/a?b",
                           "h..x/a",
                           "h\x01/a",
                           "h/a b",
                           "*.h/a"}) {
    EXPECT_THAT(ParseRoute(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(Names, RouteTargetsNameLatestOrARevision) {
  EXPECT_EQ(ParseRouteTarget("f")->revision, 0u);
  EXPECT_EQ(ParseRouteTarget("f@latest")->revision, 0u);
  EXPECT_EQ(ParseRouteTarget("f:3")->revision, 3u);
  for (const char* text : {"f:0", "f:x", "f:", "f@stable", ":1", "f:-1"}) {
    EXPECT_THAT(ParseRouteTarget(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace tidepool::daemon
