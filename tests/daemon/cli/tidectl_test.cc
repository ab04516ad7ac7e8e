// tidectl end to end: the program itself against the real doors and catalogue.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <boost/json.hpp>

#include "daemon/logs/log_line.h"
#include "tests/daemon/cli/tidectl_runner.h"
#include "tests/daemon/control/control_world.h"

namespace tidepool::daemon {
namespace {

namespace json = boost::json;
using test::ControlWorld;
using test::RunTidectl;
using test::ToolResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TidectlTest : public ::testing::Test {
 protected:
  TidectlTest() : folder_(test::MakeTemporaryFolder()) { world_.server(); }
  ~TidectlTest() override { test::RemoveFolder(folder_); }

  // Words separated by blanks.
  ToolResult Run(const std::string& words, const std::string& input = "") {
    return RunTidectl(absl::StrSplit(words, ' ', absl::SkipEmpty()),
                      {"TIDEPOOL_SERVER=" + world_.admin_address()},
                      input);
  }
  // As Run, with what must succeed.
  std::string Must(const std::string& words) {
    const ToolResult result = Run(words);
    EXPECT_EQ(result.exit_code, 0) << words << ": " << result.err;
    return result.out;
  }
  json::value MustJson(const std::string& words) {
    json::error_code error;
    const json::value value = json::parse(Must(words + " -o json"), error);
    EXPECT_FALSE(error) << words;
    return value;
  }
  void ExpectFailure(int exit_code, const std::string& message, const std::string& words) {
    const ToolResult result = Run(words);
    EXPECT_EQ(result.exit_code, exit_code) << words << ": " << result.err;
    EXPECT_THAT(result.err, HasSubstr(message)) << words;
    EXPECT_EQ(result.out, "") << "results only on stdout: " << words;
  }
  std::string File(const std::string& name, const std::vector<uint8_t>& bytes) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  void AnswerHttp(uint32_t status, const std::string& body) {
    world_.invoker().SetAnswer([=](const InvokeRequest&) {
      InvokeOutcome outcome;
      outcome.invocation_id = "01JTEST";
      outcome.result = HttpOutput{.status = status, .headers = {{"x", "y"}}, .body = body};
      return outcome;
    });
  }

  const std::string folder_;
  ControlWorld world_;
};

TEST_F(TidectlTest, TenantsLive) {
  EXPECT_EQ(Must("tenant create a --limit memory=64MiB --limit cpu=250ms"), "a\n");
  ExpectFailure(4, "already", "tenant create a");
  const json::value tenant = MustJson("tenant get a");
  EXPECT_EQ(tenant.at("name").as_string(), "tenants/a");
  EXPECT_EQ(tenant.at("limits").at("memory").as_string(), "64MiB");
  Must("tenant set a --limit cpu=default");
  EXPECT_FALSE(MustJson("tenant get a").at("limits").as_object().contains("cpu"));
  EXPECT_EQ(MustJson("tenant list").as_array().size(), 1u);
  EXPECT_EQ(Must("tenant list -o name"), "tenants/a\n");
  ExpectFailure(3, "\"b\"", "tenant get b");
  ExpectFailure(10, "memroy", "tenant create c --limit memroy=1MiB");
  ExpectFailure(10, "must begin with", "tenant create ..");
  ExpectFailure(2, "NAME=VALUE", "tenant create c --limit memory");
  Must("tenant delete a");
  ExpectFailure(3, "\"a\"", "tenant delete a");
}

TEST_F(TidectlTest, FunctionsAreDeployedListedAndDeleted) {
  Must("tenant create a");
  const std::string file = File("f.wasm", test::CommandModule());
  EXPECT_EQ(Must("function deploy f " + file +
                 " -t a --route H.example/x --limit cpu=10ms --arg one --arg two --env K=V=W "
                 "--response cgi --unknown-imports trap --abi command"),
            "a/f:1\n");
  EXPECT_EQ(Must("function deploy f " + file + " -t a"), "a/f:2\n");
  const json::value function = MustJson("function get f -t a");
  EXPECT_EQ(function.at("routes").at(0).as_string(), "h.example/x");
  EXPECT_EQ(function.at("serving_revision").at("number").as_int64(), 2);
  const json::value revisions = MustJson("function revisions f -t a");
  ASSERT_EQ(revisions.as_array().size(), 2u);
  const json::value& first = revisions.at(0);
  EXPECT_EQ(first.at("args").at(1).as_string(), "two");
  EXPECT_EQ(first.at("env").at("K").as_string(), "V=W");
  EXPECT_EQ(first.at("response").as_string(), "cgi");
  EXPECT_EQ(first.at("unknown_imports").as_string(), "trap");
  EXPECT_EQ(first.at("limits").at("cpu").as_string(), "10ms");
  EXPECT_EQ(MustJson("function list").as_array().size(), 1u);
  EXPECT_EQ(MustJson("module list -t a").as_array().size(), 1u);
  Must("function delete f -t a --revision 1");
  ExpectFailure(1, "serves", "function delete f -t a --revision 2");
  Must("function delete f -t a");
  ExpectFailure(3, "\"f\"", "function get f -t a");
  EXPECT_EQ(MustJson("module list -t a").as_array().size(), 0u);
}

TEST_F(TidectlTest, RefusedDeploymentsSayWhy) {
  const std::string file = File("f.wasm", test::CommandModule());
  ExpectFailure(3, "\"a\"", "function deploy f " + file + " -t a");
  Must("tenant create a --limit functions=1 --limit module_size=10KiB");
  ExpectFailure(2, "-t TENANT", "function deploy f " + file);
  ExpectFailure(3, "nothing.wasm", "function deploy f " + folder_ + "/nothing.wasm -t a");
  ExpectFailure(10, "", "function deploy f " + File("bad.wasm", {1, 2, 3}) + " -t a");
  ExpectFailure(
      6,
      "module_size",
      "function deploy f " + File("large.wasm", test::ModuleOfBytes(20 * 1024)) + " -t a");
  ExpectFailure(
      10,
      "env.one",
      "function deploy f " + File("i.wasm", test::ModuleImporting("env", {"one"})) + " -t a");
  ExpectFailure(10, "tidepool_handle", "function deploy f " + file + " -t a --abi handler");
  ExpectFailure(2, "--abi", "function deploy f " + file + " -t a --abi nonsense");
  ExpectFailure(10, "cpu=5s", "function deploy f " + file + " -t a --limit cpu=5s");
  Must("function deploy f " + file + " -t a");
  ExpectFailure(6, "functions", "function deploy g " + file + " -t a");
}

TEST_F(TidectlTest, RoutesOnAnothersHostAreDenied) {
  Must("tenant create a");
  Must("tenant create b");
  const std::string file = File("f.wasm", test::CommandModule());
  Must("function deploy f " + file + " -t a");
  Must("function deploy f " + file + " -t b");
  EXPECT_EQ(Must("route add h.example/x f -t a"), "h.example/x\n");
  ExpectFailure(5, "another tenant", "route add h.example/y f -t b");
  ExpectFailure(10, "port", "route add h.example:80/y f -t a");
  ExpectFailure(3, "revision 7", "route add h.example/y f:7 -t a");
  EXPECT_EQ(MustJson("route list").at(0).at("function").as_string(), "tenants/a/functions/f");
  EXPECT_EQ(MustJson("route list -t b").as_array().size(), 0u);
  Must("route delete h.example/x -t a");
  ExpectFailure(3, "h.example/x", "route delete h.example/x -t a");
}

TEST_F(TidectlTest, InvokeGivesTheGuestsBytes) {
  AnswerHttp(200, std::string("\0raw\n", 5));
  const ToolResult result =
      Run("invoke f -t a --data hello --method PUT --target /p?q --header A:b");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, std::string("\0raw\n", 5));
  const auto http = std::get<HttpInput>(world_.invoker().last().input);
  EXPECT_EQ(http.body, "hello");
  EXPECT_EQ(http.method, "PUT");
  EXPECT_EQ(http.target, "/p?q");
  EXPECT_EQ(http.headers.at(0).name, "a");
  EXPECT_EQ(http.headers.at(0).value, "b");
  EXPECT_EQ(MustJson("invoke f -t a").at("body").as_string(), std::string("\0raw\n", 5));
  AnswerHttp(503, "\xFF");
  const ToolResult bad = Run("invoke f -t a -o json");
  EXPECT_EQ(bad.exit_code, 0) << "a guest's own status is an answer";
  EXPECT_EQ(json::parse(bad.out).at("body_base64").as_string(), "/w==");
  EXPECT_EQ(json::parse(bad.out).at("status").as_int64(), 503);
}

TEST_F(TidectlTest, InvokeReadsFilesAndStandardInput) {
  AnswerHttp(200, "");
  Run("invoke f -t a --data @-", "from stdin");
  EXPECT_EQ(std::get<HttpInput>(world_.invoker().last().input).body, "from stdin");
  Must("invoke f -t a --data @" + File("body", {'x', 0, 'y'}));
  EXPECT_EQ(std::get<HttpInput>(world_.invoker().last().input).body, std::string("x\0y", 3));
  ExpectFailure(3, "no-such", "invoke f -t a --data @/no-such");
}

TEST_F(TidectlTest, TypedArgumentsFollowTheSignature) {
  Must("tenant create a");
  Must("function deploy f " + File("e.wasm", test::ExportModule()) + " -t a");
  world_.invoker().SetAnswer([](const InvokeRequest& request) {
    InvokeOutcome outcome;
    outcome.result = std::get<CallInput>(request.input).arguments;
    return outcome;
  });
  EXPECT_EQ(Must("invoke f -t a --export all -1 0xffffffffffffffff 1.5 -inf"),
            "-1\n-1\n1.5\n-inf\n");
  EXPECT_EQ(Must("invoke f:1 -t a --export add 4294967295 2"), "-1\n2\n");
  const json::value value = MustJson("invoke f@latest -t a --export all 1 2 3 0.1");
  EXPECT_EQ(value.at("results").at(1).at("i64").as_int64(), 2);
  EXPECT_EQ(value.at("results").at(3).at("f64").as_double(), 0.1);
  EXPECT_EQ(Must("invoke f -t a --export all 1 2 -.5 -nan"), "1\n2\n-0.5\nnan\n");
  ExpectFailure(2, "takes 2 arguments, not 1", "invoke f -t a --export add 1");
  ExpectFailure(2, "\"4294967296\" is not of type i32", "invoke f -t a --export add 1 4294967296");
  ExpectFailure(2, "\"x\" is not of type i32", "invoke f -t a --export add x 1");
  ExpectFailure(3, "\"nope\"", "invoke f -t a --export nope");
}

TEST_F(TidectlTest, FailuresOfEachKindHaveTheirExitCode) {
  const struct {
    Reason reason;
    int exit_code;
  } cases[] = {{Reason::GUEST_TRAP, 9},
               {Reason::CPU_LIMIT, 9},
               {Reason::GUEST_EXIT, 9},
               {Reason::WALL_LIMIT, 8},
               {Reason::QUEUE_DEADLINE, 8},
               {Reason::TENANT_CONCURRENCY, 6},
               {Reason::TENANT_RATE, 6},
               {Reason::HOST_CAPACITY, 7},
               {Reason::DRAINING, 7},
               {Reason::FUNCTION, 3},
               {Reason::WRONG_ABI, 3},
               {Reason::REQUEST_TOO_LARGE, 10},
               {Reason::HOST_FAULT, 1}};
  for (const auto& c : cases) {
    world_.invoker().AnswerWith({.reason = c.reason, .detail = "the detail"});
    ExpectFailure(c.exit_code, "the detail", "invoke f -t a");
  }
}

TEST_F(TidectlTest, LogsAreShown) {
  Must("tenant create a");
  Must("function deploy f " + File("f.wasm", test::CommandModule()) + " -t a");
  std::string lines;
  AppendLogLines(lines, 1'700'000'000'000'000'000, "01JX", LogSource::kError, "one\ntwo");
  world_.logs().Append("a", "f", lines);
  world_.logs().Flush();
  EXPECT_EQ(Must("logs f -t a --tail 1"), "2023-11-14T22:13:20.000000Z 01JX err two\n");
  const json::value parsed = MustJson("logs f -t a");
  ASSERT_EQ(parsed.as_array().size(), 2u);
  EXPECT_EQ(parsed.at(0).at("text").as_string(), "one");
  ExpectFailure(3, "\"g\"", "logs g -t a");
}

TEST_F(TidectlTest, PoolAndVersion) {
  WorkerSnapshot worker;
  worker.pool.slots.warm = 3;
  world_.pool().snapshot.workers = {worker};
  EXPECT_EQ(MustJson("pool status").at("workers").at(0).at("slots").at("warm").as_int64(), 3);
  world_.pool().storages.resize(2);
  EXPECT_EQ(MustJson("pool slots").as_array().size(), 2u);
  EXPECT_EQ(MustJson("pool verify").at("verified").as_int64(), 0);
  world_.pool().report.differences = {"slot 4: byte 9 is 1, image has 0"};
  const ToolResult dirty = Run("pool verify");
  EXPECT_EQ(dirty.exit_code, 1);
  EXPECT_THAT(dirty.out, HasSubstr("slot 4: byte 9"));
  EXPECT_EQ(MustJson("version").at("server").as_string(), "test");
  EXPECT_THAT(Must("version"), HasSubstr("tidepoold"));
}

TEST_F(TidectlTest, FormatsAgree) {
  Must("tenant create a --limit rate=off --limit cpu=1s");
  Must("tenant create yes");
  EXPECT_THAT(Must("tenant list"), AllOf(StartsWith("TENANT"), HasSubstr("cpu=1s rate=off")));
  const std::string yaml = Must("tenant get a -o yaml");
  EXPECT_THAT(yaml, StartsWith("name: tenants/a\nlimits:\n  cpu: \"1s\"\n  rate: \"off\"\n"));
  EXPECT_THAT(yaml, HasSubstr("\neffective_limits:\n  - limit: memory\n    value: "));
  EXPECT_THAT(yaml, HasSubstr("\nhosts: []\n"));
  EXPECT_THAT(Must("--format json tenant list"), StartsWith("[\n"));
}

TEST_F(TidectlTest, WhatTenantsSayCannotMoveTheReadersCursor) {
  Must("tenant create a");
  const std::string file = File("f.wasm", test::CommandModule());
  const ToolResult deployed =
      RunTidectl({"function", "deploy", "f", file, "-t", "a", "--env", "A=\x1b[2J\nforged"},
                 {"TIDEPOOL_SERVER=" + world_.admin_address()});
  ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  EXPECT_THAT(Must("function get f -t a"),
              AllOf(HasSubstr("A= [2J forged"), Not(HasSubstr("\x1b"))));
  world_.invoker().AnswerWith({.reason = Reason::GUEST_TRAP, .detail = "\x1b]0;x\x07"});
  EXPECT_THAT(Run("invoke f -t a").err, Not(HasSubstr("\x1b")));
}

TEST_F(TidectlTest, ColorsAreForThoseWhoSeeThem) {
  Must("tenant create a");
  EXPECT_THAT(Must("tenant list"), Not(HasSubstr("\x1b"))) << "not a terminal";
  EXPECT_THAT(Must("tenant list --color always"), HasSubstr("\x1b[1m"));
}

TEST_F(TidectlTest, NobodyThereIsSaidAtOnce) {
  const ToolResult result =
      RunTidectl({"--server", "unix:" + folder_ + "/none", "tenant", "list"}, {});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_THAT(result.err, HasSubstr("/none (no such file or directory): is tidepoold running?"));
  EXPECT_EQ(RunTidectl({"--server", "127.0.0.1:1", "tenant", "list"}, {}).exit_code, 7);
  EXPECT_EQ(RunTidectl({"--server", "https://h:1", "tenant", "list"}, {}).exit_code, 10);
}

TEST_F(TidectlTest, WrongUseIsRefusedWithItsOwnCode) {
  ExpectFailure(2, "", "");
  ExpectFailure(2, "TENANT", "tenant get");
  ExpectFailure(2, "is not one of table, json", "tenant list -o bogus");
  ExpectFailure(2, "--bogus", "tenant list --bogus");
  ExpectFailure(2, "which FILE", "run");
  ExpectFailure(2, "--bogus", "run --bogus x.wasm");
  ExpectFailure(2, "not built yet", "compile a -o b --explain");
  EXPECT_THAT(Must("completion bash"), HasSubstr("complete -F"));
}

TEST_F(TidectlTest, CompilesAndInspectsWithoutADaemon) {
  const std::string wasm = File("f.wasm", test::ExportModule());
  const std::string artifact = folder_ + "/f.tpa";
  const ToolResult compiled = RunTidectl({"compile",
                                          wasm,
                                          "-o",
                                          artifact,
                                          "--timings",
                                          "--format",
                                          "json",
                                          "--option",
                                          "bounds=explicit"},
                                         {});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  EXPECT_TRUE(json::parse(compiled.out).is_object());
  const json::value shown = MustJson("inspect " + artifact);
  EXPECT_TRUE(shown.at("verified").as_bool());
  EXPECT_EQ(shown.at("exports").at(0).at("name").as_string(), "add");
  EXPECT_EQ(shown.at("exports").at(0).at("type").as_string(), "[i32 i32] -> [i32]");
  EXPECT_THAT(std::string(shown.at("options").as_string()), HasSubstr("bounds=explicit"));
  ExpectFailure(1, "is a module", "inspect " + wasm);
  ExpectFailure(3, "none.tpa", "inspect " + folder_ + "/none.tpa");
  ExpectFailure(10, "", "compile " + File("bad.wasm", {1, 2}) + " -o " + artifact);
}

TEST_F(TidectlTest, RunGivesTheGuestItsOwnArgumentsAndStatus) {
  const ToolResult result =
      RunTidectl({"run", "--invoke", "add", File("e.wasm", test::ExportModule()), "-5", "7"}, {});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "2\n");
}

}  // namespace
}  // namespace tidepool::daemon
