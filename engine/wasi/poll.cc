// poll_oneoff: waiting for clocks and descriptors.
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/wasi/limits.h"
#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {
namespace {

constexpr uint64_t kNever = UINT64_MAX;

struct Waiting {
  Event event{};
  bool ready = false;          // Needs no waiting: it is so already, or an error.
  uint64_t until_ns = kNever;  // Monotonic; clocks only.
  int poll_index = -1;         // In the list for poll(2).
};

// A clock subscription's end, on the monotonic clock.
Errno DeadlineOf(Call& call, const Subscription& subscription, uint64_t* until_ns) {
  const auto& clock = subscription.clock;
  if (clock.id != ClockId::kMonotonic && clock.id != ClockId::kRealtime) return Errno::kNotsup;
  if ((clock.flags & ~kClockAbsolute) != 0) return Errno::kInval;
  const uint64_t now = *call.context.host().NowNs(ClockId::kMonotonic);
  uint64_t rest = clock.timeout_ns;
  if ((clock.flags & kClockAbsolute) != 0) {
    const uint64_t clock_now = *call.context.host().NowNs(clock.id);
    rest = rest > clock_now ? rest - clock_now : 0;
  }
  if (__builtin_add_overflow(now, rest, until_ns)) *until_ns = kNever;
  return Errno::kSuccess;
}

uint64_t UnreadBytes(const Descriptor& descriptor) {
  struct stat stat {};
  if (descriptor.kind != Descriptor::Kind::kFile || ::fstat(descriptor.fd.get(), &stat) != 0) {
    return 1;
  }
  const off_t position = ::lseek(descriptor.fd.get(), 0, SEEK_CUR);
  return position >= 0 && position < stat.st_size ? static_cast<uint64_t>(stat.st_size - position)
                                                  : 0;
}

void SubscribeFd(Call& call,
                 const Subscription& subscription,
                 std::vector<pollfd>& fds,
                 Waiting& waiting) {
  const bool reads = subscription.type == EventType::kFdRead;
  Descriptor* descriptor = nullptr;
  waiting.event.error = FindDescriptor(call, subscription.fd, rights::kPoll, &descriptor);
  waiting.ready = true;
  if (waiting.event.error != Errno::kSuccess) return;
  if (descriptor->kind == (reads ? Descriptor::Kind::kOutput : Descriptor::Kind::kInput)) {
    waiting.event.error = Errno::kBadf;
    return;
  }
  waiting.event.ready_bytes = reads ? UnreadBytes(*descriptor) : 1;
  int poll_fd = -1;  // Files and directories never wait.
  if (descriptor->input != nullptr) poll_fd = descriptor->input->poll_fd();
  if (descriptor->output != nullptr) poll_fd = descriptor->output->poll_fd();
  if (poll_fd < 0) return;
  waiting.ready = false;
  waiting.poll_index = static_cast<int>(fds.size());
  fds.push_back({.fd = poll_fd, .events = static_cast<int16_t>(reads ? POLLIN : POLLOUT)});
}

Errno Subscribe(Call& call,
                const Subscription& subscription,
                std::vector<pollfd>& fds,
                Waiting& waiting) {
  waiting.event.user_data = subscription.user_data;
  waiting.event.type = subscription.type;
  switch (subscription.type) {
    case EventType::kClock:
      waiting.event.error = DeadlineOf(call, subscription, &waiting.until_ns);
      waiting.ready = waiting.event.error != Errno::kSuccess;
      return Errno::kSuccess;
    case EventType::kFdRead:
    case EventType::kFdWrite:
      SubscribeFd(call, subscription, fds, waiting);
      return Errno::kSuccess;
  }
  return Errno::kInval;
}

// Marks what is ready now; true when anything is.
bool Collect(Call& call, const std::vector<pollfd>& fds, std::vector<Waiting>& all) {
  const uint64_t now = *call.context.host().NowNs(ClockId::kMonotonic);
  bool any = false;
  for (Waiting& waiting : all) {
    if (waiting.poll_index >= 0) {
      const int16_t revents = fds[static_cast<size_t>(waiting.poll_index)].revents;
      waiting.ready = revents != 0;
      if ((revents & POLLHUP) != 0) waiting.event.flags = kEventHangup;
    } else if (!waiting.ready) {
      waiting.ready = waiting.until_ns <= now;
    }
    any |= waiting.ready;
  }
  return any;
}

}  // namespace

Errno PollOneoff(
    Call& call, Pointer subscriptions, Pointer events, uint32_t count, Pointer result) {
  if (count == 0 || count > limits::kSubscriptionsMax) return Errno::kInval;
  const auto from = call.memory.Bytes(subscriptions, count * uint64_t{sizeof(Subscription)});
  const auto to = call.memory.Bytes(events, count * uint64_t{sizeof(Event)});
  if (!from.has_value() || !to.has_value()) return Errno::kFault;

  // All are read before any event is written: a guest may let the two lists overlap.
  std::vector<Waiting> all(count);
  std::vector<pollfd> fds;
  uint64_t until_ns = kNever;
  for (uint32_t i = 0; i < count; ++i) {
    Subscription subscription;
    std::memcpy(&subscription, from->data() + i * sizeof(subscription), sizeof(subscription));
    const Errno error = Subscribe(call, subscription, fds, all[i]);
    if (error != Errno::kSuccess) return error;
    until_ns = std::min(until_ns, all[i].ready ? 0 : all[i].until_ns);
  }
  do {
    call.trap = call.context.host().Wait(until_ns, absl::MakeSpan(fds));
    if (call.trap != TrapCode::kNone) return Errno::kIntr;
  } while (!Collect(call, fds, all));

  uint32_t written = 0;
  for (const Waiting& waiting : all) {
    if (!waiting.ready) continue;
    std::memcpy(to->data() + written * sizeof(Event), &waiting.event, sizeof(Event));
    ++written;
  }
  return call.memory.Write(result, written) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace tidepool::engine::wasi
