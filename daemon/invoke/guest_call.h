// GuestCall: one call in the terms of the guest's ABI: the request goes in, the answer comes out.
//
//   command   abi_command.cc   _start, stdin and CGI variables → stdout
//   handler   abi_handler.cc   tidepool_alloc, tidepool_handle: HTTP messages in memory 0
//   export    abi_export.cc    typed values
//
// Runs on the invocation's fiber; the instance is started (_initialize has run).
// Errors   A Failure says what the guest's answer lacked.  A TrapCode other than kNone means the call
//          trapped: the invocation knows why.
// Source   service.md, "Guest ABIs".
#pragma once

#include <variant>
#include <vector>

#include "daemon/catalogue/function_revision.h"
#include "daemon/invoke/guest_output.h"
#include "daemon/invoke/invoker.h"
#include "daemon/tenants/limits.h"
#include "engine/abi/trap_code.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/instance.h"
#include "engine/wasi/context.h"

namespace tidepool::daemon {

struct GuestCall {
  const FunctionRevision& revision;
  const Limits& limits;
  const InvokeRequest& request;
  engine::Instance& instance;
  engine::Activation& activation;
  engine::InterruptHandler& interrupt;   // Asked between pieces of long copies.
  engine::wasi::WasiContext* wasi;       // Null when the module imports nothing.
  ResponseOutput& stdout_of_command;
  BodyCharge& charge;
  InvocationLog& log;
};

using GuestResult =
    std::variant<HttpOutput, std::vector<TypedValue>, Failure, engine::TrapCode>;

GuestResult CallCommand(GuestCall& call);
GuestResult CallHandler(GuestCall& call);
GuestResult CallExportedFunction(GuestCall& call);

// Calls a function that takes and gives nothing, such as _start.  Nothing when there is no such
// export of that type.
std::optional<engine::TrapCode> CallPlain(engine::Instance& instance, absl::string_view name,
                                          engine::Activation& activation);

}  // namespace tidepool::daemon
