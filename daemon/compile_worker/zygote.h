// Zygote: the process that forks compile children, watches them and tells how each ended.
//
// It never looks at a module: a single thread, initialised once, that stays clean for ever.
// Life     Run until the control socket is closed; then it kills what runs and ends.
// Threads  One thread; the process must have no other, or fork would be unsafe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "daemon/compile_worker/wire.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

class Zygote {
 public:
  struct Options {
    bool test_faults = false;
  };
  // `control` is the socket to the client.
  Zygote(UniqueFd control, Options options);

  // Returns the program's exit status.
  int Run();

 private:
  struct Child {
    pid_t pid = 0;
    UniqueFd exit_socket;
    UniqueFd last_words;  // Read end of its stderr.
    int64_t deadline_ns = 0;
    bool overdue = false;  // Killed for it.
  };

  // False: the control socket is closed.
  bool AcceptRequest();
  void Start(const RequestMessage& request, std::vector<UniqueFd> fds);
  // Empty if the request may run.
  absl::string_view WhyRefused(const RequestMessage& request, size_t fd_count) const;
  void ReapChildren();
  void Report(const Child& child, int wait_status);
  void KillOverdue();
  int MillisecondsToNextDeadline() const;

  const UniqueFd control_;
  const Options options_;
  UniqueFd child_signal_;
  pid_t pid_ = 0;
  uint64_t address_space_bytes_ = 0;
  std::vector<Child> children_;
};

}  // namespace tidepool::daemon
