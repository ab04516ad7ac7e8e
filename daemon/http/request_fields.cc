#include "daemon/http/request_fields.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/http_fields.h"
#include "daemon/invoke/ulid.h"

namespace tidepool::daemon {
namespace {

constexpr size_t kRequestIdBytesMax = 128;

bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kRequestIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
                  c == '-';
         });
}

// By hand: the general way of writing doubles costs more than all else here.
void AppendMilliseconds(std::string& out, absl::string_view name, absl::Duration time) {
  const int64_t us = absl::ToInt64Microseconds(time);
  const int64_t fraction = us % 1000;
  absl::StrAppend(&out, name, ";dur=", us / 1000, fraction < 10 ? ".00" : fraction < 100 ? ".0" : ".",
                  fraction);
}

}  // namespace

std::string ServerTiming(const InvokeOutcome& outcome) {
  std::string timing;
  AppendMilliseconds(timing, "queue", outcome.queue_time);
  AppendMilliseconds(timing, ", exec", outcome.run_time);
  AppendMilliseconds(timing, ", reset", outcome.reset_time);
  return timing;
}

std::string RequestIdOf(const std::vector<HeaderField>& fields) {
  const HeaderField* given = FindField(fields, "x-request-id");
  if (given != nullptr && IsRequestId(given->value)) return given->value;
  thread_local UlidSource source;
  return source.Next(static_cast<uint64_t>(absl::GetCurrentTimeNanos()) / 1'000'000);
}

std::optional<Failure> ReadDeadline(const std::vector<HeaderField>& fields, uint64_t elapsed_ns,
                                    absl::Time* deadline) {
  const HeaderField* given = FindField(fields, "x-tidepool-deadline-ms");
  if (given == nullptr) return std::nullopt;
  uint32_t milliseconds = 0;
  if (!absl::SimpleAtoi(given->value, &milliseconds)) {
    return MakeFailure(Reason::BAD_REQUEST, "X-Tidepool-Deadline-Ms is not a number");
  }
  *deadline = absl::Now() + absl::Milliseconds(milliseconds) - absl::Nanoseconds(elapsed_ns);
  return std::nullopt;
}

std::vector<HeaderField> FieldsForGuest(std::vector<HeaderField> fields,
                                        const std::string& request_id) {
  fields.erase(std::remove_if(fields.begin(), fields.end(),
                              [](const HeaderField& field) {
                                return IsTidepoolField(field.name) ||
                                       absl::EqualsIgnoreCase(field.name, "x-request-id");
                              }),
               fields.end());
  fields.push_back({"x-request-id", request_id});
  return fields;
}

}  // namespace tidepool::daemon
