// Lets the trap handler own the signals that sanitizers would take (conventions.md).  Linked into
// every program of a sanitizer build; the sanitizer's runtime calls these before main.
//
//   handle_…=0          faults of guests are ours; a crash of ours is still loud
//   use_sigaltstack=0   at the end of a thread the runtime would unmap *our* signal stack as its own

extern "C" {

const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
         "allow_user_segv_handler=1:use_sigaltstack=0";
}

const char* __tsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:use_sigaltstack=0";
}

const char* __ubsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:print_stacktrace=1";
}

}  // extern "C"
