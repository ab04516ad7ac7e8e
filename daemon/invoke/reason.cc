#include "daemon/invoke/reason.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tidepool::daemon {
namespace {

constexpr bool kYes = true;
constexpr bool kNo = false;
constexpr Fault kGuest = Fault::kGuest;
constexpr Fault kHost = Fault::kHost;
constexpr Fault kCaller = Fault::kCaller;

constexpr ReasonFacts kFacts[] = {
#define TP_REASON(reason, http, grpc, fault, retry, title) \
  {#reason, title, http, GrpcCode::grpc, fault, retry},
#include "daemon/invoke/reason.def"
#undef TP_REASON
};

}  // namespace

const ReasonFacts& FactsOf(Reason reason) { return kFacts[static_cast<uint32_t>(reason)]; }

std::string UrnOf(Reason reason) {
  return absl::StrCat("urn:tidepool:error:",
                      absl::StrReplaceAll(absl::AsciiStrToLower(FactsOf(reason).name), {{"_", "-"}}));
}

}  // namespace tidepool::daemon
