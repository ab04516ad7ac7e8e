/* json_echo: answers {"method":…,"path":…,"body":…,"bytes":N}.  Built twice: as a `command`, and with
   -DHANDLER as a `handler` reactor. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends `text` as the inside of a JSON string. */
static size_t append_escaped(char *out, size_t at, size_t room, const char *text, size_t bytes) {
  for (size_t i = 0; i < bytes && at + 7 < room; ++i) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      out[at++] = '\\';
      out[at++] = (char)c;
    } else if (c < 0x20) {
      at += (size_t)sprintf(out + at, "\\u%04x", c);
    } else {
      out[at++] = (char)c;
    }
  }
  return at;
}

static size_t append(char *out, size_t at, const char *text) {
  memcpy(out + at, text, strlen(text));
  return at + strlen(text);
}

static size_t echo(char *out, size_t room, const char *method, size_t method_bytes, const char *path,
                   size_t path_bytes, const char *body, size_t body_bytes) {
  size_t at = append(out, 0, "{\"method\":\"");
  at = append_escaped(out, at, room, method, method_bytes);
  at = append(out, at, "\",\"path\":\"");
  at = append_escaped(out, at, room, path, path_bytes);
  at = append(out, at, "\",\"body\":\"");
  at = append_escaped(out, at, room - 64, body, body_bytes);
  at += (size_t)sprintf(out + at, "\",\"bytes\":%zu}", body_bytes);
  return at;
}

#define ROOM (1 << 20)
static char answer[ROOM];

#ifdef HANDLER

__attribute__((export_name("tidepool_alloc"))) int32_t tidepool_alloc(int32_t bytes) {
  return (int32_t)(uintptr_t)aligned_alloc(16, ((size_t)bytes + 15) / 16 * 16);
}

__attribute__((export_name("tidepool_handle"))) int64_t tidepool_handle(int32_t pointer, int32_t bytes) {
  const char *message = (const char *)(uintptr_t)pointer;
  const char *end = message + bytes;
  const char *method_end = memchr(message, ' ', (size_t)bytes);
  const char *path_end = memchr(method_end + 1, ' ', (size_t)(end - method_end - 1));
  const char *body = message;
  while (memcmp(body, "\r\n\r\n", 4) != 0) ++body;
  body += 4;
  static char content[ROOM];
  size_t content_bytes = echo(content, ROOM, message, (size_t)(method_end - message), method_end + 1,
                              (size_t)(path_end - method_end - 1), body, (size_t)(end - body));
  size_t at = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
                              content_bytes);
  if (at + content_bytes > ROOM) return 0;
  memcpy(answer + at, content, content_bytes);
  return (int64_t)((uint64_t)(uintptr_t)answer << 32 | (at + content_bytes));
}

#else

int main(void) {
  static char body[ROOM / 8];
  size_t bytes = fread(body, 1, sizeof body, stdin);
  const char *method = getenv("REQUEST_METHOD");
  const char *path = getenv("REQUEST_URI");
  if (method == NULL) method = "";
  if (path == NULL) path = "";
  size_t answer_bytes = echo(answer, ROOM, method, strlen(method), path, strlen(path), body, bytes);
  printf("Content-Type: application/json\n\n");
  fwrite(answer, 1, answer_bytes, stdout);
  return 0;
}

#endif
