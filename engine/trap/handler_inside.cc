// READ BEFORE CHANGING.  Everything here runs in a signal handler, at any instruction of guest or
// host code.  (1) Include only what is included now.  (2) No allocation, no locks, no logging, no
// absl.  (3) A new reason to recover needs a test in tests/engine/trap showing when it must NOT
// recover.
#include "engine/trap/handler_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace tidepool::engine::trap {

constinit PreviousActions g_previous{};

namespace {

// Lets the guest go on in raise_fault, as if it had called it from the faulting instruction.
void RedirectToRaise(TrapCode code, uintptr_t fault_address, mcontext_t& machine) {
  auto& registers = machine.gregs;
  registers[REG_RSP] -= static_cast<greg_t>(sizeof(uintptr_t));
  const uintptr_t return_address = static_cast<uintptr_t>(registers[REG_RIP]) + 1;
  ::memcpy(reinterpret_cast<void*>(registers[REG_RSP]), &return_address, sizeof(return_address));
  registers[REG_RDI] = static_cast<greg_t>(code);
  registers[REG_RSI] = static_cast<greg_t>(fault_address);
  registers[REG_RIP] = reinterpret_cast<greg_t>(g_handler.raise_fault.load());
}

bool TryRecover(int signal_number, const siginfo_t* info, ucontext_t* context) {
  // Sent by kill(2) or raise(3), not by an instruction.
  if (info->si_code <= 0) return false;
  // Only these two tell of a memory access.
  if (signal_number != SIGSEGV && signal_number != SIGBUS) return false;
  const auto fault_address = reinterpret_cast<uintptr_t>(info->si_addr);

  // Before all else, and from host code too: the first write to a page that the pool watches.
  const FirstWriteHook first_write = g_handler.first_write.load();
  if (first_write != nullptr && first_write(fault_address)) return true;

  // From here on only guest code may have faulted, where its compiler expected it.
  const auto fault_pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
  TrapCode code{};
  {
    const ListReader reader;
    const CodeRegion* region = reader.Find(fault_pc);
    if (region == nullptr) return false;
    code = region->find_trap(region->owner, static_cast<uint32_t>(fault_pc - region->begin));
  }
  if (code == TrapCode{}) return false;
  // And only at an address that this guest can reach by its own memories: anything else means that
  // the code we made is wrong, and a wrong access must not look like a guest's mistake (B8).
  if (!g_handler.is_guest_memory.load()(fault_address)) return false;

  RedirectToRaise(code, fault_address, context->uc_mcontext);
  return true;
}

// A line of text made without the C library's formatting, which may allocate.
class Line {
 public:
  void Text(const char* text) {
    while (*text != '\0' && used_ < sizeof(bytes_)) bytes_[used_++] = *text++;
  }
  void Hex(uint64_t value) {
    Text("0x");
    int shift = 60;
    while (shift > 0 && (value >> shift) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) {
      const char digit[2] = {"0123456789abcdef"[value >> shift & 15], '\0'};
      Text(digit);
    }
  }
  void Write() {
    // Best effort: the process is about to die.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, bytes_, used_);
  }

 private:
  char bytes_[256];
  size_t used_ = 0;
};

const char* NameOf(int signal_number) {
  switch (signal_number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
  }
  return "signal";
}

void ReportCrash(int signal_number, const siginfo_t* info, const ucontext_t* context) {
  const auto pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
  CodeRegion region;
  Line line;
  line.Text("tidepool: crash: ");
  line.Text(NameOf(signal_number));
  if (info->si_code <= 0) {
    line.Text(" sent by a process");
  } else {
    line.Text(" at address ");
    line.Hex(reinterpret_cast<uintptr_t>(info->si_addr));
    line.Text(FindCode(pc, &region) ? ", guest code at pc " : ", host code at pc ");
    line.Hex(pc);
  }
  line.Text("\n");
  line.Write();
}

}  // namespace

void HandleSignal(int signal_number, siginfo_t* info, void* opaque_context) {
  const int saved_errno = errno;
  auto* context = static_cast<ucontext_t*>(opaque_context);
  if (TryRecover(signal_number, info, context)) {
    errno = saved_errno;
    return;
  }
  ReportCrash(signal_number, info, context);
  // The previous action (by default: a core dump) gets the signal with the registers of the fault:
  // returning repeats the instruction.  One that was sent does not repeat itself.
  ::sigaction(signal_number, &g_previous.by_signal[signal_number], nullptr);
  if (info->si_code <= 0) {
    ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), signal_number);
  }
  errno = saved_errno;
}

}  // namespace tidepool::engine::trap
