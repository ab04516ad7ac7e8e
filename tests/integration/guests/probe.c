/* probe: a `command` function that does what its query says, to meet each limit and fault. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long number_after(const char *query, const char *word) {
  const char *at = strstr(query, word);
  return at != NULL ? atol(at + strlen(word)) : -1;
}

static volatile long sink;

static int recurse(volatile char *above) {
  volatile char room[1024];
  room[0] = above[0];
  return recurse(room) + room[0];
}

static void write_many(FILE *stream, long bytes) {
  static char block[4096];
  memset(block, 'x', sizeof block);
  for (; bytes > 0; bytes -= (long)sizeof block) {
    fwrite(block, 1, bytes < (long)sizeof block ? (size_t)bytes : sizeof block, stream);
  }
}

/* Touches every page of `mebibytes`, and says how many it got. */
static long take_memory(long mebibytes) {
  long taken = 0;
  for (; taken < mebibytes; ++taken) {
    volatile char *block = malloc(1 << 20); /* volatile: or the compiler leaves it all out */
    if (block == NULL) break;
    for (size_t i = 0; i < 1 << 20; i += 4096) block[i] = 1;
  }
  return taken;
}

int main(int argc, char **argv) {
  static int calls;
  const char *query = getenv("QUERY_STRING");
  if (query == NULL) query = "";
  long value;
  ++calls;
  if (strstr(query, "spin")) {
    for (;;) ++sink;
  }
  if (strstr(query, "trap")) __builtin_trap();
  if (strstr(query, "recurse")) {
    char first = 1;
    return recurse(&first);
  }
  if ((value = number_after(query, "exit=")) >= 0) {
    printf("before the exit\n");
    fflush(stdout);
    exit((int)value);
  }
  if ((value = number_after(query, "sleep_ms=")) >= 0) {
    struct timespec pause = {value / 1000, (value % 1000) * 1000000};
    nanosleep(&pause, NULL);
  }
  if ((value = number_after(query, "memory=")) >= 0) {
    long taken = take_memory(value);
    if (taken < value && strstr(query, "strict")) abort();
    printf("taken %ld\n", taken);
    return 0;
  }
  if ((value = number_after(query, "answer=")) >= 0) {
    write_many(stdout, value);
    return 0;
  }
  if ((value = number_after(query, "log=")) >= 0) write_many(stderr, value);
  if (strstr(query, "cgi")) {
    printf("Status: 201 Made\nContent-Type: text/plain\nX-Probe: yes\n\nmade\n");
    return 0;
  }
  if (strstr(query, "environment")) {
    extern char **environ;
    printf("Content-Type: text/plain\n\n");
    for (int i = 0; i < argc; ++i) printf("arg %d=%s\n", i, argv[i]);
    for (char **variable = environ; *variable != NULL; ++variable) printf("%s\n", *variable);
    return 0;
  }
  /* Whatever came in, and proof that this instance is a new one. */
  static char body[1 << 16];
  size_t bytes = fread(body, 1, sizeof body, stdin);
  printf("call %d of this instance\n", calls);
  fwrite(body, 1, bytes, stdout);
  return 0;
}
