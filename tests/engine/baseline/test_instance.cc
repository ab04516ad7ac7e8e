#include "tests/engine/baseline/test_instance.h"

#include <asm/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csetjmp>

#include "gtest/gtest.h"

#include "engine/abi/calling_convention.h"
#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/vm_context_counts.h"
#include "engine/wasm/decoder.h"
#include "engine/wasm/validator.h"

namespace tidepool::test {
namespace {

namespace abi = engine::abi;
using abi::Location;
using abi::RegisterClass;
using abi::VmContext;
using wasm::ToInt;
using wasm::ValueKind;

constexpr uint64_t kReservationBytes = engine::kGuardReachBytes;

// The instance whose guest runs, and the way out of it.
TestInstance* running = nullptr;
sigjmp_buf way_out;
const uint8_t* running_text = nullptr;

// The uniform prototype of calling_convention.h.
struct GuestResult {
  uint64_t integer;
  double vector;
};
using GuestFunction = GuestResult (*)(VmContext*,
                                      uint64_t,
                                      uint64_t,
                                      uint64_t,
                                      uint64_t,
                                      uint64_t,
                                      double,
                                      double,
                                      double,
                                      double,
                                      double,
                                      double,
                                      double,
                                      double);

[[noreturn]] void Leave(TrapCode code) {
  siglongjmp(way_out, static_cast<int>(code));
}

extern "C" [[noreturn]] void TestRaiseTrap(uint32_t code, const uint8_t* return_address) {
  running->trap_offset = static_cast<uint32_t>(return_address - running_text) - 1;
  Leave(static_cast<TrapCode>(code));
}
extern "C" void TestInterrupt() {
  ++running->interrupt_count;
  running->control().stack_limit = 0;
}
extern "C" void TestStackCheck(uint64_t lowest, uint64_t limit) {
  ++running->stack_check_count;
  if (limit == abi::kStackLimitAttention) {
    running->control().stack_limit = 0;
  } else if (lowest < limit) {
    Leave(TrapCode::kStackOverflow);
  }
}
extern "C" uint64_t TestBuiltin(
    uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t id) {
  running->builtin_calls.push_back({static_cast<abi::BuiltinId>(id), {a, b, c, d, e}});
  return running->builtin_result;
}

__attribute__((naked)) void RaiseTrapEntry() {
  asm("mov (%rsp), %rsi\n jmp TestRaiseTrap");
}

// Saves every register a C function may change, calls `function`, restores them.
#define TP_PRESERVING(name, setup, function)                                                    \
  __attribute__((naked)) void name() {                                                          \
    asm("push %rbp\n mov %rsp, %rbp\n"                                                          \
        "push %rax\n push %rcx\n push %rdx\n push %rsi\n push %rdi\n push %r8\n push %r9\n"     \
        "push %r10\n push %r11\n"                                                               \
        "sub $264, %rsp\n and $-16, %rsp\n"                                                     \
        "movups %xmm0, (%rsp)\n movups %xmm1, 16(%rsp)\n movups %xmm2, 32(%rsp)\n"              \
        "movups %xmm3, 48(%rsp)\n movups %xmm4, 64(%rsp)\n movups %xmm5, 80(%rsp)\n"            \
        "movups %xmm6, 96(%rsp)\n movups %xmm7, 112(%rsp)\n movups %xmm8, 128(%rsp)\n"          \
        "movups %xmm9, 144(%rsp)\n movups %xmm10, 160(%rsp)\n movups %xmm11, 176(%rsp)\n"       \
        "movups %xmm12, 192(%rsp)\n movups %xmm13, 208(%rsp)\n movups %xmm14, 224(%rsp)\n"      \
        "movups %xmm15, 240(%rsp)\n" setup "call " function                                     \
        "\n"                                                                                    \
        "movups (%rsp), %xmm0\n movups 16(%rsp), %xmm1\n movups 32(%rsp), %xmm2\n"              \
        "movups 48(%rsp), %xmm3\n movups 64(%rsp), %xmm4\n movups 80(%rsp), %xmm5\n"            \
        "movups 96(%rsp), %xmm6\n movups 112(%rsp), %xmm7\n movups 128(%rsp), %xmm8\n"          \
        "movups 144(%rsp), %xmm9\n movups 160(%rsp), %xmm10\n movups 176(%rsp), %xmm11\n"       \
        "movups 192(%rsp), %xmm12\n movups 208(%rsp), %xmm13\n movups 224(%rsp), %xmm14\n"      \
        "movups 240(%rsp), %xmm15\n"                                                            \
        "mov -72(%rbp), %r11\n mov -64(%rbp), %r10\n mov -56(%rbp), %r9\n mov -48(%rbp), %r8\n" \
        "mov -40(%rbp), %rdi\n mov -32(%rbp), %rsi\n mov -24(%rbp), %rdx\n"                     \
        "mov -16(%rbp), %rcx\n mov -8(%rbp), %rax\n"                                            \
        "leave\n ret");                                                                         \
  }
TP_PRESERVING(InterruptEntry, "", "TestInterrupt")
TP_PRESERVING(StackCheckEntry, "mov -8(%rbp), %rdi\n mov %gs:0, %rsi\n", "TestStackCheck")
#undef TP_PRESERVING

// One entry per builtin: its id is what the common part cannot know.  Arguments behind the context.
template <uint64_t kId>
__attribute__((naked)) void BuiltinEntry() {
  asm volatile(
      "mov %%rsi, %%rdi\n mov %%rdx, %%rsi\n mov %%rcx, %%rdx\n mov %%r8, %%rcx\n mov %%r9, %%r8\n"
      "mov %0, %%r9\n jmp TestBuiltin" ::"i"(kId));
}
template <size_t... kIds>
void FillBuiltins(abi::ThreadControl& control, std::index_sequence<kIds...>) {
  ((control.builtins[kIds] = reinterpret_cast<const void*>(&BuiltinEntry<kIds>)), ...);
}

void OnFault(int, siginfo_t* info, void* raw_context) {
  const auto* context = static_cast<const ucontext_t*>(raw_context);
  const auto* pc = reinterpret_cast<const uint8_t*>(context->uc_mcontext.gregs[REG_RIP]);
  if (running != nullptr) {
    const uint32_t offset = static_cast<uint32_t>(pc - running_text);
    for (const engine::TrapSite& site : running->compiled().trap_sites) {
      if (site.text_offset != offset) continue;
      running->trap_offset = offset;
      Leave(site.code);
    }
  }
  signal(SIGSEGV, SIG_DFL);  // Not at a trap site: a bug, die of it.
}

bool IsVector(ValueKind kind) {
  return kind == ValueKind::kF32 || kind == ValueKind::kF64;
}
RegisterClass ClassOf(ValueKind kind) {
  return IsVector(kind) ? RegisterClass::kVector : RegisterClass::kInteger;
}

}  // namespace

std::unique_ptr<TestInstance> TestInstance::Create(const WasmBuilder& builder,
                                                   const CompileOptions& options,
                                                   std::vector<const void*> host_functions) {
  std::unique_ptr<TestInstance> instance(new TestInstance);
  instance->bytes_ = builder.Build();
  absl::StatusOr<wasm::Module> decoded = wasm::Decode(instance->bytes_, options.wasm_features);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (!decoded.ok()) return nullptr;
  absl::StatusOr<wasm::ValidatedModule> valid =
      wasm::Validate(*std::move(decoded), options.wasm_features);
  EXPECT_TRUE(valid.ok()) << valid.status();
  if (!valid.ok()) return nullptr;
  instance->valid_ = std::make_unique<wasm::ValidatedModule>(*std::move(valid));
  absl::StatusOr<engine::CompiledModule> compiled =
      engine::BaselineBackend().Compile(*instance->valid_, options);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  if (!compiled.ok()) return nullptr;
  instance->compiled_ = *std::move(compiled);
  instance->MapText();
  instance->MapMemory();
  instance->FillContext(std::move(host_functions));
  return instance;
}

TestInstance::~TestInstance() {
  if (text_ != nullptr) ::munmap(text_, text_mapped_bytes_);
  if (memory_ != nullptr) ::munmap(memory_, kReservationBytes);
}

void TestInstance::MapText() {
  text_mapped_bytes_ = std::max<size_t>(compiled_.text.size(), 1);
  text_ = static_cast<uint8_t*>(::mmap(
      nullptr, text_mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(text_, MAP_FAILED);
  std::copy(compiled_.text.begin(), compiled_.text.end(), text_);
  ASSERT_EQ(::mprotect(text_, text_mapped_bytes_, PROT_READ | PROT_EXEC), 0);
}

void TestInstance::MapMemory() {
  if (module().memories.empty()) return;
  memory_ = static_cast<uint8_t*>(::mmap(
      nullptr, kReservationBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ASSERT_NE(memory_, MAP_FAILED);
  const uint64_t bytes = module().memories[0].type.limits.min << 16;
  if (bytes != 0) ASSERT_EQ(::mprotect(memory_, bytes, PROT_READ | PROT_WRITE), 0);
}

void TestInstance::FillContext(std::vector<const void*> host_functions) {
  layout_ = std::make_unique<abi::VmContextLayout>(engine::CountsOf(*valid_));
  escape_ordinals_ = engine::EscapeOrdinals(*valid_);
  state_.assign(layout_->bytes() / 8 + 2, 0);
  const auto at = [this](uint64_t offset) {
    return reinterpret_cast<uint8_t*>(state_.data()) + offset;
  };
  // Equal signatures have equal ids.
  for (const wasm::FunctionType& type : module().types) {
    const auto first = std::find(module().types.begin(), module().types.end(), type);
    type_ids_.push_back(100 + static_cast<uint32_t>(first - module().types.begin()));
  }
  vm_context()->type_ids = type_ids_.data();
  if (!module().memories.empty()) {
    auto* record = reinterpret_cast<abi::MemoryRecord*>(at(layout_->MemoryRecord(0)));
    record->base = memory_;
    record->bytes = module().memories[0].type.limits.min << 16;
    auto* reference = reinterpret_cast<abi::MemoryReference*>(at(layout_->MemoryReference(0)));
    *reference = {memory_, record};
    vm_context()->memory0 = *reference;
  }
  tables_.resize(module().tables.size());
  for (uint32_t i = 0; i < module().tables.size(); ++i) {
    tables_[i].assign(module().tables[i].type.limits.min, 0);
    auto* record = reinterpret_cast<abi::TableRecord*>(at(layout_->TableRecord(i)));
    *record = {tables_[i].data(), tables_[i].size(), tables_[i].size(), tables_[i].size(), 0};
    *reinterpret_cast<abi::TableRecord**>(at(layout_->TableReference(i))) = record;
  }
  for (uint32_t i = 0; i < module().globals.size(); ++i)
    global(i).low = module().globals[i].init.value;
  for (uint32_t i = 0; i < module().imported_function_count; ++i) {
    auto* import = reinterpret_cast<abi::FunctionImport*>(at(layout_->FunctionImport(i)));
    *import = {host_functions.at(i), reinterpret_cast<void*>(uint64_t{0x4057} + i), nullptr};
  }
  for (uint32_t i = 0; i < escape_ordinals_.size(); ++i) {
    if (escape_ordinals_[i] == UINT32_MAX) continue;
    auto* record =
        reinterpret_cast<abi::FunctionRecord*>(at(layout_->FunctionRecord(escape_ordinals_[i])));
    record->code = entry(FunctionIndex{i});
    record->context = vm_context();
    record->type_id = type_ids_[ToInt(module().functions[i].type)];
    record->function_index = i;
  }
  area_.resize(abi::kArgumentAreaSlots);
  control_.argument_area = area_.data();
  control_.raise_trap = &RaiseTrapEntry;
  control_.stack_check = &StackCheckEntry;
  control_.interrupt = &InterruptEntry;
  FillBuiltins(control_, std::make_index_sequence<static_cast<size_t>(abi::BuiltinId::kCount)>());
}

abi::MemoryRecord& TestInstance::memory_record() {
  return *reinterpret_cast<abi::MemoryRecord*>(reinterpret_cast<uint8_t*>(state_.data()) +
                                               layout_->MemoryRecord(0));
}
abi::TableRecord& TestInstance::table_record(uint32_t defined) {
  return *reinterpret_cast<abi::TableRecord*>(reinterpret_cast<uint8_t*>(state_.data()) +
                                              layout_->TableRecord(defined));
}
abi::GlobalCell& TestInstance::global(uint32_t defined) {
  return *reinterpret_cast<abi::GlobalCell*>(reinterpret_cast<uint8_t*>(state_.data()) +
                                             layout_->Global(defined));
}
uint64_t TestInstance::Reference(FunctionIndex function) {
  return reinterpret_cast<uint64_t>(state_.data()) +
         layout_->FunctionRecord(escape_ordinals_.at(ToInt(function)));
}
const uint8_t* TestInstance::entry(FunctionIndex function) const {
  return text_ + compiled_.functions.at(ToInt(function) - valid_->module().imported_function_count)
                     .text_offset;
}

uint32_t TestInstance::TrapWasmOffset() const {
  const auto& map = compiled_.address_map;
  const auto behind = std::upper_bound(map.begin(),
                                       map.end(),
                                       trap_offset,
                                       [](uint32_t offset, const engine::AddressMapEntry& entry) {
                                         return offset < entry.text_offset;
                                       });
  return behind == map.begin() ? 0 : (behind - 1)->wasm_offset;
}

// UBSan looks for a C function's signature in front of what is called; guest code has none there.
#ifdef __clang__
__attribute__((no_sanitize("function")))
#endif
Outcome TestInstance::Call(FunctionIndex function, const std::vector<Bits>& arguments) {
  const wasm::FunctionType& type = module().TypeOf(function);
  TP_CHECK(type.params.size() == arguments.size());
  uint64_t integers[5] = {};
  double vectors[8] = {};
  abi::ParameterAssigner parameters;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Location location = parameters.Next(ClassOf(type.params[i].kind()));
    switch (location.kind) {
      case Location::Kind::kIntegerRegister:
        integers[location.number] = arguments[i];
        break;
      case Location::Kind::kVectorRegister:
        vectors[location.number] = std::bit_cast<double>(arguments[i]);
        break;
      case Location::Kind::kArgumentArea:
        area_[location.number] = {arguments[i], 0};
        break;
    }
  }

  struct sigaction action = {};
  struct sigaction previous = {};
  action.sa_sigaction = &OnFault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGSEGV, &action, &previous);
  ::syscall(SYS_arch_prctl, ARCH_SET_GS, &control_);
  running = this;
  running_text = text_;
  Outcome outcome;
  const int trap = sigsetjmp(way_out, 1);
  if (trap == 0) {
    const auto code = reinterpret_cast<GuestFunction>(reinterpret_cast<uintptr_t>(entry(function)));
    const GuestResult result = code(vm_context(),
                                    integers[0],
                                    integers[1],
                                    integers[2],
                                    integers[3],
                                    integers[4],
                                    vectors[0],
                                    vectors[1],
                                    vectors[2],
                                    vectors[3],
                                    vectors[4],
                                    vectors[5],
                                    vectors[6],
                                    vectors[7]);
    std::vector<Bits> results;
    abi::ResultAssigner places;
    for (const ValueType value : type.results) {
      const Location location = places.Next(ClassOf(value.kind()));
      Bits bits = location.kind == Location::Kind::kIntegerRegister ? result.integer
                  : location.kind == Location::Kind::kVectorRegister
                      ? std::bit_cast<uint64_t>(result.vector)
                      : area_[location.number][0];
      if (value.kind() == ValueKind::kF32) bits = static_cast<uint32_t>(bits);
      results.push_back(bits);  // An i32 with anything in its upper half is a difference.
    }
    outcome = std::move(results);
  } else {
    outcome = static_cast<TrapCode>(trap);
  }
  running = nullptr;
  ::sigaction(SIGSEGV, &previous, nullptr);
  return outcome;
}

}  // namespace tidepool::test
