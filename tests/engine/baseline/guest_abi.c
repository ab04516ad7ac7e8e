// C functions that speak the guests' calling convention (engine/abi/calling_convention.h): compiled
// by clang, which can promise a jump (musttail) for its uniform prototype.
#include <stdint.h>

struct Result {
  uint64_t integer;
  double vector;
};

typedef struct Result GuestFunction(void*,
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

// The compiled module's side: its context and the function to go on with.
void* guest_context;
GuestFunction* guest_function;

// (n, sum, weight, f) → tail-calls the guest with (n - 1, sum + n, …), or returns (sum, f).
struct Result CountDownInC(void* context,
                           uint64_t n,
                           uint64_t sum,
                           uint64_t c,
                           uint64_t d,
                           uint64_t e,
                           double f,
                           double g,
                           double h,
                           double i,
                           double j,
                           double k,
                           double l,
                           double m) {
  if (n == 0) return (struct Result){sum, f};
  __attribute__((musttail)) return guest_function(
      guest_context, n - 1, sum + n, c, d, e, f + 0.5, g, h, i, j, k, l, m);
}

// Calls the guest as an ordinary C function would, and adds up what it returns.
struct Result CallFromC(void* context,
                        uint64_t a,
                        uint64_t b,
                        uint64_t c,
                        uint64_t d,
                        uint64_t e,
                        double f,
                        double g,
                        double h,
                        double i,
                        double j,
                        double k,
                        double l,
                        double m) {
  const struct Result r = guest_function(guest_context, a, b, c, d, e, f, g, h, i, j, k, l, m);
  return (struct Result){r.integer + 1, r.vector + f + g + h + i + j + k + l + m};
}
