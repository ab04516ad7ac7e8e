// What is on disk, read again: by the same daemon, an older one, or after damage.
#include <unistd.h>

#include <fstream>

#include "daemon/catalogue/sqlite.h"
#include "tests/daemon/catalogue/catalogue_world.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::CatalogueWorld;
using test::CommandModule;
using test::FilesIn;
using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RestartTest : public ::testing::Test {
 protected:
  void OpenWithFunction() {
    ASSERT_THAT(world_.Open(), IsOk());
    ASSERT_THAT(world_.catalogue().CreateTenant("a", {}), IsOk());
    FunctionSettings settings;
    settings.args = {"one", "", "three"};
    settings.env = {{"A", "1=2"}, {"B", ""}};
    settings.response = ResponseMode::kCgi;
    settings.limits.SetFromText("cpu=250ms").IgnoreError();
    ASSERT_THAT(world_.Deploy("a", "f", CommandModule(), settings, {"h/x"}), IsOk());
  }
  std::string ArtifactFolder() {
    const std::string folder = world_.folder() + "/artifacts";
    return folder + "/" + FilesIn(folder).at(0);
  }
  std::string ArtifactPath() { return ArtifactFolder() + "/" + FilesIn(ArtifactFolder()).at(0); }
  std::string ModulePath() {
    const std::string folder = world_.folder() + "/modules";
    return folder + "/" + FilesIn(folder).at(0);
  }
  static void Overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }

  CatalogueWorld world_;
};

TEST_F(RestartTest, EverythingComesBackAsItWas) {
  OpenWithFunction();
  world_.Close();
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.catalogue().problems(), ElementsAre());
  TP_ASSERT_OK_AND_ASSIGN(const FunctionView view, world_.catalogue().GetFunction("a", "f"));
  const FunctionRevision& revision = *view.serving.revision;
  EXPECT_THAT(revision.args, ElementsAre("one", "", "three"));
  EXPECT_THAT(revision.env,
              ElementsAre(std::pair<std::string, std::string>("A", "1=2"),
                          std::pair<std::string, std::string>("B", "")));
  EXPECT_EQ(revision.response, ResponseMode::kCgi);
  EXPECT_EQ(view.serving.limits->Get(LimitName::kCpu), 250'000'000u);
  EXPECT_NE(revision.module, nullptr);
  EXPECT_EQ(world_.Snapshot()->routes.at("h")[0].function, "f");
  EXPECT_EQ(world_.compiler().compilations(), 1u) << "the artifact was still good";
}

TEST_F(RestartTest, ATenantsIdIsNeverGivenAgain) {
  OpenWithFunction();
  TP_ASSERT_OK_AND_ASSIGN(const TenantView old, world_.catalogue().GetTenant("a"));
  ASSERT_THAT(world_.catalogue().DeleteTenant("a"), IsOk());
  world_.Close();
  ASSERT_THAT(world_.Open(), IsOk());
  TP_ASSERT_OK_AND_ASSIGN(const TenantView made, world_.catalogue().CreateTenant("a", {}));
  EXPECT_GT(made.id, old.id);
}

TEST_F(RestartTest, ALostArtifactIsCompiledAgain) {
  OpenWithFunction();
  const std::string path = ArtifactPath();
  world_.Close();
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(world_.compiler().compilations(), 2u);
  EXPECT_THAT(world_.catalogue().problems(), ElementsAre());
}

TEST_F(RestartTest, ADamagedOrForeignArtifactIsCompiledAgain) {
  OpenWithFunction();
  const std::string path = ArtifactPath();
  world_.Close();
  Overwrite(path, 0, "garbage!");
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(world_.compiler().compilations(), 2u);
  world_.Close();
  ASSERT_EQ(::truncate(path.c_str(), 100), 0);
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(world_.compiler().compilations(), 3u);
  EXPECT_THAT(world_.catalogue().problems(), ElementsAre());
}

TEST_F(RestartTest, ADamagedModuleStopsOnlyItsOwnRevisions) {
  OpenWithFunction();
  const std::string module = ModulePath();
  const std::string artifact = ArtifactPath();
  ASSERT_THAT(world_.Deploy("a", "g", CommandModule(2)), IsOk());
  world_.Close();
  Overwrite(module, 8, "XX");
  ASSERT_EQ(::unlink(artifact.c_str()), 0);
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(
      world_.catalogue().problems(),
      ElementsAre(AllOf(HasSubstr("tenants/a/functions/f/revisions/1"), HasSubstr("SHA-256"))));
  const auto snapshot = world_.Snapshot();
  EXPECT_EQ(snapshot->tenants.at("a")->functions.at("f").revisions.size(), 0u);
  EXPECT_EQ(snapshot->tenants.at("a")->functions.at("g").revisions.size(), 1u);
  // The same bytes again heal it.
  TP_ASSERT_OK_AND_ASSIGN(const RevisionView view, world_.Deploy("a", "f", CommandModule()));
  EXPECT_EQ(view.revision->revision, 2u);
}

TEST_F(RestartTest, ANewerSchemaIsRefusedByName) {
  OpenWithFunction();
  world_.Close();
  {
    TP_ASSERT_OK_AND_ASSIGN(SqliteDatabase database,
                            SqliteDatabase::Open(world_.folder() + "/catalogue.db"));
    ASSERT_THAT(database.Execute("PRAGMA user_version=7"), IsOk());
  }
  EXPECT_THAT(
      world_.Open(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("catalogue.db"), HasSubstr("schema 7"), HasSubstr("up to 1"))));
}

TEST_F(RestartTest, SomebodyElsesDatabaseIsRefused) {
  {
    TP_ASSERT_OK_AND_ASSIGN(SqliteDatabase database,
                            SqliteDatabase::Open(world_.folder() + "/catalogue.db"));
    ASSERT_THAT(database.Execute("CREATE TABLE theirs(x)"), IsOk());
  }
  EXPECT_THAT(world_.Open(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not one of")));
}

TEST_F(RestartTest, ADamagedDatabaseIsSaidSo) {
  OpenWithFunction();
  world_.Close();
  Overwrite(world_.folder() + "/catalogue.db", 0, "this is no database at all");
  EXPECT_THAT(world_.Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("catalogue.db")));
}

TEST_F(RestartTest, ASecondDaemonIsRefused) {
  OpenWithFunction();
  EXPECT_THAT(StateDirectory::Open(world_.folder()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("another tidepoold"), HasSubstr("/lock"))));
  world_.Close();
  EXPECT_THAT(StateDirectory::Open(world_.folder()).status(), IsOk());
}

TEST_F(RestartTest, OrphansAreRemoved) {
  OpenWithFunction();
  const std::string folder = ArtifactFolder();
  world_.Close();
  std::ofstream(world_.folder() + "/tmp/1-2.wasm") << "half an upload";
  std::ofstream(world_.folder() + "/modules/" + std::string(64, 'e') + ".wasm") << "no row";
  std::ofstream(folder + "/" + std::string(64, 'e') + "-baseline-guard.tpa") << "no row";
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(FilesIn(world_.folder() + "/tmp"), ElementsAre());
  EXPECT_EQ(FilesIn(world_.folder() + "/modules").size(), 1u);
  EXPECT_EQ(FilesIn(folder).size(), 1u);
}

}  // namespace
}  // namespace tidepool::daemon
