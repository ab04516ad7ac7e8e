#include "tests/spec/guest_thread.h"

#include <errno.h>
#include <pthread.h>

namespace tidepool::spec {
namespace {

// For the compiler, JSON and everything else of ours, above and below the guest's part.
constexpr uint64_t kHostStackBytes = uint64_t{24} << 20;

void* Enter(void* body) {
  (*static_cast<absl::FunctionRef<void()>*>(body))();
  return nullptr;
}

}  // namespace

absl::Status RunOnGuestThread(absl::FunctionRef<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_t thread;
  int error = pthread_attr_setstacksize(&attributes, kGuestStackBytes + kHostStackBytes);
  if (error == 0) error = pthread_create(&thread, &attributes, &Enter, &body);
  pthread_attr_destroy(&attributes);
  if (error != 0) return absl::ErrnoToStatus(error, "pthread_create");
  pthread_join(thread, nullptr);
  return absl::OkStatus();
}

}  // namespace tidepool::spec
