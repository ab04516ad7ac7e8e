// Settings: everything an operator can decide, checked once at start.
//
// Life     LoadSettings reads, in order, defaults, --config FILE (or /etc/tidepool/tidepool.toml and
//          conf.d/*.toml), environment TIDEPOOL_SECTION__KEY, --set section.key=value; the last wins.
// Threads  Immutable once loaded.
// Errors   InvalidArgument: unknown key with file, line and "did you mean"; a value out of range with
//          the range.
// Source   interfaces.md, "tidepoold"; the table of keys is settings_table.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

struct Settings {
  // [listen]  host:port; port 0 takes a free one.
  std::string listen_http = "127.0.0.1:8080";
  std::string listen_grpc = "127.0.0.1:8081";
  std::string listen_ops = "127.0.0.1:8082";
  std::string listen_admin = "unix:/run/tidepool/admin.sock";

  std::string state_dir = "/var/lib/tidepool";
  uint64_t workers = 0;  // 0: one per core.

  // [pool]  per worker.
  uint64_t pool_slots = 256;
  uint64_t pool_slot_bytes = 0;           // Address space of a slot; 0: 4 GiB and the guard.
  std::string pool_growth = "ftruncate";  // ftruncate | mprotect
  std::string pool_reset = "madvise";     // madvise | remap
  double pool_verify_rate = 0.01;         // Share of resets that are proved, 0 to 1.
  std::string pool_kernel_features = "probe";

  uint64_t memory_budget_bytes = 0;       // 0: 70 % of the smaller of cgroup limit and MemTotal.
  Limits limits;                          // [limits]  defaults of every tenant.

  // [http]  door limits.
  uint64_t http_connections_max = 10'000;
  uint64_t http_connections_per_address_max = 100;  // Off loopback.
  uint64_t http_header_timeout_ns = 10'000'000'000;
  uint64_t http_body_timeout_ns = 10'000'000'000;   // Without progress.
  uint64_t http_write_timeout_ns = 30'000'000'000;
  uint64_t http_idle_timeout_ns = 75'000'000'000;
  uint64_t http_header_bytes_max = 64 * kKiB;
  uint64_t http_header_fields_max = 100;
  uint64_t http_uri_bytes_max = 16 * kKiB;
  uint64_t http_buffered_body_bytes_max = 512 * kMiB;
  uint64_t http_queued_max = 10'000;
  bool http_sandbox_function_origin = true;  // CSP sandbox and no Set-Cookie under /f/.

  // [drain]
  uint64_t drain_notice_ns = 0;
  uint64_t drain_deadline_ns = 30'000'000'000;

  // [compiler]  per upload.
  uint64_t compiler_cpu_ns_max = 60'000'000'000;
  uint64_t compiler_memory_bytes_max = 2 * kGiB;

  // [log]
  std::string log_level = "info";
  uint64_t log_segment_bytes = 16 * kMiB;    // Function logs on disk.
  uint64_t log_retention_ns = uint64_t{7} * 24 * 3600 * 1'000'000'000;

  // For --print-config: key, value, and where it came from, in the table's order.
  struct Origin {
    std::string key;
    std::string value;
    std::string from;
  };
  std::vector<Origin> origins;
};

struct SettingsSources {
  std::string config_file;             // Empty: the default places, which need not exist.
  std::string state_dir;               // --state-dir; empty when not given.
  std::vector<std::string> assignments;  // --set
  std::vector<std::string> environment;  // "TIDEPOOL_LISTEN__HTTP=…"
};

absl::StatusOr<Settings> LoadSettings(const SettingsSources& sources);
// What --print-config prints.
std::string PrintSettings(const Settings& settings);

}  // namespace tidepool::daemon
