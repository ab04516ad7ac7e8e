#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/settings/settings_internal.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status OutOfRange(absl::string_view value, absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is outside ", range));
}

template <std::string Settings::* kMember>
absl::Status SetText(Settings& settings, absl::string_view value) {
  if (value.empty()) return absl::InvalidArgumentError("must not be empty");
  settings.*kMember = std::string(value);
  return absl::OkStatus();
}
template <std::string Settings::* kMember>
std::string GetText(const Settings& settings) {
  return settings.*kMember;
}

// One of a fixed set of words; a word not built yet is refused like any other.
template <std::string Settings::* kMember, typename Words>
absl::Status SetWord(Settings& settings, absl::string_view value) {
  for (absl::string_view word : Words::kWords) {
    if (value == word) return SetText<kMember>(settings, value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", value, "\" is not one of: ", absl::StrJoin(Words::kWords, ", ")));
}

template <uint64_t Settings::* kMember, uint64_t kMin, uint64_t kMax>
absl::Status SetCount(Settings& settings, absl::string_view value) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < kMin || number > kMax) {
    return OutOfRange(value, absl::StrCat(kMin, " … ", kMax));
  }
  settings.*kMember = number;
  return absl::OkStatus();
}
template <uint64_t Settings::* kMember>
std::string GetCount(const Settings& settings) {
  return absl::StrCat(settings.*kMember);
}

template <uint64_t Settings::* kMember, uint64_t kMin, uint64_t kMax>
absl::Status SetBytes(Settings& settings, absl::string_view value) {
  TP_ASSIGN_OR_RETURN(const uint64_t bytes, ParseBytes(value));
  if (bytes < kMin || bytes > kMax) {
    return OutOfRange(value, absl::StrCat(FormatBytes(kMin), " … ", FormatBytes(kMax)));
  }
  settings.*kMember = bytes;
  return absl::OkStatus();
}
template <uint64_t Settings::* kMember>
std::string GetBytes(const Settings& settings) {
  return FormatBytes(settings.*kMember);
}

// Zero means "work it out": of the machine, or of another setting.
template <uint64_t Settings::* kMember, uint64_t kMin, uint64_t kMax>
absl::Status SetBytesOrAuto(Settings& settings, absl::string_view value) {
  if (value == "auto") {
    settings.*kMember = 0;
    return absl::OkStatus();
  }
  return SetBytes<kMember, kMin, kMax>(settings, value);
}
template <uint64_t Settings::* kMember>
std::string GetBytesOrAuto(const Settings& settings) {
  return settings.*kMember == 0 ? "auto" : FormatBytes(settings.*kMember);
}

template <uint64_t Settings::* kMember>
absl::Status SetTime(Settings& settings, absl::string_view value) {
  constexpr uint64_t kDay = uint64_t{24} * 3600 * 1'000'000'000;
  TP_ASSIGN_OR_RETURN(const uint64_t nanoseconds, ParseNanoseconds(value));
  if (nanoseconds > 365 * kDay) return OutOfRange(value, "0s … 8760h");
  settings.*kMember = nanoseconds;
  return absl::OkStatus();
}
template <uint64_t Settings::* kMember>
std::string GetTime(const Settings& settings) {
  return FormatNanoseconds(settings.*kMember);
}

absl::Status SetWorkers(Settings& settings, absl::string_view value) {
  if (value == "auto") {
    settings.workers = 0;
    return absl::OkStatus();
  }
  return SetCount<&Settings::workers, 1, 1024>(settings, value);
}
std::string GetWorkers(const Settings& settings) {
  return settings.workers == 0 ? "auto" : absl::StrCat(settings.workers);
}

absl::Status SetVerifyRate(Settings& settings, absl::string_view value) {
  double rate = 0;
  if (!absl::SimpleAtod(value, &rate) || !(rate >= 0) || rate > 1) return OutOfRange(value, "0 … 1");
  settings.pool_verify_rate = rate;
  return absl::OkStatus();
}
std::string GetVerifyRate(const Settings& settings) { return absl::StrCat(settings.pool_verify_rate); }

absl::Status SetSandboxOrigin(Settings& settings, absl::string_view value) {
  if (value != "true" && value != "false") {
    return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not true or false"));
  }
  settings.http_sandbox_function_origin = value == "true";
  return absl::OkStatus();
}
std::string GetSandboxOrigin(const Settings& settings) {
  return settings.http_sandbox_function_origin ? "true" : "false";
}

absl::Status SetKernelFeatures(Settings& settings, absl::string_view value) {
  double release = 0;
  if (value != "probe" && !(absl::SimpleAtod(value, &release) && release >= 5 && release < 100)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", value, "\" is neither \"probe\" nor a kernel release such as 6.1"));
  }
  settings.pool_kernel_features = std::string(value);
  return absl::OkStatus();
}

struct GrowthWords {
  static constexpr absl::string_view kWords[] = {"ftruncate", "mprotect"};
};
struct ResetWords {
  static constexpr absl::string_view kWords[] = {"madvise", "remap"};
};
struct LogLevelWords {
  static constexpr absl::string_view kWords[] = {"debug", "info", "warning", "error"};
};

template <LimitName kName>
absl::Status SetLimit(Settings& settings, absl::string_view value) {
  TP_ASSIGN_OR_RETURN(const uint64_t parsed, ParseLimit(kName, value));
  settings.limits.Set(kName, parsed);
  return absl::OkStatus();
}
template <LimitName kName>
std::string GetLimit(const Settings& settings) {
  return FormatLimit(kName, settings.limits.Get(kName));
}

using S = Settings;

#define TP_TEXT(key, member) {key, SetText<&S::member>, GetText<&S::member>}
#define TP_WORD(key, member, words) {key, SetWord<&S::member, words>, GetText<&S::member>}
#define TP_COUNT(key, member, min, max) {key, SetCount<&S::member, min, max>, GetCount<&S::member>}
#define TP_BYTES(key, member, min, max) {key, SetBytes<&S::member, min, max>, GetBytes<&S::member>}
#define TP_AUTO_BYTES(key, member, min, max) \
  {key, SetBytesOrAuto<&S::member, min, max>, GetBytesOrAuto<&S::member>}
#define TP_TIME(key, member) {key, SetTime<&S::member>, GetTime<&S::member>}
#define TP_LIMIT(key, name) {key, SetLimit<LimitName::name>, GetLimit<LimitName::name>}

// clang-format off
constexpr SettingRow kTable[] = {
    TP_TEXT("listen.http", listen_http),
    TP_TEXT("listen.grpc", listen_grpc),
    TP_TEXT("listen.ops", listen_ops),
    TP_TEXT("listen.admin", listen_admin),
    TP_TEXT("state.dir", state_dir),
    {"workers", SetWorkers, GetWorkers},
    TP_COUNT("pool.slots", pool_slots, 1, 1'000'000),
    TP_AUTO_BYTES("pool.slot_bytes", pool_slot_bytes, 64 * kKiB, 64 * kGiB),
    TP_WORD("pool.growth", pool_growth, GrowthWords),
    TP_WORD("pool.reset", pool_reset, ResetWords),
    {"pool.verify_rate", SetVerifyRate, GetVerifyRate},
    {"pool.kernel_features", SetKernelFeatures, GetText<&S::pool_kernel_features>},
    TP_AUTO_BYTES("memory.budget", memory_budget_bytes, 16 * kMiB, 1024 * kGiB * 1024),
    TP_LIMIT("limits.memory", kMemory),
    TP_LIMIT("limits.cpu", kCpu),
    TP_LIMIT("limits.wall", kWall),
    TP_LIMIT("limits.concurrency", kConcurrency),
    TP_LIMIT("limits.rate", kRate),
    TP_LIMIT("limits.queue", kQueue),
    TP_LIMIT("limits.queue_bytes", kQueueBytes),
    TP_LIMIT("limits.request_body", kRequestBody),
    TP_LIMIT("limits.response_body", kResponseBody),
    TP_LIMIT("limits.module_size", kModuleSize),
    TP_LIMIT("limits.functions", kFunctions),
    TP_LIMIT("limits.mlock", kMlock),
    TP_LIMIT("limits.log", kLog),
    TP_LIMIT("limits.stack", kStack),
    TP_LIMIT("limits.startup", kStartup),
    TP_LIMIT("limits.table_elements", kTableElements),
    TP_COUNT("http.connections", http_connections_max, 1, 1'000'000),
    TP_COUNT("http.connections_per_address", http_connections_per_address_max, 1, 1'000'000),
    TP_TIME("http.header_timeout", http_header_timeout_ns),
    TP_TIME("http.body_timeout", http_body_timeout_ns),
    TP_TIME("http.write_timeout", http_write_timeout_ns),
    TP_TIME("http.idle_timeout", http_idle_timeout_ns),
    TP_BYTES("http.header_bytes", http_header_bytes_max, 1 * kKiB, 1 * kMiB),
    TP_COUNT("http.header_fields", http_header_fields_max, 1, 10'000),
    TP_BYTES("http.uri_bytes", http_uri_bytes_max, 64, 1 * kMiB),
    TP_BYTES("http.buffered_bodies", http_buffered_body_bytes_max, 0, 1024 * kGiB),
    TP_COUNT("http.queued", http_queued_max, 0, 10'000'000),
    {"http.sandbox_function_origin", SetSandboxOrigin, GetSandboxOrigin},
    TP_TIME("drain.notice", drain_notice_ns),
    TP_TIME("drain.deadline", drain_deadline_ns),
    TP_TIME("compiler.cpu", compiler_cpu_ns_max),
    TP_BYTES("compiler.memory", compiler_memory_bytes_max, 64 * kMiB, 1024 * kGiB),
    TP_WORD("log.level", log_level, LogLevelWords),
    TP_BYTES("log.segment", log_segment_bytes, 4 * kKiB, 1 * kGiB),
    TP_TIME("log.retention", log_retention_ns),
};
// clang-format on

}  // namespace

absl::Span<const SettingRow> SettingsTable() { return kTable; }

}  // namespace tidepool::daemon
