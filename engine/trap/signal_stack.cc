#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "engine/trap/trap_handler.h"

namespace tidepool::engine::trap {
namespace {

constexpr size_t kPageBytes = 4096;
// For the handler's own frames and those of the hooks; a test paints the stack and measures.
constexpr size_t kHandlerBytes = 64 * 1024;

[[noreturn]] void Die(const char* what) {
  ::perror(what);
  ::abort();
}

// The kernel's frame grows with the CPU's vector registers (AVX-512: 3 KiB, AMX: 11 KiB), so it is
// asked for.
size_t StackBytes() {
  const size_t kernel_bytes = ::getauxval(AT_MINSIGSTKSZ);
  return (kernel_bytes + kHandlerBytes + kPageBytes - 1) & ~(kPageBytes - 1);
}

}  // namespace

SignalStack::SignalStack() : bytes_(StackBytes()) {
  void* mapping = ::mmap(nullptr, kPageBytes + bytes_, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) Die("mmap of a signal stack");
  base_ = static_cast<uint8_t*>(mapping) + kPageBytes;
  if (::mprotect(base_, bytes_, PROT_READ | PROT_WRITE) != 0) Die("mprotect of a signal stack");

  stack_t stack = {};
  stack.ss_sp = base_;
  stack.ss_size = bytes_;
  stack_t previous = {};
  if (::sigaltstack(&stack, &previous) != 0) Die("sigaltstack");
  previous_base_ = previous.ss_sp;
  previous_bytes_ = previous.ss_size;
  previous_flags_ = previous.ss_flags;
}

SignalStack::~SignalStack() {
  stack_t previous = {};
  previous.ss_sp = previous_base_;
  previous.ss_size = previous_bytes_;
  previous.ss_flags = previous_flags_ & SS_DISABLE;
  if (::sigaltstack(&previous, nullptr) != 0) Die("sigaltstack");
  ::munmap(base_ - kPageBytes, kPageBytes + bytes_);
}

}  // namespace tidepool::engine::trap
