#include "daemon/compile_worker/fault_injection.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "daemon/compile_worker/wire.h"
#include "engine/support/check.h"

namespace tidepool::daemon {
namespace {

void SendSuccess(const ChildDescriptors& descriptors, uint64_t artifact_bytes) {
  engine::CompileTimings timings;
  timings.artifact_bytes = artifact_bytes;
  const ResultMessage result = ToWire(absl::OkStatus(), timings);
  TP_CHECK(::write(descriptors.result, &result, sizeof(result)) ==
           static_cast<ssize_t>(sizeof(result)));
}

[[noreturn]] void Spin() {
  for (volatile uint64_t i = 0;;) i = i + 1;
}

[[noreturn]] void Block(int result) {
  // Nobody ever sends anything there.
  char byte;
  for (;;) {
    if (::read(result, &byte, 1) == 0) ::_exit(0);
  }
}

[[noreturn]] void ExhaustMemory() {
  std::vector<std::vector<char>> blocks;
  for (;;) blocks.emplace_back(1 << 20, 'x');
}

// Deep enough for any stack; the bound and the use of `frame` keep compilers from seeing through it.
uint64_t OverflowStack(uint64_t depth) {
  volatile char frame[4096];
  frame[depth % sizeof(frame)] = 1;
  if (depth == uint64_t{1} << 40) return 0;
  return OverflowStack(depth + 1) + static_cast<uint64_t>(frame[0]);
}

[[noreturn]] void WriteTooMuch(int output) {
  const std::vector<char> block(1 << 20, 'x');
  while (::write(output, block.data(), block.size()) > 0) {
  }
  ::_exit(1);
}

[[noreturn]] void ListDescriptors(const ChildDescriptors& descriptors) {
  char byte = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    // Only where reading is not allowed: on a socket, writing nothing sends an empty packet.
    const bool open = ::read(fd, &byte, 0) == 0 || errno != EBADF ||
                      ::write(fd, &byte, 0) == 0 || errno != EBADF;
    if (open != (fd < descriptors.count)) ::_exit(kExitSandboxLeaks);
  }
  SendSuccess(descriptors, 0);
  ::_exit(0);
}

// Each of these system calls must be the last thing this process does.
void TryForbiddenCall(CompileFault fault, const ChildDescriptors& descriptors) {
  switch (fault) {
    case CompileFault::kOpenFile: ::open("/dev/null", O_RDONLY); break;
    case CompileFault::kOpenSocket: ::socket(AF_INET, SOCK_STREAM, 0); break;
    case CompileFault::kFork:
      if (::fork() == 0) ::_exit(0);
      break;
    case CompileFault::kMapExecutable:
      ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      break;
    case CompileFault::kKillParent: ::kill(::getppid(), SIGKILL); break;
    default: break;
  }
}

}  // namespace

void CommitFault(CompileFault fault, const ChildDescriptors& descriptors) {
  switch (fault) {
    case CompileFault::kSegmentationFault: {
      volatile uintptr_t near_null = 8;  // Volatile: or the compiler would see what we are up to.
      *reinterpret_cast<volatile int*>(near_null) = 1;
      break;
    }
    case CompileFault::kCheckFailure: TP_CHECK(!"a fault was asked for"); break;
    case CompileFault::kSpin: Spin();
    case CompileFault::kBlock: Block(descriptors.result);
    case CompileFault::kExhaustMemory: ExhaustMemory();
    case CompileFault::kOverflowStack: OverflowStack(0); break;
    case CompileFault::kWriteTooMuch: WriteTooMuch(descriptors.output);
    case CompileFault::kExitSilently: ::_exit(0);
    case CompileFault::kExitAfterResult: SendSuccess(descriptors, 0); ::_exit(1);
    case CompileFault::kClaimWrongSize: SendSuccess(descriptors, 12345); ::_exit(0);
    case CompileFault::kSendGarbage: {
      const char garbage[100] = {};
      TP_CHECK(::write(descriptors.result, garbage, sizeof(garbage)) == sizeof(garbage));
      ::_exit(0);
    }
    case CompileFault::kWriteInput: {
      const bool refused = ::write(descriptors.input, "x", 1) < 0 && errno == EBADF;
      if (refused) SendSuccess(descriptors, 0);
      ::_exit(refused ? 0 : kExitSandboxLeaks);
    }
    case CompileFault::kListDescriptors: ListDescriptors(descriptors);
    default: TryForbiddenCall(fault, descriptors); break;
  }
  ::_exit(kExitSandboxLeaks);
}

}  // namespace tidepool::daemon
