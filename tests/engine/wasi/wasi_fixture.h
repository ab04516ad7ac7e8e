// A guest without a guest: WASI functions called as a module would call them, on memory that the
// test owns, with a folder of its own on disk.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/wasi/functions.h"
#include "tests/support/status_matchers.h"

namespace tidepool::engine::wasi {

// Time stands still until a guest waits; then it jumps.
class FakeHost : public WasiHost {
 public:
  std::optional<uint64_t> NowNs(ClockId clock) override {
    if (clock == ClockId::kMonotonic) return monotonic_ns;
    if (clock == ClockId::kRealtime) return realtime_ns;
    return std::nullopt;
  }
  uint64_t ResolutionNs(ClockId) override { return 1; }
  TrapCode Wait(uint64_t until_ns, absl::Span<pollfd> fds) override {
    ++waits;
    for (pollfd& fd : fds) fd.revents = ready_events & fd.events;
    if (ready_events == 0 && until_ns > monotonic_ns) {
      realtime_ns += until_ns - monotonic_ns;
      monotonic_ns = until_ns;
    }
    return wait_trap;
  }
  TrapCode Yield() override { return wait_trap; }
  Errno FillRandom(absl::Span<uint8_t> bytes) override {
    largest_random = std::max(largest_random, bytes.size());
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(++random_state);
    return Errno::kSuccess;
  }
  TrapCode CheckInterrupt() override {
    ++interrupt_checks;
    return interrupt_trap;
  }

  uint64_t monotonic_ns = 1'000'000'000;
  uint64_t realtime_ns = 1'700'000'000'123'456'789;
  int16_t ready_events = 0;
  TrapCode wait_trap = TrapCode::kNone;
  TrapCode interrupt_trap = TrapCode::kNone;
  int waits = 0;
  int interrupt_checks = 0;
  size_t largest_random = 0;
  uint64_t random_state = 0;
};

class WasiTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kMemoryBytes = 1 << 20;
  static constexpr Pointer kResult = 8;    // Where results go.
  static constexpr Pointer kPath = 1024;   // Where the first path lies …
  static constexpr Pointer kPath2 = 8192;  // … and the second.
  static constexpr Pointer kBuffer = 65536;
  static constexpr uint32_t kRoot = 3;  // The first preopen.

  WasiTest() : memory(kMemoryBytes), options{.host = &host} {}
  void SetUp() override {
    char name[] = "/tmp/wasi_test.XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    place = name;
    root = place / "root";
    std::filesystem::create_directory(root);
    Write(place / "secret", "outside");
  }
  void TearDown() override { std::filesystem::remove_all(place); }

  // Made at first use, so that a test can change `options` before.
  WasiContext& context() {
    if (context_ == nullptr) context_ = std::make_unique<WasiContext>(options);
    return *context_;
  }
  void Preopen(bool read_only = false) {
    ASSERT_THAT(context().AddPreopen(root.string(), "/", read_only), test::IsOk());
  }
  // Arguments behind the Call, as a guest would give them.
  template <typename... Parameters, typename... Arguments>
  Errno Invoke(Errno (*function)(Call&, Parameters...), Arguments... arguments) {
    Call call{context(), GuestMemory(absl::MakeSpan(memory))};
    const Errno error = function(call, static_cast<Parameters>(arguments)...);
    trap = call.trap;
    return error;
  }

  template <typename T>
  T Load(Pointer at) const {
    T value;
    std::memcpy(&value, memory.data() + at, sizeof(T));
    return value;
  }
  template <typename T>
  void Store(Pointer at, const T& value) {
    std::memcpy(memory.data() + at, &value, sizeof(T));
  }
  // Puts text there and returns its length.
  uint32_t Put(Pointer at, const std::string& text) {
    std::memcpy(memory.data() + at, text.data(), text.size());
    return static_cast<uint32_t>(text.size());
  }
  std::string Text(Pointer at, uint32_t bytes) const {
    return std::string(reinterpret_cast<const char*>(memory.data()) + at, bytes);
  }

  static void Write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  static std::string Read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  struct Opened {
    Errno error;
    uint32_t fd;
  };
  Opened Open(const std::string& path,
              Rights base = rights::kFile,
              uint16_t open_flags = 0,
              uint16_t fd_flags = 0,
              uint32_t lookup = kLookupFollow,
              uint32_t directory = kRoot) {
    const uint32_t bytes = Put(kPath, path);
    const Errno error = Invoke(&PathOpen,
                               directory,
                               lookup,
                               kPath,
                               bytes,
                               open_flags,
                               base,
                               rights::kDirectory | rights::kFile,
                               fd_flags,
                               kResult);
    return {error, Load<uint32_t>(kResult)};
  }
  uint32_t MustOpen(const std::string& path, Rights base = rights::kFile, uint16_t open_flags = 0) {
    const Opened opened = Open(path, base, open_flags);
    EXPECT_EQ(opened.error, Errno::kSuccess) << path;
    return opened.fd;
  }
  // A function of one path.
  template <typename Function>
  Errno OnPath(Function function, const std::string& path, uint32_t directory = kRoot) {
    return Invoke(function, directory, kPath, Put(kPath, path));
  }
  Errno Rename(const std::string& from,
               const std::string& to,
               uint32_t from_directory = kRoot,
               uint32_t to_directory = kRoot) {
    const uint32_t from_bytes = Put(kPath, from);
    return Invoke(
        &PathRename, from_directory, kPath, from_bytes, to_directory, kPath2, Put(kPath2, to));
  }
  Errno Link(const std::string& from,
             const std::string& to,
             uint32_t from_directory = kRoot,
             uint32_t to_directory = kRoot) {
    const uint32_t from_bytes = Put(kPath, from);
    return Invoke(
        &PathLink, from_directory, 0u, kPath, from_bytes, to_directory, kPath2, Put(kPath2, to));
  }
  Errno Symlink(const std::string& target, const std::string& path, uint32_t directory = kRoot) {
    const uint32_t target_bytes = Put(kPath, target);
    return Invoke(&PathSymlink, kPath, target_bytes, directory, kPath2, Put(kPath2, path));
  }
  Errno Stat(const std::string& path, uint32_t lookup = kLookupFollow) {
    return Invoke(&PathFilestatGet, kRoot, lookup, kPath, Put(kPath, path), kBuffer);
  }
  Errno Readlink(const std::string& path, uint32_t buffer_bytes = 100) {
    return Invoke(&PathReadlink, kRoot, kPath, Put(kPath, path), kBuffer, buffer_bytes, kResult);
  }
  Errno WriteFd(uint32_t fd, const std::string& text) {
    Store(kPath, IoVector{kBuffer, Put(kBuffer, text)});
    return Invoke(&FdWrite, fd, kPath, 1u, kResult);
  }
  Errno ReadFd(uint32_t fd, uint32_t bytes) {
    Store(kPath, IoVector{kBuffer, bytes});
    return Invoke(&FdRead, fd, kPath, 1u, kResult);
  }

  FakeHost host;
  std::vector<uint8_t> memory;
  WasiOptions options;
  TrapCode trap = TrapCode::kNone;  // Of the last Invoke.
  std::filesystem::path place;      // Holds `root` and, beside it, "secret".
  std::filesystem::path root;

 private:
  std::unique_ptr<WasiContext> context_;
};

}  // namespace tidepool::engine::wasi
