#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "daemon/control/admin_services.h"
#include "daemon/control/grpc_status.h"
#include "daemon/control/resource_names.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/logs.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;
using LogWriter = grpc::ServerWriter<admin::v1::LogLine>;

constexpr uint64_t kChunkBytes = 256 * 1024;
// Each holds one of gRPC's threads (kAdminThreadsMax), of which some must be left for work.
constexpr int kFollowersMax = 32;
// How soon a follower notices that its reader has left.
constexpr absl::Duration kLookAgain = absl::Milliseconds(250);

// "time invocation source text", as AppendLogLines writes it; a line that is not one of those (a
// disk that broke in the middle of it) is all text.
void PutLine(absl::string_view line, admin::v1::LogLine& message) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 3));
  if (parts.size() < 4) {
    message.set_text(std::string(line));
    return;
  }
  message.set_time(std::string(parts[0]));
  message.set_invocation(std::string(parts[1]));
  message.set_source(std::string(parts[2]));
  message.set_text(std::string(parts[3]));
}

class LogsService final : public admin::v1::Logs::Service {
 public:
  LogsService(FunctionLogs& logs, Catalogue& catalogue, const std::atomic<bool>& stopping)
      : logs_(logs), catalogue_(catalogue), stopping_(stopping) {}

 private:
  grpc::Status ReadLogs(ServerContext* context,
                        const admin::v1::ReadLogsRequest* request,
                        LogWriter* writer) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const FunctionName name, ParseFunctionName(request->parent()));
      TP_RETURN_IF_ERROR(catalogue_.GetFunction(name.tenant, name.function).status());
      const bool may_follow = followers_.fetch_add(1) < kFollowersMax || !request->follow();
      const absl::Status sent =
          may_follow
              ? Send(*context, *request, name, *writer)
              : absl::UnavailableError(absl::StrCat(
                    "logs are being followed by ", kFollowersMax, " readers, the most at once"));
      followers_.fetch_sub(1);
      return sent;
    }());
  }

  absl::Status Send(ServerContext& context,
                    const admin::v1::ReadLogsRequest& request,
                    const FunctionName& name,
                    LogWriter& writer) {
    LogPosition position;
    TP_ASSIGN_OR_RETURN(bool reader_there, SendKept(name, request.tail(), writer, &position));
    while (request.follow() && reader_there && !context.IsCancelled() && !stopping_) {
      const uint64_t version = logs_.version();
      TP_ASSIGN_OR_RETURN(const LogChunk chunk,
                          logs_.Read(name.tenant, name.function, position, kChunkBytes));
      reader_there = WriteLines(chunk.text, writer);
      position = chunk.next;
      if (chunk.at_end) logs_.WaitForChange(version, kLookAgain);
    }
    return absl::OkStatus();
  }

  // All lines that are there, or the last `tail` of them.  False: the reader has gone.
  absl::StatusOr<bool> SendKept(const FunctionName& name,
                                uint32_t tail,
                                LogWriter& writer,
                                LogPosition* position) {
    std::deque<std::string> last;
    for (;;) {
      TP_ASSIGN_OR_RETURN(const LogChunk chunk,
                          logs_.Read(name.tenant, name.function, *position, kChunkBytes));
      *position = chunk.next;
      if (tail == 0) {
        if (!WriteLines(chunk.text, writer)) return false;
      } else {
        for (const absl::string_view line : absl::StrSplit(chunk.text, '\n', absl::SkipEmpty())) {
          last.emplace_back(line);
          if (last.size() > tail) last.pop_front();
        }
      }
      if (chunk.at_end || chunk.text.empty()) break;
    }
    for (const std::string& line : last) {
      if (!WriteLines(line, writer)) return false;
    }
    return true;
  }

  bool WriteLines(absl::string_view text, LogWriter& writer) {
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      admin::v1::LogLine message;
      PutLine(line, message);
      if (!writer.Write(message)) return false;
    }
    return true;
  }

  FunctionLogs& logs_;
  Catalogue& catalogue_;
  const std::atomic<bool>& stopping_;
  std::atomic<int> followers_{0};  // And those who only read, while they do.
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLogsService(FunctionLogs& logs,
                                               Catalogue& catalogue,
                                               const std::atomic<bool>& stopping) {
  return std::make_unique<LogsService>(logs, catalogue, stopping);
}

}  // namespace tidepool::daemon
