#include "daemon/control/grpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tidepool::daemon {
namespace {

constexpr char kDomain[] = "tidepool";

template <typename Message>
void AddDetail(google::rpc::Status& status, const Message& message) {
  status.add_details()->PackFrom(message);
}

grpc::Status Finish(const google::rpc::Status& status) {
  return {
      static_cast<grpc::StatusCode>(status.code()), status.message(), status.SerializeAsString()};
}

std::string LimitText(const LimitReached& limit) {
  std::string text = absl::StrCat(limit.name, ": ", limit.allowed, " allowed");
  if (!limit.used.empty()) absl::StrAppend(&text, ", ", limit.used, " used");
  if (!limit.set_by.empty()) absl::StrAppend(&text, " (set by ", limit.set_by, ")");
  return text;
}

absl::string_view NameOf(Fault fault) {
  switch (fault) {
    case Fault::kGuest:
      return "guest";
    case Fault::kHost:
      return "host";
    case Fault::kCaller:
      return "caller";
  }
  return "";
}

}  // namespace

grpc::Status StatusOf(const Failure& failure, absl::string_view invocation_id, Audience audience) {
  const ReasonFacts& facts = FactsOf(failure.reason);
  google::rpc::Status status;
  status.set_code(static_cast<int>(facts.grpc_code));
  std::string message(facts.title);
  if (failure.limit.has_value()) absl::StrAppend(&message, "; ", LimitText(*failure.limit));
  // What the caller did wrong is the caller's to know; what the guest did is its owner's.
  const bool may_see = audience == Audience::kOwner || facts.fault == Fault::kCaller;
  if (may_see && !failure.detail.empty()) absl::StrAppend(&message, ": ", failure.detail);
  status.set_message(message);

  google::rpc::ErrorInfo info;
  info.set_reason(std::string(facts.name));
  info.set_domain(kDomain);
  auto& metadata = *info.mutable_metadata();
  metadata["fault"] = std::string(NameOf(facts.fault));
  metadata["http_status"] = absl::StrCat(facts.http_status);
  if (!invocation_id.empty()) metadata["invocation"] = std::string(invocation_id);
  if (failure.limit.has_value()) {
    metadata["limit"] = failure.limit->name;
    metadata["allowed"] = failure.limit->allowed;
    metadata["used"] = failure.limit->used;
    metadata["set_by"] = failure.limit->set_by;
  }
  AddDetail(status, info);
  if (facts.grpc_code == GrpcCode::RESOURCE_EXHAUSTED || failure.limit.has_value()) {
    google::rpc::QuotaFailure quota;
    auto* violation = quota.add_violations();
    if (failure.limit.has_value()) {
      violation->set_subject(failure.limit->set_by);
      violation->set_description(LimitText(*failure.limit));
    } else {
      violation->set_description(std::string(facts.title));
    }
    AddDetail(status, quota);
  }
  if (facts.retry) {
    google::rpc::RetryInfo retry;
    const int64_t nanoseconds = absl::ToInt64Nanoseconds(failure.retry_after);
    retry.mutable_retry_delay()->set_seconds(nanoseconds / 1'000'000'000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
    AddDetail(status, retry);
  }
  return Finish(status);
}

grpc::Status StatusOf(const absl::Status& from) {
  if (from.ok()) return grpc::Status::OK;
  google::rpc::Status status;
  // absl's codes have gRPC's numbers.
  status.set_code(static_cast<int>(from.code()));
  status.set_message(std::string(from.message()));
  google::rpc::ErrorInfo info;
  info.set_reason(absl::StatusCodeToString(from.code()));
  info.set_domain(kDomain);
  AddDetail(status, info);
  if (absl::IsResourceExhausted(from)) {
    google::rpc::QuotaFailure quota;
    quota.add_violations()->set_description(std::string(from.message()));
    AddDetail(status, quota);
  }
  return Finish(status);
}

}  // namespace tidepool::daemon
