#include "daemon/invoke/router.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/invoke/snapshot_builder.h"

namespace tidepool::daemon {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    Deploy("a", "site");
    Deploy("a", "site");
    Deploy("a", "api");
    Deploy("b", "site");
    builder_.Route("a.example", "/", "a", "site");
    builder_.Route("a.example", "/api", "a", "api");
    builder_.Route("a.example", "/api/old", "a", "site", 1);
    builder_.Route("b.example", "/only", "b", "site");
    snapshot_ = builder_.Build();
  }
  void Deploy(const std::string& tenant, const std::string& function) {
    builder_.Deploy(tenant, function, std::make_shared<FunctionRevision>());
  }
  // "a/api:1 /api" or the reason's name.
  std::string To(absl::string_view host, absl::string_view target) {
    return Text(RouteRequest(*snapshot_, host, target));
  }
  static std::string Text(const RouteResult& result) {
    if (const Failure* failure = std::get_if<Failure>(&result)) {
      return std::string(FactsOf(failure->reason).name);
    }
    const Route& route = std::get<Route>(result);
    return route.revision->tenant + "/" + route.revision->function + ":" +
           std::to_string(route.revision->revision) + " " + route.path_prefix;
  }
  SnapshotBuilder builder_;
  std::shared_ptr<const RoutingSnapshot> snapshot_;
};

TEST_F(RouterTest, TakesTheLongestPrefixOfWholeSegments) {
  EXPECT_EQ(To("a.example", "/"), "a/site:2 ");
  EXPECT_EQ(To("a.example", "/api"), "a/api:1 /api");
  EXPECT_EQ(To("a.example", "/api/x?y=/api/old"), "a/api:1 /api");
  EXPECT_EQ(To("a.example", "/api/old"), "a/site:1 /api/old");
  EXPECT_EQ(To("a.example", "/apis"), "a/site:2 ") << "half a segment is no prefix";
  EXPECT_EQ(To("a.example", "/api/older"), "a/api:1 /api");
}

TEST_F(RouterTest, ComparesPathsDecoded) {
  EXPECT_EQ(To("a.example", "/%61pi/x"), "a/api:1 /api");
}

TEST_F(RouterTest, KnowsNoRouteElsewhere) {
  EXPECT_EQ(To("b.example", "/"), "ROUTE");
  EXPECT_EQ(To("b.example", "/only"), "b/site:1 /only");
  EXPECT_EQ(To("c.example", "/"), "ROUTE");
}

TEST_F(RouterTest, ReachesEveryFunctionByItsPathOnAnyHost) {
  EXPECT_EQ(To("c.example", "/f/a/site/x"), "a/site:2 /f/a/site");
  EXPECT_EQ(To("", "/f/a/site"), "a/site:2 /f/a/site");
  EXPECT_EQ(To("a.example", "/f/b/site:1/x"), "b/site:1 /f/b/site:1");
  EXPECT_EQ(To("", "/f/a/site@latest/"), "a/site:2 /f/a/site@latest");
}

TEST_F(RouterTest, TellsWhatIsMissing) {
  EXPECT_EQ(To("", "/f/a"), "ROUTE");
  EXPECT_EQ(To("", "/f/a/none"), "FUNCTION");
  EXPECT_EQ(To("", "/f/none/site"), "FUNCTION");
  EXPECT_EQ(To("", "/f/a/site:9"), "REVISION");
  EXPECT_EQ(To("", "/f/a/site@prod"), "REVISION");
  EXPECT_EQ(To("", "/f/a/site:"), "REVISION");
}

TEST_F(RouterTest, RefusesPathsThatTwoReadersCouldReadDifferently) {
  for (const char* target :
       {"/api/../x", "/..", "/api/%2e%2e/x", "/api/.%2E", "/f/a/..%2fb", "/api%2Fold", "/%", "/%2",
        "/%zz", "/%00", "no-slash", ""}) {
    EXPECT_EQ(To("a.example", target), "BAD_REQUEST") << target;
  }
  EXPECT_EQ(To("a.example", "/api?a=../..&b=%2f"), "a/api:1 /api") << "the query is not routed by";
  EXPECT_EQ(To("a.example", "/api/..x"), "a/api:1 /api");
}

TEST_F(RouterTest, MarksTheOriginThatTenantsShare) {
  EXPECT_TRUE(std::get<Route>(RouteRequest(*snapshot_, "", "/f/a/site")).is_function_origin);
  EXPECT_FALSE(std::get<Route>(RouteRequest(*snapshot_, "a.example", "/")).is_function_origin);
}

TEST_F(RouterTest, FindsFunctionsByName) {
  EXPECT_EQ(Text(RouteReference(*snapshot_, {"a", "site", ""})), "a/site:2 ");
  EXPECT_EQ(Text(RouteReference(*snapshot_, {"a", "site", "1"})), "a/site:1 ");
  EXPECT_EQ(Text(RouteReference(*snapshot_, {"a", "site", "3"})), "REVISION");
  EXPECT_EQ(Text(RouteReference(*snapshot_, {"a", "x", ""})), "FUNCTION");
}

TEST(NormalizeHost, LowersAndTakesOffPortAndFinalDot) {
  EXPECT_EQ(NormalizeHost("EXAMPLE.com.:8080")->host, "example.com");
  EXPECT_EQ(NormalizeHost("EXAMPLE.com.:8080")->port, "8080");
  EXPECT_EQ(NormalizeHost("[::1]:80")->host, "[::1]");
  EXPECT_EQ(NormalizeHost("10.0.0.1")->host, "10.0.0.1");
}

TEST(NormalizeHost, RefusesWhatIsNoHost) {
  for (const char* text : {"", ".", "a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "[]", "a\\b",
                           "x:123456", "a,b", "a?b"}) {
    EXPECT_FALSE(NormalizeHost(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tidepool::daemon
