// Requests for attention: none is lost, registers survive, endless loops and long operations stop.
#include "engine/runtime/interrupt.h"

#include <chrono>
#include <thread>

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Each;
using ::testing::Eq;
using ::testing::Ge;
using ::testing::Lt;
using ::testing::SizeIs;

using abi::BuiltinId;
using engine::GuestThread;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();

class InterruptTest : public RuntimeFixture {
 protected:
  Instance& OneFunction(const WasmBuilder::Types& params,
                        const WasmBuilder::Types& results,
                        std::function<void(FunctionText&)> emit,
                        uint64_t wasm_pages = 1) {
    WasmBuilder wasm;
    wasm.Memory(wasm_pages);
    wasm.Table(1);
    wasm.ExportFunction("f", wasm.Function(params, results, AnyBody()));
    AssembledBackend backend;
    backend.Add(std::move(emit));
    return Instantiate(Load(wasm, backend));
  }
  static void EndlessLoop(FunctionText& f) {
    f.Enter();
    x64::Label again;
    f.a.Bind(again);
    f.LoopCheck();
    f.a.Jmp(again);
  }
};

TEST_F(InterruptTest, StopsAnEndlessLoopFromAnotherThread) {
  Instance& instance = OneFunction({}, {}, &EndlessLoop);
  handler_.answer = TrapCode::kInterrupted;
  GuestThread& guest = GuestThread::Current();
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    guest.RequestAttention();
  });
  const Trap trap = MustTrap(instance, "f");
  other.join();
  EXPECT_THAT(trap.code, Eq(TrapCode::kInterrupted));
  EXPECT_THAT(trap.backtrace, SizeIs(1));
  EXPECT_THAT(handler_.count.load(), Eq(1));
}

TEST_F(InterruptTest, GoesOnWhenTheHandlerSaysSo) {
  static int turns;
  turns = 0;
  class Third final : public engine::InterruptHandler {
   public:
    TrapCode OnInterrupt() noexcept override {
      if (++turns == 3) return TrapCode::kInterrupted;
      GuestThread::Current().RequestAttention();  // From inside: the next check sees it.
      return TrapCode::kNone;
    }
  } third;
  activation_.set_handler(&third);
  Instance& instance = OneFunction({}, {}, &EndlessLoop);
  GuestThread::Current().RequestAttention();
  EXPECT_THAT(MustTrap(instance, "f").code, Eq(TrapCode::kInterrupted));
  EXPECT_THAT(turns, Eq(3));
}

TEST_F(InterruptTest, ARequestBeforeTheCallIsSeenInIt) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();  // The check at a function's entry.
    f.Leave();
  });
  GuestThread::Current().RequestAttention();
  MustReturn(instance, "f");
  EXPECT_THAT(handler_.count.load(), Eq(1));
  MustReturn(instance, "f");
  EXPECT_THAT(handler_.count.load(), Eq(1)) << "seen once is enough";
}

TEST_F(InterruptTest, IsIgnoredWithoutAHandler) {
  activation_.set_handler(nullptr);
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    f.LoopCheck();
    f.Leave();
  });
  GuestThread::Current().RequestAttention();
  MustReturn(instance, "f");
}

TEST_F(InterruptTest, StackOverflowComesBeforeAttention) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    x64::Label self;
    f.a.Bind(self);
    f.Enter();
    f.LoadContext(Gpr::kRdi);
    f.a.LeaLabel(Gpr::kRax, self);
    f.a.Call(Gpr::kRax);
    f.Leave();
  });
  class Always final : public engine::InterruptHandler {
   public:
    TrapCode OnInterrupt() noexcept override {
      GuestThread::Current().RequestAttention();
      return TrapCode::kNone;
    }
  } always;
  activation_.set_handler(&always);
  GuestThread::Current().RequestAttention();
  EXPECT_THAT(MustTrap(instance, "f").code, Eq(TrapCode::kStackOverflow));
  activation_.set_handler(nullptr);
}

// Every register, filled, sent through both slow paths and compared.
TEST_F(InterruptTest, SlowPathsPreserveAllRegisters) {
  for (const int32_t slow_path :
       {abi::thread_control::kInterrupt, abi::thread_control::kStackCheck}) {
    Instance& instance = OneFunction({}, {kI32}, [slow_path](FunctionText& f) {
      constexpr uint64_t kPattern = 0x0102030405060708;
      const bool rax_is_argument = slow_path == abi::thread_control::kStackCheck;
      f.a.Push(Gpr::kRbp);
      f.a.Mov(Width::k64, Gpr::kRbp, Gpr::kRsp);
      for (const Gpr reg : {Gpr::kRbx, Gpr::kR12, Gpr::kR13, Gpr::kR14, Gpr::kR15, Gpr::kR15}) {
        f.a.Push(reg);
      }
      for (uint8_t i = 0; i < 16; ++i) {
        f.a.MovImm(Gpr::kRax, kPattern * (i + 1));
        f.a.Mov(Width::k64, static_cast<Xmm>(i), Gpr::kRax);
      }
      for (uint8_t i = 0; i < 16; ++i) {
        const auto reg = static_cast<Gpr>(i);
        if (reg != Gpr::kRsp && reg != Gpr::kRbp) f.a.MovImm(reg, kPattern + i);
      }
      if (rax_is_argument) f.a.Mov(Width::k64, Gpr::kRax, Gpr::kRsp);
      f.a.Call(Mem::Gs(slow_path));
      // rax first, into a place that is not compared: then it is free for comparing.
      x64::Label wrong;
      const Gpr first = rax_is_argument ? Gpr::kRcx : Gpr::kRax;
      f.a.Push(Gpr::kRcx);
      if (first == Gpr::kRax) {
        f.a.MovImm(Gpr::kRcx, kPattern);
        f.a.Arithmetic(x64::ArithmeticOp::kCmp, Width::k64, Gpr::kRax, Gpr::kRcx);
        f.a.Jcc(x64::Condition::kNotEqual, wrong);
      }
      f.a.Pop(Gpr::kRcx);
      for (uint8_t i = 1; i < 16; ++i) {
        const auto reg = static_cast<Gpr>(i);
        if (reg == Gpr::kRsp || reg == Gpr::kRbp) continue;
        f.a.MovImm(Gpr::kRax, kPattern + i);
        f.a.Arithmetic(x64::ArithmeticOp::kCmp, Width::k64, Gpr::kRax, reg);
        f.a.Jcc(x64::Condition::kNotEqual, wrong);
      }
      for (uint8_t i = 0; i < 16; ++i) {
        f.a.MovImm(Gpr::kRax, kPattern * (i + 1));
        f.a.Mov(Width::k64, Gpr::kRcx, static_cast<Xmm>(i));
        f.a.Arithmetic(x64::ArithmeticOp::kCmp, Width::k64, Gpr::kRax, Gpr::kRcx);
        f.a.Jcc(x64::Condition::kNotEqual, wrong);
      }
      f.a.MovImm(Gpr::kRax, 1);
      const x64::ShortJump done = f.a.JmpShort();
      f.a.Bind(wrong);
      f.a.MovImm(Gpr::kRax, 0);
      f.a.Bind(done);
      f.a.Lea(Width::k64, Gpr::kRsp, Mem::At(Gpr::kRbp, -48));
      for (const Gpr reg : {Gpr::kR15, Gpr::kR15, Gpr::kR14, Gpr::kR13, Gpr::kR12, Gpr::kRbx}) {
        f.a.Pop(reg);
      }
      f.a.Pop(Gpr::kRbp);
      f.a.Ret();
    });
    // A handler that uses the registers that C++ may use.
    class Clobber final : public engine::InterruptHandler {
     public:
      TrapCode OnInterrupt() noexcept override {
        asm volatile(
            "xor %%eax, %%eax\n xor %%ecx, %%ecx\n xor %%edx, %%edx\n xor %%esi, %%esi\n"
            "xor %%edi, %%edi\n xor %%r8, %%r8\n xor %%r9, %%r9\n xor %%r10, %%r10\n"
            "xor %%r11, %%r11\n pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n"
            "pxor %%xmm3, %%xmm3\n pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n"
            "pxor %%xmm7, %%xmm7\n pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n"
            "pxor %%xmm10, %%xmm10\n pxor %%xmm11, %%xmm11\n pxor %%xmm12, %%xmm12\n"
            "pxor %%xmm13, %%xmm13\n pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n" ::
                : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                  "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                  "xmm12", "xmm13", "xmm14", "xmm15");
        ++calls;
        return TrapCode::kNone;
      }
      int calls = 0;
    } clobber;
    activation_.set_handler(&clobber);
    GuestThread::Current().RequestAttention();
    EXPECT_THAT(MustReturn(instance, "f")[0].i32(), Eq(1u)) << "slow path at gs:" << slow_path;
    EXPECT_THAT(clobber.calls, Eq(1));
    activation_.set_handler(&handler_);
  }
}

// Under a storm of requests none is lost: after the last one the handler is called at least once.
TEST_F(InterruptTest, LosesNoRequestUnderAStormOfThem) {
  static std::atomic<bool> stop;
  class UntilStopped final : public engine::InterruptHandler {
   public:
    TrapCode OnInterrupt() noexcept override {
      return stop.load() ? TrapCode::kInterrupted : TrapCode::kNone;
    }
  } until_stopped;
  activation_.set_handler(&until_stopped);
  Instance& loop = OneFunction({}, {}, &EndlessLoop);
  GuestThread& guest = GuestThread::Current();
  for (int round = 0; round < 200; ++round) {
    stop = false;
    std::thread other([&guest] {
      for (int i = 0; i < 100; ++i) guest.RequestAttention();
      stop = true;
      guest.RequestAttention();  // A lost one would hang the test.
    });
    EXPECT_THAT(MustTrap(loop, "f").code, Eq(TrapCode::kInterrupted));
    other.join();
  }
  activation_.set_handler(&handler_);
}

TEST_F(InterruptTest, StopsABulkOperationBetweenItsPieces) {
  constexpr uint64_t kBytes = 64 * 1024 * 1024;
  Instance& instance = OneFunction({kI64}, {}, [](FunctionText& f) {
    f.Enter();
    f.a.Mov(Width::k64, Gpr::kR8, Gpr::kRsi);  // bytes
    f.a.MovImm(Gpr::kRsi, 0);                   // memory
    f.a.MovImm(Gpr::kRdx, 0);                   // to
    f.a.MovImm(Gpr::kRcx, 0xAB);                // value
    f.Builtin(BuiltinId::kMemoryFill);
    f.Leave();
  }, kBytes / 65536);
  // The first request is taken by the function's entry; the handler asks for the next.
  static int calls;
  calls = 0;
  class SecondTime final : public engine::InterruptHandler {
   public:
    TrapCode OnInterrupt() noexcept override {
      if (++calls == 2) return TrapCode::kInterrupted;
      GuestThread::Current().RequestAttention();
      return TrapCode::kNone;
    }
  } second_time;
  activation_.set_handler(&second_time);
  GuestThread::Current().RequestAttention();
  EXPECT_THAT(MustTrap(instance, "f", {Value::I64(kBytes)}).code, Eq(TrapCode::kInterrupted));
  const auto memory = instance.Memory();
  EXPECT_THAT(memory.subspan(0, engine::kPieceBytes), Each(Eq(0xAB))) << "the first piece is whole";
  EXPECT_THAT(memory[engine::kPieceBytes], Eq(0)) << "and nothing of the second";
  EXPECT_THAT(memory.size(), Eq(kBytes));
  activation_.set_handler(&handler_);
  MustReturn(instance, "f", {Value::I64(kBytes)});
  EXPECT_THAT(instance.Memory()[kBytes - 1], Eq(0xAB));
}

TEST_F(InterruptTest, AStaleRequestCostsOneSlowPathAndNothingElse) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    f.LoopCheck();
    f.Leave();
  });
  GuestThread& guest = GuestThread::Current();
  guest.Switch(&activation_);
  guest.RequestAttention();
  EXPECT_THAT(guest.TakeAttention(), Eq(true));
  // As after a fiber switch between the requester's two stores.
  guest.control().stack_limit = abi::kStackLimitAttention;
  guest.Switch(nullptr);
  MustReturn(instance, "f");
  EXPECT_THAT(handler_.count.load(), Eq(0));
}

}  // namespace
}  // namespace tidepool::test
