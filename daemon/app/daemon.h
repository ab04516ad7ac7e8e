// Daemon: the composition root.  Everything is made here, in the order in which things need each
// other, and goes in the reverse order.
//
//   state directory (its lock) → compile worker (exec'ed before any slab) → engine, linker →
//   logs, metrics → data plane (slabs, stacks) → catalogue (loads what is deployed) →
//   doors: HTTP, gRPC, admin, ops → threads run → ready
//
// Life     Start: serving when it returns.  Drain: service.md's order; the destructor then ends
//          what is left.
// Threads  main's.
// Errors   Start: the first thing that could not be made, in one sentence with what to set.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/app/ready_file.h"
#include "daemon/app/service_manager.h"
#include "daemon/settings/settings.h"

namespace tidepool::daemon {

inline constexpr char kVersion[] = "0.1.0";

class Daemon {
 public:
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const Settings& settings);
  ~Daemon();

  DaemonAddresses addresses() const;
  // "serving 3 functions of 2 tenants", for people and systemd.
  std::string StatusLine() const;
  // Every worker answered since the last call.
  bool IsAlive();
  // Stops taking requests, finishes what is there until drain.deadline, ends the rest.
  void Drain(const ServiceManager& manager);

 private:
  struct Parts;
  explicit Daemon(const Settings& settings);
  absl::Status Make();
  absl::Status MakeDoors();

  const Settings settings_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tidepool::daemon
