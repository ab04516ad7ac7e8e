/* The trivial `handler` function of http.hello and grpc.hello: answers "hello", whatever is asked. */
#include <stdint.h>

static char request[4096] __attribute__((aligned(16)));
static const char response[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";

__attribute__((export_name("tidepool_alloc"))) int32_t tidepool_alloc(int32_t bytes) {
  return (uint32_t)bytes <= sizeof request ? (int32_t)(uintptr_t)request : 0;
}

__attribute__((export_name("tidepool_handle"))) int64_t tidepool_handle(int32_t pointer, int32_t bytes) {
  (void)pointer;
  (void)bytes;
  return (int64_t)(((uint64_t)(uintptr_t)response << 32) | (sizeof response - 1));
}
