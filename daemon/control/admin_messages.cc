#include "daemon/control/admin_messages.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "daemon/catalogue/row_codec.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

using engine::wasm::ValueKind;
using google::protobuf::RepeatedPtrField;

std::string ModuleName(absl::string_view tenant, absl::string_view sha256) {
  return absl::StrCat("tenants/", tenant, "/modules/", sha256);
}

template <typename Map>
void PutOverrides(const LimitOverrides& overrides, Map& map) {
  for (size_t i = 0; i < kLimitCount; ++i) {
    const auto name = static_cast<LimitName>(i);
    if (const std::optional<uint64_t> value = overrides.Get(name)) {
      map[std::string(FactsOf(name).name)] = FormatLimit(name, *value);
    }
  }
}

void PutLimits(const Limits& limits, RepeatedPtrField<admin::v1::EffectiveLimit>& list) {
  for (size_t i = 0; i < kLimitCount; ++i) {
    const auto name = static_cast<LimitName>(i);
    admin::v1::EffectiveLimit& limit = *list.Add();
    limit.set_limit(std::string(FactsOf(name).name));
    limit.set_value(FormatLimit(name, limits.Get(name)));
    limit.set_set_by(limits.SetBy(name));
  }
}

admin::v1::ValueType TypeOf(engine::wasm::ValueType type) {
  switch (type.kind()) {
    case ValueKind::kI32:
      return admin::v1::I32;
    case ValueKind::kI64:
      return admin::v1::I64;
    case ValueKind::kF32:
      return admin::v1::F32;
    case ValueKind::kF64:
      return admin::v1::F64;
    case ValueKind::kV128:
      return admin::v1::V128;
    case ValueKind::kRef:
    case ValueKind::kBottom:
      break;
  }
  return admin::v1::VALUE_TYPE_UNSPECIFIED;
}

void PutExports(const engine::ModuleInfo& info,
                RepeatedPtrField<admin::v1::ExportedFunction>& list) {
  for (const engine::wasm::Export& exported : info.exports) {
    if (exported.kind != engine::wasm::ExternalKind::kFunction) continue;
    const engine::wasm::FunctionType& type = info.types[info.function_types[exported.index]];
    admin::v1::ExportedFunction& function = *list.Add();
    function.set_name(std::string(exported.name));
    for (const auto param : type.params) function.add_params(TypeOf(param));
    for (const auto result : type.results) function.add_results(TypeOf(result));
  }
}

void PutSettings(const FunctionRevision& revision, admin::v1::FunctionSettings& message) {
  // The enumerators follow ours, after UNSPECIFIED.
  message.set_abi(static_cast<admin::v1::Abi>(static_cast<int>(revision.abi) + 1));
  message.set_response(
      static_cast<admin::v1::ResponseMode>(static_cast<int>(revision.response) + 1));
  message.set_unknown_imports(
      static_cast<admin::v1::UnknownImports>(static_cast<int>(revision.unknown_imports) + 1));
  for (const std::string& arg : revision.args) message.add_args(arg);
  for (const auto& [name, value] : revision.env) {
    admin::v1::EnvironmentVariable& variable = *message.add_env();
    variable.set_name(name);
    variable.set_value(value);
  }
  PutOverrides(revision.limit_overrides, *message.mutable_limits());
}

static_assert(admin::v1::ABI_HANDLER == static_cast<int>(GuestAbi::kHandler) + 1);
static_assert(admin::v1::ABI_EXPORT == static_cast<int>(GuestAbi::kExport) + 1);
static_assert(admin::v1::RESPONSE_MODE_RAW == static_cast<int>(ResponseMode::kRaw) + 1);
static_assert(admin::v1::UNKNOWN_IMPORTS_ZERO ==
              static_cast<int>(engine::UnknownImports::kZero) + 1);

}  // namespace

void PutTime(int64_t unix_ns, google::protobuf::Timestamp& message) {
  message.set_seconds(unix_ns / 1'000'000'000);
  message.set_nanos(static_cast<int32_t>(unix_ns % 1'000'000'000));
}

void Put(const TenantView& view, admin::v1::Tenant& message) {
  message.set_name(absl::StrCat("tenants/", view.name));
  PutOverrides(view.overrides, *message.mutable_limits());
  PutLimits(*view.limits, *message.mutable_effective_limits());
  for (const std::string& host : view.hosts) message.add_hosts(host);
  message.set_function_count(view.function_count);
  PutTime(view.created_at_unix_ns, *message.mutable_create_time());
}

void Put(const ModuleView& view, admin::v1::Module& message) {
  message.set_name(ModuleName(view.tenant, view.sha256));
  message.set_wasm_bytes(view.wasm_bytes);
  PutTime(view.created_at_unix_ns, *message.mutable_create_time());
}

void Put(const RevisionView& view, Detail detail, admin::v1::Revision& message) {
  const FunctionRevision& revision = *view.revision;
  message.set_name(revision.ResourceName());
  message.set_number(revision.revision);
  PutSettings(revision, *message.mutable_settings());
  message.set_module(ModuleName(revision.tenant, revision.module_sha256));
  message.set_module_bytes(revision.module_bytes);
  PutTime(revision.created_at_unix_ns, *message.mutable_create_time());
  message.set_serving(view.serving);
  message.set_problem(view.problem);
  if (detail == Detail::kBrief) return;
  PutLimits(*view.limits, *message.mutable_effective_limits());
  if (revision.module != nullptr && revision.abi == GuestAbi::kExport) {
    PutExports(revision.module->info(), *message.mutable_exports());
  }
}

void Put(const FunctionView& view, Detail detail, admin::v1::Function& message) {
  message.set_name(absl::StrCat("tenants/", view.tenant, "/functions/", view.name));
  PutTime(view.created_at_unix_ns, *message.mutable_create_time());
  Put(view.serving, detail, *message.mutable_serving_revision());
  message.set_revision_count(view.revision_count);
  for (const RouteKey& route : view.routes) message.add_routes(ToString(route));
}

void Put(const RouteView& view, admin::v1::Route& message) {
  message.set_name(absl::StrCat("tenants/", view.tenant, "/routes/", ToString(view.key)));
  message.set_host(view.key.host);
  message.set_path(view.key.path);
  std::string function = absl::StrCat("tenants/", view.tenant, "/functions/", view.target.function);
  if (view.target.revision != 0) absl::StrAppend(&function, ":", view.target.revision);
  message.set_function(function);
  PutTime(view.created_at_unix_ns, *message.mutable_create_time());
}

absl::StatusOr<FunctionSettings> TakeSettings(const admin::v1::FunctionSettings& message) {
  FunctionSettings settings;
  if (!admin::v1::Abi_IsValid(message.abi()) ||
      !admin::v1::ResponseMode_IsValid(message.response()) ||
      !admin::v1::UnknownImports_IsValid(message.unknown_imports())) {
    return absl::InvalidArgumentError(
        "the settings hold an enumerator that this daemon does not know");
  }
  if (message.abi() != admin::v1::ABI_UNSPECIFIED) {
    settings.abi = static_cast<GuestAbi>(message.abi() - 1);
  }
  if (message.response() != admin::v1::RESPONSE_MODE_UNSPECIFIED) {
    settings.response = static_cast<ResponseMode>(message.response() - 1);
  }
  if (message.unknown_imports() != admin::v1::UNKNOWN_IMPORTS_UNSPECIFIED) {
    settings.unknown_imports = static_cast<engine::UnknownImports>(message.unknown_imports() - 1);
  }
  settings.args.assign(message.args().begin(), message.args().end());
  for (const auto& variable : message.env()) {
    settings.env.emplace_back(variable.name(), variable.value());
  }
  for (const auto& [name, value] : message.limits()) {
    TP_RETURN_IF_ERROR(settings.limits.SetFromText(absl::StrCat(name, "=", value)));
  }
  return settings;
}

}  // namespace tidepool::daemon
