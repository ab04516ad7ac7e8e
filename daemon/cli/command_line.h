// From the words of the command line to one command, ready to run.
//
// Source   interfaces.md, "tidectl".
#pragma once

#include <functional>
#include <variant>

#include "daemon/cli/session.h"

namespace tidepool::daemon {

struct Command {
  GlobalOptions options;
  // Its result is the process's exit status: an ExitCode, or of `run` the guest's own.
  std::function<int(Session&)> run;
};

// Help, --version and usage errors have said what there is to say; then the exit status.
std::variant<Command, int> ParseCommandLine(int argc, char** argv);

}  // namespace tidepool::daemon
