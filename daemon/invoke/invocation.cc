#include "daemon/invoke/invocation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/fiber_host.h"
#include "daemon/invoke/guest_request.h"
#include "engine/runtime/call.h"
#include "engine/support/check.h"

namespace tidepool::daemon {
namespace {

using engine::TrapCode;

// A deadline in wall time, as monotonic time.
uint64_t MonotonicOf(absl::Time deadline, uint64_t now_ns) {
  if (deadline == absl::InfiniteFuture()) return UINT64_MAX;
  const int64_t left_ns = absl::ToInt64Nanoseconds(deadline - absl::Now());
  return left_ns <= 0 ? now_ns : now_ns + static_cast<uint64_t>(left_ns);
}

std::vector<std::string> ArgumentsOf(const FunctionRevision& revision) {
  std::vector<std::string> arguments = {revision.function};
  arguments.insert(arguments.end(), revision.args.begin(), revision.args.end());
  return arguments;
}

std::vector<std::string> EnvironmentOf(const FunctionRevision& revision,
                                       const InvokeRequest& request) {
  if (revision.abi == GuestAbi::kCommand) {
    return CgiEnvironment(std::get<HttpInput>(request.input), revision);
  }
  std::vector<std::string> lines;
  for (const auto& [name, value] : revision.env) lines.push_back(absl::StrCat(name, "=", value));
  return lines;
}

absl::Span<const uint8_t> BodyOf(const InvokeRequest& request) {
  const HttpInput* input = std::get_if<HttpInput>(&request.input);
  if (input == nullptr) return {};
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(input->body.data()),
                             input->body.size());
}

}  // namespace

Invocation::Invocation(std::string id, Ticket ticket, InvokeRequest request, InvokeDone done,
                       uint64_t now_ns)
    : id_(std::move(id)),
      submitted_at_ns_(now_ns),
      ticket_(std::move(ticket)),
      request_(std::move(request)),
      done_(std::move(done)) {
  tenant = ticket_.route().tenant->id;
  function = ticket_.accounts().function;
  client_deadline_ns_ = MonotonicOf(request_.deadline, now_ns);
  deadline_ns = std::min(client_deadline_ns_, now_ns + limits().Get(LimitName::kWall));
}

// ---- The worker's side.

void Invocation::Prepare(InvocationHost& host, pool::StackLease stack) {
  host_ = &host;
  stack_.emplace(std::move(stack));
  fiber_.emplace(stack_->bottom(), stack_->top(), &RunOnFiber, this);
  meter_.emplace(&host.thread_cpu_mark_ns, &ThreadCpuNs);
}

void Invocation::Resume() {
  state = State::kRunning;
  host_->budget.TakeRefusedBytes();  // Somebody else's.
  meter_->Resume(host_->clock.MonotonicNs());
  fiber_->Resume();
  if (state != State::kOver && state != State::kRefused) {
    meter_->Pause(host_->clock.MonotonicNs());
  }
  budget_refused_bytes_ = std::max(budget_refused_bytes_, host_->budget.TakeRefusedBytes());
}

void Invocation::ReleaseStack() {
  TP_CHECK(fiber_->is_over());
  fiber_.reset();
  stack_.reset();
}

void Invocation::Stop(Failure failure) {
  if (stop_.has_value()) return;
  if (!has_started()) {
    result_ = failure;
    stop_ = std::move(failure);
    return;
  }
  StopFor(std::move(failure), host_->clock.MonotonicNs());
}

uint64_t Invocation::NextLimitNs(uint64_t now_ns) const {
  const uint64_t used_ns = meter_->EstimateNs(now_ns);
  const uint64_t cpu_ns = limits().Get(LimitName::kCpu);
  return std::min(wall_deadline_ns_, now_ns + (cpu_ns > used_ns ? cpu_ns - used_ns : 0));
}

InvokeOutcome Invocation::TakeOutcome() {
  InvokeOutcome outcome;
  outcome.invocation_id = id_;
  outcome.revision = route().revision->revision;
  outcome.result = std::move(result_);
  outcome.queue_time = absl::Nanoseconds(queue_ns_);
  outcome.run_time = absl::Nanoseconds(run_ns_);
  outcome.reset_time = absl::Nanoseconds(reset_ns_);
  outcome.cpu_time = absl::Nanoseconds(cpu_ns_);
  outcome.body_charge = std::move(charge_);
  return outcome;
}

absl::string_view Invocation::outcome_name() const {
  const Failure* failure = std::get_if<Failure>(&result_);
  return failure == nullptr ? "OK" : FactsOf(failure->reason).name;
}

// ---- The fiber's side.

void Invocation::RunOnFiber(void* invocation) { static_cast<Invocation*>(invocation)->Run(); }

void Invocation::Run() {
  const FunctionRevision& revision = *route().revision;
  InvocationLog log(host_->logs, {revision.tenant, revision.function, id_},
                    limits().Get(LimitName::kLog));
  charge_ = std::make_shared<BodyCharge>(host_->ledger.budget);
  ResponseOutput output(limits().Get(LimitName::kResponseBody) + 64 * kKiB, *charge_);
  LogOutput output_to_log(log, LogSource::kOutput);
  LogOutput error_to_log(log, LogSource::kError);
  engine::wasi::MemoryInput body(BodyOf(request_));
  FiberHost wasi_host(*this);
  std::optional<engine::wasi::WasiContext> wasi;
  if (!revision.module->info().imports.empty()) {
    engine::wasi::WasiOutput* const guest_output =
        revision.abi == GuestAbi::kCommand ? static_cast<engine::wasi::WasiOutput*>(&output)
                                           : &output_to_log;
    wasi.emplace(engine::wasi::WasiOptions{.args = ArgumentsOf(revision),
                                           .environment = EnvironmentOf(revision, request_),
                                           .input = &body,
                                           .output = guest_output,
                                           .error = &error_to_log,
                                           .host = &wasi_host});
  }
  engine::Activation activation(
      engine::Activation::LimitOnCurrentStack(limits().Get(LimitName::kStack)), this);
  const bool was_leased =
      LeaseAndCall(activation, wasi.has_value() ? &*wasi : nullptr, output, log);
  if (const Failure* failure = std::get_if<Failure>(&result_); failure != nullptr && was_leased) {
    log.Say(absl::StrCat(FactsOf(failure->reason).name,
                         failure->detail.empty() ? "" : absl::StrCat(": ", failure->detail)));
  }
  log.Finish();
  if (state != State::kRefused) state = State::kOver;
}

bool Invocation::LeaseAndCall(engine::Activation& activation, engine::wasi::WasiContext* wasi,
                              ResponseOutput& output, InvocationLog& log) {
  leased_at_ns_ = host_->clock.MonotonicNs();
  wall_deadline_ns_ = leased_at_ns_ + limits().Get(LimitName::kWall);
  deadline_is_the_clients_ = client_deadline_ns_ < wall_deadline_ns_;
  wall_deadline_ns_ = std::min(wall_deadline_ns_, client_deadline_ns_);
  const std::shared_ptr<const FunctionRevision>& revision = route().revision;
  absl::StatusOr<pool::Lease> lease = host_->pool.Take(
      pool::TenantId{tenant}, revision->module,
      // The same address each time, which is how the pool tells bindings apart.
      std::shared_ptr<const engine::ImportBindings>(revision, &revision->imports),
      {.limits = {.memory_bytes_max = limits().Get(LimitName::kMemory),
                  .table_elements_max = limits().Get(LimitName::kTableElements)},
       .host_data = wasi,
       .activation = &activation});
  if (!lease.ok()) {
    FailedToLease(lease.status());
    return false;
  }
  queue_ns_ = leased_at_ns_ - submitted_at_ns_;
  GuestCall call{.revision = *revision,
                 .limits = limits(),
                 .request = request_,
                 .instance = lease->instance(),
                 .activation = activation,
                 .interrupt = *this,
                 .wasi = wasi,
                 .stdout_of_command = output,
                 .charge = *charge_,
                 .log = log};
  GuestResult result = Start(call, lease->start_trap());
  if (const TrapCode* code = std::get_if<TrapCode>(&result)) result = FailureOf(*code, activation);
  if (Failure* failure = std::get_if<Failure>(&result)) {
    result_ = BlameMemory(std::move(*failure), lease->store());
  } else if (HttpOutput* http = std::get_if<HttpOutput>(&result)) {
    result_ = std::move(*http);
  } else {
    result_ = std::move(std::get<std::vector<TypedValue>>(result));
  }
  EndLease(*lease);
  return true;
}

// Start function and _initialize, then the call itself.
GuestResult Invocation::Start(GuestCall& call, const std::optional<engine::Trap>& start_trap) {
  if (start_trap.has_value()) {
    if (stop_.has_value()) return *stop_;
    return MakeFailure(Reason::INIT_FAILED, engine::ToString(*start_trap));
  }
  if (call.revision.abi != GuestAbi::kCommand) {
    const TrapCode code =
        CallPlain(call.instance, "_initialize", call.activation).value_or(TrapCode::kNone);
    if (code != TrapCode::kNone) {
      if (stop_.has_value()) return *stop_;
      return MakeFailure(Reason::INIT_FAILED,
                         engine::ToString(engine::TrapOf(call.activation, code)));
    }
  }
  phase_ = Phase::kCall;
  return Call(call);
}

GuestResult Invocation::Call(GuestCall& call) {
  switch (call.revision.abi) {
    case GuestAbi::kCommand: return CallCommand(call);
    case GuestAbi::kHandler: return CallHandler(call);
    case GuestAbi::kExport: return CallExportedFunction(call);
  }
  return MakeFailure(Reason::HOST_FAULT, "a function without ABI");
}

void Invocation::EndLease(pool::Lease& lease) {
  const uint64_t called_at_ns = host_->clock.MonotonicNs();
  meter_->Pause(called_at_ns);
  cpu_ns_ = meter_->EstimateNs(called_at_ns);
  run_ns_ = called_at_ns - leased_at_ns_;
  lease.End();
  const uint64_t ended_at_ns = host_->clock.MonotonicNs();
  reset_ns_ = ended_at_ns - called_at_ns;
  if (stop_.has_value() && stop_reached_at_ns_ != 0) {
    kill_latency_ns_ = std::max<uint64_t>(1, ended_at_ns - stop_reached_at_ns_);
  }
}

void Invocation::FailedToLease(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      state = State::kRefused;  // The worker queues it again.
      return;
    case absl::StatusCode::kResourceExhausted:
      result_ = LimitFailure(Reason::MEMORY_LIMIT, LimitName::kMemory, limits(), 0,
                             status.message());
      std::get<Failure>(result_).limit->used = "more at its start";
      return;
    case absl::StatusCode::kFailedPrecondition:
      result_ = MakeFailure(Reason::INIT_FAILED, status.message());
      return;
    default:
      result_ = MakeFailure(Reason::HOST_FAULT, status.ToString());
  }
}

TrapCode Invocation::OnInterrupt() noexcept {
  for (;;) {
    const uint64_t now_ns = host_->clock.MonotonicNs();
    if (MustStop(now_ns)) return TrapCode::kInterrupted;
    if (now_ns < host_->slice_end_ns) return TrapCode::kNone;
    Suspend(State::kReady);
  }
}

TrapCode Invocation::SleepUntil(uint64_t until_ns) {
  for (uint64_t now_ns = host_->clock.MonotonicNs();;) {
    if (MustStop(now_ns)) return TrapCode::kInterrupted;
    if (now_ns >= until_ns) return TrapCode::kNone;
    wake_at_ns = std::min(until_ns, wall_deadline_ns_);
    Suspend(State::kSleeping);
    const uint64_t woken_ns = host_->clock.MonotonicNs();
    slept_ns_ += woken_ns - now_ns;
    now_ns = woken_ns;
  }
}

TrapCode Invocation::GiveWay() {
  Suspend(State::kReady);
  return MustStop(host_->clock.MonotonicNs()) ? TrapCode::kInterrupted : TrapCode::kNone;
}

void Invocation::Suspend(State reason) {
  state = reason;
  fiber_->Suspend();
}

uint64_t Invocation::CpuUsedNs() { return meter_->ExactNs(host_->clock.MonotonicNs()); }

bool Invocation::MustStop(uint64_t now_ns) {
  if (stop_.has_value()) return true;
  if (client_is_gone()) {
    StopFor(MakeFailure(Reason::CLIENT_GONE), now_ns);
    return true;
  }
  std::optional<Failure> reached = LimitReached(now_ns);
  if (!reached.has_value()) return false;
  stop_ = std::move(reached);
  return true;
}

std::optional<Failure> Invocation::LimitReached(uint64_t now_ns) {
  if (now_ns >= wall_deadline_ns_) {
    stop_reached_at_ns_ = wall_deadline_ns_;
    Failure failure = LimitFailure(Reason::WALL_LIMIT, LimitName::kWall, limits(),
                                   now_ns - leased_at_ns_);
    if (deadline_is_the_clients_) {
      failure.limit->allowed =
          FormatNanoseconds(wall_deadline_ns_ - std::min(wall_deadline_ns_, submitted_at_ns_));
      failure.limit->set_by = "the caller's deadline";
    }
    return failure;
  }
  const bool is_startup = phase_ == Phase::kStartup;
  const uint64_t startup_ns = limits().Get(LimitName::kStartup);
  const uint64_t cpu_ns = limits().Get(LimitName::kCpu);
  // The estimate is never too low: only when it says so is the true time worth a system call.
  const uint64_t estimate_ns = meter_->EstimateNs(now_ns);
  if (estimate_ns < cpu_ns && !(is_startup && estimate_ns + slept_ns_ >= startup_ns)) {
    return std::nullopt;
  }
  const uint64_t used_ns = meter_->ExactNs(now_ns);
  if (is_startup && used_ns + slept_ns_ >= startup_ns) {
    stop_reached_at_ns_ = now_ns - (used_ns + slept_ns_ - startup_ns);
    return LimitFailure(Reason::INIT_FAILED, LimitName::kStartup, limits(), used_ns + slept_ns_,
                        "start-up time limit reached");
  }
  if (used_ns < cpu_ns) return std::nullopt;
  stop_reached_at_ns_ = now_ns - (used_ns - cpu_ns);
  return LimitFailure(Reason::CPU_LIMIT, LimitName::kCpu, limits(), used_ns);
}

void Invocation::StopFor(Failure failure, uint64_t reached_at_ns) {
  stop_ = std::move(failure);
  stop_reached_at_ns_ = reached_at_ns;
}

Failure Invocation::FailureOf(TrapCode code, const engine::Activation& activation) const {
  if (code == TrapCode::kInterrupted && stop_.has_value()) return *stop_;
  const engine::Trap trap = engine::TrapOf(activation, code);
  const std::string text = engine::ToString(trap);
  if (code == TrapCode::kStackOverflow) {
    return LimitFailure(Reason::STACK_LIMIT, LimitName::kStack, limits(),
                        limits().Get(LimitName::kStack), text);
  }
  if (code == TrapCode::kExit) {
    return MakeFailure(Reason::GUEST_EXIT, "the function ended its process instead of answering");
  }
  return MakeFailure(Reason::GUEST_TRAP, text);
}

Failure Invocation::BlameMemory(Failure failure, const engine::Store& store) const {
  const bool may_be_for_memory = FactsOf(failure.reason).fault == Fault::kGuest &&
                                 failure.reason != Reason::RESPONSE_TOO_LARGE &&
                                 failure.reason != Reason::STACK_LIMIT && !stop_.has_value();
  std::optional<Failure> memory;
  if (may_be_for_memory) memory = MemoryFailure(store);
  if (!memory.has_value()) return failure;
  memory->detail = absl::StrCat(memory->detail, "; then ", FactsOf(failure.reason).name, ": ",
                                failure.detail);
  return *std::move(memory);
}

std::optional<Failure> Invocation::MemoryFailure(const engine::Store& store) const {
  const engine::StoreRefusals& refusals = store.refusals();
  if (refusals.memory_bytes != 0) {
    return LimitFailure(Reason::MEMORY_LIMIT, LimitName::kMemory, limits(), refusals.memory_bytes,
                        absl::StrCat("memory.grow to ", FormatBytes(refusals.memory_bytes),
                                     " was refused"));
  }
  if (refusals.table_elements != 0) {
    return LimitFailure(Reason::MEMORY_LIMIT, LimitName::kTableElements, limits(),
                        refusals.table_elements,
                        absl::StrCat("table.grow to ", refusals.table_elements, " was refused"));
  }
  const uint64_t by_host = std::max(budget_refused_bytes_, host_->budget.refused_bytes());
  if (by_host != 0) {
    return MakeFailure(Reason::HOST_CAPACITY,
                       absl::StrCat("memory.grow by ", FormatBytes(by_host),
                                    " was refused: the host's memory budget is used up"));
  }
  return std::nullopt;
}

}  // namespace tidepool::daemon
