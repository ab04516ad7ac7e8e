#include "daemon/catalogue/catalogue.h"

#include <thread>

#include "tests/daemon/catalogue/catalogue_world.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::CatalogueWorld;
using test::CommandModule;
using test::ExportModule;
using test::HandlerModule;
using test::IsOk;
using test::ModuleImporting;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

LimitOverrides LimitsFrom(const std::vector<std::string>& assignments) {
  LimitOverrides limits;
  for (const std::string& text : assignments) EXPECT_THAT(limits.SetFromText(text), IsOk());
  return limits;
}

class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueTest() {
    EXPECT_THAT(world_.Open(), IsOk());
    EXPECT_THAT(catalogue().CreateTenant("a", {}), IsOk());
  }
  Catalogue& catalogue() { return world_.catalogue(); }

  CatalogueWorld world_;
};

TEST_F(CatalogueTest, DeployedRevisionIsInTheNextSnapshot) {
  TP_ASSERT_OK_AND_ASSIGN(const RevisionView view,
                          world_.Deploy("a", "f", CommandModule(), {}, {"h.example/x"}));
  EXPECT_EQ(view.revision->ResourceName(), "tenants/a/functions/f/revisions/1");
  EXPECT_TRUE(view.serving);
  const auto snapshot = world_.Snapshot();
  const FunctionEntry& entry = snapshot->tenants.at("a")->functions.at("f");
  EXPECT_EQ(entry.serving_revision, 1u);
  EXPECT_NE(entry.revisions.at(1)->module, nullptr);
  ASSERT_EQ(snapshot->routes.at("h.example").size(), 1u);
  EXPECT_EQ(snapshot->routes.at("h.example")[0].path_prefix, "/x");
}

TEST_F(CatalogueTest, RevisionsAreNumberedAndStayCallable) {
  for (uint32_t variant = 1; variant <= 3; ++variant) {
    ASSERT_THAT(world_.Deploy("a", "f", CommandModule(variant)), IsOk());
  }
  const auto snapshot = world_.Snapshot();
  const FunctionEntry& entry = snapshot->tenants.at("a")->functions.at("f");
  EXPECT_EQ(entry.serving_revision, 3u);
  EXPECT_EQ(entry.revisions.size(), 3u);
}

TEST_F(CatalogueTest, AnUnchangedTenantsEntryIsSharedBetweenSnapshots) {
  ASSERT_THAT(catalogue().CreateTenant("b", {}), IsOk());
  const auto before = world_.Snapshot();
  ASSERT_THAT(world_.Deploy("b", "f", CommandModule()), IsOk());
  const auto after = world_.Snapshot();
  EXPECT_EQ(before->tenants.at("a"), after->tenants.at("a"));
  EXPECT_NE(before->tenants.at("b"), after->tenants.at("b"));
  EXPECT_GT(after->version, before->version);
}

TEST_F(CatalogueTest, LongerPrefixesComeFirst) {
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule(), {}, {"h/", "h/a/b", "h/a"}), IsOk());
  std::vector<std::string> prefixes;
  for (const RouteEntry& route : world_.Snapshot()->routes.at("h"))
    prefixes.push_back(route.path_prefix);
  EXPECT_THAT(prefixes, ElementsAre("/a/b", "/a", "/"));
}

TEST_F(CatalogueTest, DetectsEachAbi) {
  EXPECT_EQ(world_.Deploy("a", "c", CommandModule())->revision->abi, GuestAbi::kCommand);
  EXPECT_EQ(world_.Deploy("a", "h", HandlerModule())->revision->abi, GuestAbi::kHandler);
  EXPECT_EQ(world_.Deploy("a", "e", ExportModule())->revision->abi, GuestAbi::kExport);
}

TEST_F(CatalogueTest, RefusesADeclaredAbiThatTheModuleDoesNotOffer) {
  FunctionSettings settings;
  settings.abi = GuestAbi::kHandler;
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(), settings),
              StatusIs(kInvalid,
                       AllOf(HasSubstr("handler"),
                             HasSubstr("tidepool_alloc [i32] -> [i32]"),
                             HasSubstr("tidepool_handle"))));
}

TEST_F(CatalogueTest, RefusalOfUnknownImportsNamesAllOfThem) {
  EXPECT_THAT(world_.Deploy("a", "f", ModuleImporting("env", {"one", "two"})),
              StatusIs(kInvalid, AllOf(HasSubstr("env.one"), HasSubstr("env.two"))));
  FunctionSettings settings;
  settings.unknown_imports = engine::UnknownImports::kZero;
  EXPECT_THAT(world_.Deploy("a", "f", ModuleImporting("env", {"one", "two"}), settings), IsOk());
}

TEST_F(CatalogueTest, RefusesBytesThatAreNoModule) {
  const std::vector<uint8_t> bytes = {0, 'a', 's', 'm', 1, 0, 0, 0, 0xFF, 0x01, 0x00};
  EXPECT_THAT(world_.Upload("a", bytes), StatusIs(kInvalid));
  EXPECT_THAT(test::FilesIn(world_.folder() + "/modules"), ElementsAre());
  EXPECT_THAT(test::FilesIn(world_.folder() + "/tmp"), ElementsAre());
}

TEST_F(CatalogueTest, TheSameBytesAreCompiledOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_THAT(world_.Upload("a", CommandModule(7)), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world_.compiler().compilations(), 1u);
}

TEST_F(CatalogueTest, AnUploadIsHeldAgainstWhatItAnnounced) {
  TP_ASSERT_OK_AND_ASSIGN(auto upload, catalogue().StartUpload("a", 100, ""));
  ASSERT_THAT(upload->Append("too short"), IsOk());
  EXPECT_THAT(upload->Finish(), StatusIs(kInvalid, HasSubstr("9 of 100 bytes")));
  TP_ASSERT_OK_AND_ASSIGN(upload, catalogue().StartUpload("a", 0, std::string(64, '0')));
  ASSERT_THAT(upload->Append("something"), IsOk());
  EXPECT_THAT(upload->Finish(), StatusIs(kInvalid, HasSubstr("SHA-256")));
}

TEST_F(CatalogueTest, ModuleSizeIsRefusedBeforeAndWhileBytesArrive) {
  ASSERT_THAT(catalogue().UpdateTenant("a", {"module_size=1KiB"}), IsOk());
  EXPECT_THAT(catalogue().StartUpload("a", 1025, ""),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("module_size"), HasSubstr("1KiB"), HasSubstr("tenants/a"))));
  TP_ASSERT_OK_AND_ASSIGN(const auto upload, catalogue().StartUpload("a", 0, ""));
  EXPECT_THAT(upload->Append(std::string(1024, 'x')), IsOk());
  EXPECT_THAT(upload->Append("x"), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(CatalogueTest, FunctionsPerTenantAreLimited) {
  ASSERT_THAT(catalogue().UpdateTenant("a", {"functions=1"}), IsOk());
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule()), IsOk());
  EXPECT_THAT(world_.Deploy("a", "g", CommandModule()),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("functions"), HasSubstr("1"), HasSubstr("tenants/a"))));
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(2)), IsOk())
      << "a new revision is no new function";
}

TEST_F(CatalogueTest, AFunctionMayOnlyLowerItsTenantsLimits) {
  ASSERT_THAT(catalogue().UpdateTenant("a", {"cpu=2s"}), IsOk());
  FunctionSettings settings;
  settings.limits = LimitsFrom({"cpu=3s"});
  EXPECT_THAT(
      world_.Deploy("a", "f", CommandModule(), settings),
      StatusIs(kInvalid, AllOf(HasSubstr("cpu=3s"), HasSubstr("2s"), HasSubstr("tenants/a"))));
  settings.limits = LimitsFrom({"cpu=500ms"});
  TP_ASSERT_OK_AND_ASSIGN(const RevisionView view,
                          world_.Deploy("a", "f", CommandModule(), settings));
  EXPECT_EQ(view.limits->Get(LimitName::kCpu), 500'000'000u);
  EXPECT_EQ(view.limits->SetBy(LimitName::kCpu), "tenants/a/functions/f");
  // A tenant lowered later lowers the function with it.
  ASSERT_THAT(catalogue().UpdateTenant("a", {"cpu=100ms"}), IsOk());
  const auto snapshot = world_.Snapshot();
  EXPECT_EQ(snapshot->tenants.at("a")->functions.at("f").limits.at(1)->Get(LimitName::kCpu),
            100'000'000u);
}

TEST_F(CatalogueTest, RefusesAModuleThatCouldNeverStart) {
  ASSERT_THAT(catalogue().UpdateTenant("a", {"memory=1MiB"}), IsOk());
  EXPECT_THAT(world_.Deploy("a", "f", test::ModuleWithMemory(17)),
              StatusIs(kInvalid, AllOf(HasSubstr("1088KiB"), HasSubstr("1MiB"))));
  EXPECT_THAT(world_.Deploy("a", "f", test::ModuleWithMemory(16)), IsOk());
}

TEST_F(CatalogueTest, ARouteGrantsAFreeHostAndNobodyElsesAfterwards) {
  ASSERT_THAT(catalogue().CreateTenant("b", {}), IsOk());
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule()), IsOk());
  ASSERT_THAT(world_.Deploy("b", "f", CommandModule()), IsOk());
  ASSERT_THAT(catalogue().AddRoute("a", {"h", "/"}, {"f"}), IsOk());
  EXPECT_THAT(catalogue().AddRoute("b", {"h", "/mine"}, {"f"}),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("another tenant")));
  EXPECT_THAT(world_.Deploy("b", "g", CommandModule(), {}, {"h/mine"}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(catalogue().GetFunction("b", "g"), StatusIs(absl::StatusCode::kNotFound))
      << "a refused route must not leave half a deployment";
  // Giving up the route does not give up the host; giving up the tenant does.
  ASSERT_THAT(catalogue().DeleteRoute("a", {"h", "/"}), IsOk());
  EXPECT_THAT(catalogue().AddRoute("b", {"h", "/"}, {"f"}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(catalogue().DeleteTenant("a"), IsOk());
  EXPECT_THAT(catalogue().AddRoute("b", {"h", "/"}, {"f"}), IsOk());
}

TEST_F(CatalogueTest, ARouteIsNotSilentlyTakenFromAnotherFunction) {
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule(), {}, {"h/"}), IsOk());
  EXPECT_THAT(world_.Deploy("a", "g", CommandModule(), {}, {"h/"}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("\"f\"")));
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(2), {}, {"h/"}), IsOk());
  EXPECT_THAT(catalogue().AddRoute("a", {"h", "/2"}, {"f", 9}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("revision 9")));
}

TEST_F(CatalogueTest, NamesWhatIsMissing) {
  EXPECT_THAT(catalogue().GetTenant("x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"x\"")));
  EXPECT_THAT(catalogue().GetFunction("a", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"x\"")));
  EXPECT_THAT(catalogue().CreateTenant("a", {}), StatusIs(absl::StatusCode::kAlreadyExists));
  DeployRequest request{.tenant = "a", .function = "f", .module_sha256 = std::string(64, 'a')};
  EXPECT_THAT(catalogue().Deploy(request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("upload")));
}

TEST_F(CatalogueTest, OneTenantCannotDeployAnothersModule) {
  ASSERT_THAT(catalogue().CreateTenant("b", {}), IsOk());
  TP_ASSERT_OK_AND_ASSIGN(const ModuleView module, world_.Upload("a", CommandModule()));
  DeployRequest request{.tenant = "b", .function = "f", .module_sha256 = module.sha256};
  EXPECT_THAT(catalogue().Deploy(request), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CatalogueTest, DeletingTheLastUserRemovesTheModulesFiles) {
  ASSERT_THAT(catalogue().CreateTenant("b", {}), IsOk());
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule()), IsOk());
  ASSERT_THAT(world_.Deploy("b", "f", CommandModule()), IsOk());
  ASSERT_THAT(catalogue().DeleteFunction("a", "f"), IsOk());
  EXPECT_EQ(test::FilesIn(world_.folder() + "/modules").size(), 1u) << "b still uses it";
  ASSERT_THAT(catalogue().DeleteTenant("b"), IsOk());
  EXPECT_THAT(test::FilesIn(world_.folder() + "/modules"), ElementsAre());
  EXPECT_EQ(world_.Snapshot()->tenants.contains("b"), false);
}

TEST_F(CatalogueTest, ARevisionInUseIsNotDeleted) {
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule(1)), IsOk());
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule(2)), IsOk());
  ASSERT_THAT(world_.Deploy("a", "f", CommandModule(3)), IsOk());
  ASSERT_THAT(catalogue().AddRoute("a", {"h", "/"}, {"f", 2}), IsOk());
  EXPECT_THAT(catalogue().DeleteRevision("a", "f", 3),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(catalogue().DeleteRevision("a", "f", 2),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(catalogue().DeleteRevision("a", "f", 1), IsOk());
  EXPECT_THAT(catalogue().DeleteRevision("a", "f", 1), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CatalogueTest, EnvironmentAndArgumentsMustBeCStrings) {
  FunctionSettings settings;
  settings.args = {std::string("a\0b", 3)};
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(), settings),
              StatusIs(kInvalid, HasSubstr("NUL")));
  settings.args = {std::string(64 * 1024, 'x')};
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(), settings),
              StatusIs(kInvalid, HasSubstr("at most 65536")));
  settings.args = {};
  settings.env = {{"A=B", "c"}};
  EXPECT_THAT(world_.Deploy("a", "f", CommandModule(), settings),
              StatusIs(kInvalid, HasSubstr("A=B")));
}

TEST(CatalogueOptions, RefusesLimitsThatThePoolCannotServe) {
  CatalogueWorld world;
  Catalogue::Options options;
  options.capacity.memory_bytes_max = 256 * kMiB;
  ASSERT_THAT(world.Open(std::move(options)), IsOk());
  EXPECT_THAT(
      world.catalogue().CreateTenant("a", LimitsFrom({"memory=257MiB"})),
      StatusIs(kInvalid,
               AllOf(HasSubstr("257MiB"), HasSubstr("256MiB"), HasSubstr("pool.slot_bytes"))));
  ASSERT_THAT(world.catalogue().CreateTenant("a", LimitsFrom({"memory=256MiB"})), IsOk());
  EXPECT_THAT(world.catalogue().UpdateTenant("a", {"memory=1GiB"}), StatusIs(kInvalid));
  TP_ASSERT_OK_AND_ASSIGN(const TenantView view, world.catalogue().GetTenant("a"));
  EXPECT_EQ(view.limits->Get(LimitName::kMemory), 256 * kMiB) << "a refused change changes nothing";
}

TEST(CatalogueOptions, TellsThePoolAndTheLogsWhatIsGone) {
  CatalogueWorld world;
  std::vector<uint64_t> unused;
  std::vector<std::string> removed;
  Catalogue::Options options;
  options.on_module_unused = [&](uint64_t id) { unused.push_back(id); };
  options.on_function_removed = [&](const std::string& tenant, const std::string& function) {
    removed.push_back(tenant + "/" + function);
  };
  ASSERT_THAT(world.Open(std::move(options)), IsOk());
  ASSERT_THAT(world.catalogue().CreateTenant("a", {}), IsOk());
  TP_ASSERT_OK_AND_ASSIGN(const RevisionView view, world.Deploy("a", "f", CommandModule()));
  ASSERT_THAT(world.Deploy("a", "g", CommandModule()), IsOk());
  ASSERT_THAT(world.catalogue().DeleteFunction("a", "f"), IsOk());
  EXPECT_THAT(unused, ElementsAre()) << "g runs the same module";
  ASSERT_THAT(world.catalogue().DeleteFunction("a", "g"), IsOk());
  EXPECT_THAT(unused, ElementsAre(view.revision->module->id()));
  EXPECT_THAT(removed, ElementsAre("a/f", "a/g"));
}

}  // namespace
}  // namespace tidepool::daemon
