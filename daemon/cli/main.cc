// tidectl: the command line of Tidepool.
#include <variant>

#include "daemon/cli/command_line.h"

int main(int argc, char** argv) {
  std::variant<tidepool::daemon::Command, int> parsed =
      tidepool::daemon::ParseCommandLine(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const auto& command = std::get<tidepool::daemon::Command>(parsed);
  tidepool::daemon::Session session(command.options);
  return command.run(session);
}
