// Small inputs with large meaning (../shared/conformance/security.md, D1 to D4, D7): each is
// accepted, or refused with a reason, within 0.1 s + 2 s per MB and 64 × input + 64 MB.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/support/byte_writer.h"
#include "engine/support/units.h"
#include "engine/wasm/limits.h"
#include "tests/engine/wasm/module_checks.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TP_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TP_TEST_SANITIZED 1
#endif
#endif

namespace tidepool::test {
namespace {

using testing::HasSubstr;
using Types = WasmBuilder::Types;

#ifdef TP_TEST_SANITIZED
constexpr bool kMeasured = false;  // Sanitizers cost both time and memory of their own.
#else
constexpr bool kMeasured = true;
#endif

struct Cost {
  bool accepted = false;
  double seconds = 0;
  uint64_t memory_bytes = 0;
};

uint64_t ResidentBytesMax() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * kKiB;
}

// In a child, so that the peak is this module's own.
Cost CostOf(const std::vector<uint8_t>& bytes, const wasm::Features& features) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    Cost cost;
    const uint64_t before = ResidentBytesMax();
    const double start = CpuSeconds();
    cost.accepted = Verdict(bytes, features).ok();
    cost.seconds = CpuSeconds() - start;
    cost.memory_bytes = ResidentBytesMax() - before;
    const bool written = write(pipe_ends[1], &cost, sizeof(cost)) == sizeof(cost);
    _exit(written ? 0 : 1);
  }
  close(pipe_ends[1]);
  Cost cost;
  EXPECT_EQ(read(pipe_ends[0], &cost, sizeof(cost)), static_cast<ssize_t>(sizeof(cost)))
      << "the child died";
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return cost;
}

void ExpectWithinBudget(const std::string& name,
                        const std::vector<uint8_t>& bytes,
                        bool accepted,
                        const wasm::Features& features = {}) {
  const Cost cost = CostOf(bytes, features);
  const auto size = static_cast<double>(bytes.size());
  EXPECT_EQ(cost.accepted, accepted) << name << ": " << Verdict(bytes, features);
  if (!kMeasured) return;
  EXPECT_LT(cost.seconds, 0.1 + 2e-6 * size) << name << ", " << bytes.size() << " bytes";
  EXPECT_LT(cost.memory_bytes, 64 * bytes.size() + 64'000'000)
      << name << ", " << bytes.size() << " bytes";
}

// Sections of a module, each `count` times the same entry.
class Repeated {
 public:
  Repeated() { out_.Bytes(ModuleOf({})); }
  Repeated& Section(uint8_t id, uint32_t count, const std::vector<uint8_t>& entry) {
    ByteWriter contents;
    contents.VarU64(count);
    for (uint32_t i = 0; i < count; ++i) contents.Bytes(entry);
    return Raw(id, contents.bytes());
  }
  Repeated& Raw(uint8_t id, absl::Span<const uint8_t> contents) {
    out_.U8(id);
    out_.VarU64(contents.size());
    out_.Bytes(contents);
    return *this;
  }
  std::vector<uint8_t> bytes() const { return {out_.bytes().begin(), out_.bytes().end()}; }

 private:
  ByteWriter out_;
};

const std::vector<uint8_t> kEmptyType = {0x60, 0, 0};

TEST(HostileModules, MillionsOfEmptyThings) {
  ExpectWithinBudget("types", Repeated().Section(1, 1'000'000, kEmptyType).bytes(), true);
  ExpectWithinBudget(
      "types compared", Repeated().Section(1, 1'000'000, kEmptyType).bytes(), true, EveryFeature());
  ExpectWithinBudget(
      "imports",
      Repeated().Section(1, 1, kEmptyType).Section(2, 1'000'000, {0, 0, 0, 0}).bytes(),
      true);
  ExpectWithinBudget("functions",
                     Repeated()
                         .Section(1, 1, kEmptyType)
                         .Section(3, 1'000'000, {0})
                         .Section(10, 1'000'000, {2, 0, 0x0B})
                         .bytes(),
                     true);
  ExpectWithinBudget(
      "globals", Repeated().Section(6, 1'000'000, {0x7F, 0, 0x41, 0, 0x0B}).bytes(), true);
  ExpectWithinBudget("tables", Repeated().Section(4, 100'000, {0x70, 0, 0}).bytes(), true);
  ExpectWithinBudget("passive data", Repeated().Section(11, 1'000'000, {1, 0}).bytes(), true);
  ExpectWithinBudget("passive elements", Repeated().Section(9, 3'000'000, {1, 0, 0}).bytes(), true);
  std::vector<uint8_t> nulls = {1, 5, 0x70};
  ByteWriter count;
  count.VarU64(3'000'000);
  nulls.insert(nulls.end(), count.bytes().begin(), count.bytes().end());
  for (int i = 0; i < 3'000'000; ++i) nulls.insert(nulls.end(), {0xD0, 0x70, 0x0B});
  ExpectWithinBudget("null elements", Repeated().Raw(9, nulls).bytes(), true);
  Repeated customs;
  for (int i = 0; i < 1'000'000; ++i) customs.Raw(0, {0});
  ExpectWithinBudget("custom sections", customs.bytes(), true);
  customs.Raw(0, {0});
  ExpectWithinBudget("one custom section more", customs.bytes(), false);
}

TEST(HostileModules, MillionsOfExports) {
  ByteWriter contents;
  contents.VarU64(1'000'000);
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    contents.U8(4);
    contents.Fixed((i & 0x7F) | (i >> 7 & 0x7F) << 8 | (i >> 14 & 0x7F) << 16);
    contents.U8(3);
    contents.U8(0);
  }
  ExpectWithinBudget(
      "exports",
      Repeated().Section(6, 1, {0x7F, 0, 0x41, 0, 0x0B}).Raw(7, contents.bytes()).bytes(),
      true);
}

// 3.8 million blocks within each other.
TEST(HostileModules, NestingAsDeepAsTheBodyIsLong) {
  const size_t depth = (wasm::kFunctionBodyBytesMax - 2) / 3;
  for (const uint8_t opener : {0x02, 0x03, 0x04}) {
    std::vector<uint8_t> code;
    for (size_t i = 0; i < depth; ++i) {
      code.push_back(opener);
      code.push_back(0x40);
    }
    const std::vector<uint8_t> open = code;
    code.insert(code.end(), depth, 0x0B);
    if (opener == 0x04) code.insert(code.begin(), 0x00);  // unreachable feeds the conditions.
    WasmBuilder module;
    module.Function({},
                    {},
                    Code().Bytes(absl::MakeConstSpan(code).first(
                        std::min<size_t>(code.size(), wasm::kFunctionBodyBytesMax - 2))));
    // With ifs the body is one byte too long and its last end is cut off.
    ExpectWithinBudget("nesting", module.Build(), opener != 0x04);
    WasmBuilder unclosed;
    unclosed.Function({}, {}, Code().Bytes(open));
    ExpectWithinBudget("nesting without ends", unclosed.Build(), false);
  }
}

TEST(HostileModules, WideBlocksManyTimes) {
  const Types wide(1000, ValueType::I64());
  WasmBuilder module;
  const TypeIndex type = module.Type(wide, wide);
  Code code;
  for (int i = 0; i < 1000; ++i) code.I64Const(0);
  for (int i = 0; i < 1'000'000; ++i) code.Open(Opcode::kBlock, type).End();
  code.Op(Opcode::kUnreachable);
  module.Function({}, {}, code);
  ExpectWithinBudget("wide blocks", module.Build(), false);
  EXPECT_THAT(Message(Verdict(module)), HasSubstr("values are declared or moved"));
}

TEST(HostileModules, WideCallsManyTimes) {
  WasmBuilder module;
  const FunctionIndex wide =
      module.ImportFunction("m", "f", Types(1000, ValueType::I64()), Types(1000, ValueType::F64()));
  Code code;
  code.Op(Opcode::kUnreachable);
  for (int i = 0; i < 1'000'000; ++i) code.Call(wide).Op(Opcode::kUnreachable);
  module.Function({}, {}, code);
  ExpectWithinBudget("wide calls", module.Build(), false);
  EXPECT_THAT(Message(Verdict(module)), HasSubstr("values are declared or moved"));
}

// Growing without end: each call adds a thousand operands.
TEST(HostileModules, OperandStackGrowsWithinTheBudget) {
  WasmBuilder module;
  const FunctionIndex source = module.ImportFunction("m", "f", {}, Types(1000, ValueType::I64()));
  Code code;
  for (int i = 0; i < 1'000'000; ++i) code.Call(source);
  module.Function({}, {}, code.Op(Opcode::kUnreachable));
  ExpectWithinBudget("operands", module.Build(), false);
}

TEST(HostileModules, BranchTablesToWideLabels) {
  const Types wide(1000, ValueType::I64());
  WasmBuilder module;
  const TypeIndex type = module.Type({}, wide);
  std::vector<uint32_t> targets(wasm::kBrTableTargetCountMax);
  for (size_t i = 0; i < targets.size(); ++i) targets[i] = i & 1;
  Code code;
  code.Open(Opcode::kBlock, type).Open(Opcode::kBlock, type);
  for (int i = 0; i < 1000; ++i) code.I64Const(0);
  for (int i = 0; i < 30; ++i) code.I32Const(0).BrTable(targets, 0);
  module.Function({}, {}, code.End().Op(Opcode::kUnreachable).End().Op(Opcode::kUnreachable));
  ExpectWithinBudget("branch tables", module.Build(), false);
}

TEST(HostileModules, ManyFunctionsWithManyLocals) {
  // 9 bytes declare 50,000 locals.
  ExpectWithinBudget("locals",
                     Repeated()
                         .Section(1, 1, kEmptyType)
                         .Section(3, 200'000, {0})
                         .Section(10, 200'000, {6, 1, 0xD0, 0x86, 0x03, 0x7F, 0x0B})
                         .bytes(),
                     false);
  // What a compiler might produce: a hundred locals each.
  ExpectWithinBudget("fewer locals",
                     Repeated()
                         .Section(1, 1, kEmptyType)
                         .Section(3, 50'000, {0})
                         .Section(10, 50'000, {4, 1, 0x64, 0x7F, 0x0B})
                         .bytes(),
                     true);
}

TEST(HostileModules, ManyRunsOfLocals) {
  ByteWriter body;
  body.VarU64(2'000'000);
  for (int i = 0; i < 2'000'000; ++i) body.Bytes({0, 0x7F});
  body.U8(0x0B);
  ByteWriter section;
  section.U8(1);
  section.VarU64(body.offset());
  section.Bytes(body.bytes());
  ExpectWithinBudget(
      "empty runs",
      Repeated().Section(1, 1, kEmptyType).Section(3, 1, {0}).Raw(10, section.bytes()).bytes(),
      true);
}

TEST(HostileModules, LongConstantExpressions) {
  wasm::Features features;
  features.extended_const = true;
  Code code;
  for (int i = 0; i < 1'000'000; ++i) code.I32Const(1);
  for (int i = 1; i < 1'000'000; ++i) code.Op(Opcode::kI32Add);
  WasmBuilder module;
  module.Global(ValueType::I32(), false, code);
  ExpectWithinBudget("sum of a million", module.Build(), true, features);
}

// Any byte may be anything (D7): no crash, no sanitizer report, always an answer.
TEST(HostileModules, DamageIsRefusedOrHarmless) {
  WasmBuilder module;
  const FunctionIndex log = module.ImportFunction("host", "log", {ValueType::I32()}, {});
  module.Table(4, 9);
  module.Memory(1, 2);
  const GlobalIndex count = module.Global(ValueType::I64(), true, Code().I64Const(-2));
  const TypeIndex pair = module.Type({ValueType::I32()}, {ValueType::I32(), ValueType::I64()});
  const FunctionIndex f = module.Function({ValueType::I32()},
                                          {ValueType::I32(), ValueType::I64()},
                                          Code()
                                              .LocalGet(0)
                                              .Open(Opcode::kBlock, pair)
                                              .Open(Opcode::kIf, ValueType::I32())
                                              .I32Const(1)
                                              .Else()
                                              .LocalGet(1)
                                              .Access(Opcode::kI32Load16S, 70000)
                                              .End()
                                              .GlobalGet(count)
                                              .LocalGet(0)
                                              .BrTable({0, 1, 0}, 1)
                                              .End(),
                                          {{3, ValueType::I32()}, {2, ValueType::F64()}});
  module.ExportFunction("f", f);
  module.ActiveElements({}, Code().I32Const(0), {log, f});
  module.ActiveData(Code().I32Const(8), "some bytes");
  module.PassiveData("more");
  module.NameFunction(f, "effe");
  const std::vector<uint8_t> bytes = module.Build();
  ASSERT_EQ(Verdict(bytes), absl::OkStatus());

  std::mt19937 random(20261125);
  int refused = 0;
  constexpr int kRounds = 40'000;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<uint8_t> damaged = bytes;
    for (uint32_t change = 0; change <= random() % 3; ++change) {
      const size_t at = 8 + random() % (damaged.size() - 8);
      switch (random() % 4) {
        case 0:
          damaged[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          damaged[at] ^= static_cast<uint8_t>(1u << random() % 8);
          break;
        case 2:
          damaged.insert(damaged.begin() + static_cast<ptrdiff_t>(at),
                         static_cast<uint8_t>(random()));
          break;
        default:
          damaged.erase(damaged.begin() + static_cast<ptrdiff_t>(at));
          break;
      }
    }
    // Exactly as long as the bytes, so that a sanitizer sees a read beyond them.
    damaged.shrink_to_fit();
    const absl::Status verdict =
        Verdict(damaged, round % 2 == 0 ? wasm::Features() : EveryFeature());
    if (!verdict.ok()) {
      EXPECT_EQ(verdict.code(), absl::StatusCode::kInvalidArgument);
      ++refused;
    }
  }
  EXPECT_GT(refused, kRounds / 2);
  EXPECT_LT(refused, kRounds);
}

}  // namespace
}  // namespace tidepool::test
