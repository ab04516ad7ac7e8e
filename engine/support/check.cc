#include "engine/support/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace tidepool {
namespace {

void Write(const char* text) noexcept {
  // Best effort: the process is about to die, and there is nobody left to tell about a short write.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, ::strlen(text));
}

}  // namespace

void CheckFailed(const char* file, int line, const char* text) noexcept {
  char digits[12];
  char* end = digits + sizeof(digits) - 1;
  *end = '\0';
  do {
    *--end = static_cast<char>('0' + line % 10);
    line /= 10;
  } while (line != 0);
  Write(file);
  Write(":");
  Write(end);
  Write(": check failed: ");
  Write(text);
  Write("\n");
  ::abort();
}

}  // namespace tidepool
