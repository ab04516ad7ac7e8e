// `tidectl inspect FILE.tpa`: what an artifact says about itself, and whether it is whole.
#include <fstream>

#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/commands.h"
#include "engine/artifact/elf_reader.h"
#include "engine/artifact/sections.h"
#include "engine/compiler/option_list.h"

namespace tidepool::daemon {
namespace {

namespace json = boost::json;
using engine::wasm::ExternalKind;

absl::string_view NameOf(ExternalKind kind) {
  switch (kind) {
    case ExternalKind::kFunction:
      return "function";
    case ExternalKind::kTable:
      return "table";
    case ExternalKind::kMemory:
      return "memory";
    case ExternalKind::kGlobal:
      return "global";
    case ExternalKind::kTag:
      return "tag";
  }
  return "";
}

std::string TypeOf(const engine::ModuleInfo& info, ExternalKind kind, uint32_t index) {
  switch (kind) {
    case ExternalKind::kFunction:
      return engine::wasm::ToString(info.types[info.function_types[index]]);
    case ExternalKind::kMemory:
      return absl::StrCat(info.memories[index].limits.min, " pages");
    case ExternalKind::kTable:
      return absl::StrCat(info.tables[index].type.limits.min, " elements");
    case ExternalKind::kGlobal:
      return engine::wasm::ToString(info.globals[index].type.value);
    case ExternalKind::kTag:
      return "";
  }
  return "";
}

Report Describe(const std::string& file,
                const engine::MappedArtifact& artifact,
                const absl::Status& verified) {
  const engine::ArtifactMeta& meta = artifact.meta();
  const engine::ModuleInfo& info = artifact.info();
  Report report;
  report.names = {file};
  json::object data{{"file", file},
                    {"bytes", artifact.file().size()},
                    {"abi_version", meta.abi_version},
                    {"compiler", meta.compiler_version},
                    {"options", engine::ToString(meta.options)},
                    {"verified", verified.ok()},
                    {"functions", artifact.functions().count()}};
  if (!verified.ok()) data["problem"] = std::string(verified.message());
  for (const auto& member : data) {
    report.rows.push_back({std::string(member.key()),
                           member.value().is_string() ? std::string(member.value().get_string())
                                                      : json::serialize(member.value())});
  }
  json::object sections;
  for (const engine::SectionId id : engine::kFileOrder) {
    const uint64_t bytes = artifact.Section(id).size();
    sections[engine::SectionName(id)] = bytes;
    report.rows.push_back(
        {absl::StrCat("section ", engine::SectionName(id)), absl::StrCat(bytes, " bytes")});
  }
  json::array imports;
  for (const auto& import : info.imports) {
    const std::string name = absl::StrCat(import.module, ".", import.name);
    const std::string type = TypeOf(info, import.kind, import.index);
    imports.push_back({{"name", name}, {"kind", std::string(NameOf(import.kind))}, {"type", type}});
    report.rows.push_back({"import", absl::StrCat(name, " ", NameOf(import.kind), " ", type)});
  }
  json::array exports;
  for (const auto& exported : info.exports) {
    const std::string type = TypeOf(info, exported.kind, exported.index);
    exports.push_back({{"name", std::string(exported.name)},
                       {"kind", std::string(NameOf(exported.kind))},
                       {"type", type}});
    report.rows.push_back(
        {"export", absl::StrCat(exported.name, " ", NameOf(exported.kind), " ", type)});
  }
  data["sections"] = std::move(sections);
  data["imports"] = std::move(imports);
  data["exports"] = std::move(exports);
  report.data = std::move(data);
  return report;
}

bool IsModule(const std::string& file) {
  char magic[4] = {};
  std::ifstream(file, std::ios::binary).read(magic, sizeof(magic));
  return absl::string_view(magic, sizeof(magic)) == absl::string_view("\0asm", 4);
}

}  // namespace

ExitCode Inspect(Session& session, const std::string& file) {
  const absl::StatusOr<engine::MappedArtifact> artifact = engine::MappedArtifact::Open(file, {});
  if (!artifact.ok()) {
    if (absl::IsFailedPrecondition(artifact.status()) && IsModule(file)) {
      return session.Fail(absl::FailedPreconditionError(
          absl::StrCat(file, " is a module and no artifact: tidectl compile makes one of it")));
    }
    return session.Fail(artifact.status());
  }
  // Shown also when it is damaged: that is when one looks.
  const absl::Status verified = artifact->Verify();
  const ExitCode shown = session.Succeed(Describe(file, *artifact, verified));
  if (shown != ExitCode::kOk || verified.ok()) return shown;
  return session.Fail(verified);
}

}  // namespace tidepool::daemon
