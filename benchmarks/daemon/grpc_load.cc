// grpc_load PORT SECONDS IN_FLIGHT CONNECTIONS FUNCTION: calls a function over gRPC, closed loop, and
// prints `calls per second` and `failed`.  The client side of promise grpc.hello.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tidepool/invoke/v1/invoke.grpc.pb.h"

namespace {

namespace v1 = tidepool::invoke::v1;

std::atomic<bool> stopping{false};
std::atomic<long> done{0};
std::atomic<long> failed{0};
std::atomic<long> live{0};

// One call at a time: the next starts when the last has ended.
class Caller {
 public:
  Caller(v1::Invoker::Stub* stub, const std::string& function) : stub_(stub) {
    request_.set_function(function);
    request_.mutable_http()->set_method("GET");
  }

  void Start() {
    if (stopping) {
      --live;
      return;
    }
    context_ = std::make_unique<grpc::ClientContext>();
    stub_->async()->Invoke(context_.get(), &request_, &response_, [this](grpc::Status status) {
      const bool right = status.ok() && response_.http().status() == 200;
      ++(right ? done : failed);
      Start();
    });
  }

 private:
  v1::Invoker::Stub* stub_;
  v1::InvokeRequest request_;
  v1::InvokeResponse response_;
  std::unique_ptr<grpc::ClientContext> context_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: grpc_load PORT SECONDS IN_FLIGHT CONNECTIONS FUNCTION\n");
    return 2;
  }
  const std::string address = std::string("127.0.0.1:") + argv[1];
  const double seconds = std::atof(argv[2]);
  const int in_flight = std::atoi(argv[3]);
  const int connections = std::atoi(argv[4]);

  std::vector<std::unique_ptr<v1::Invoker::Stub>> stubs;
  for (int i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);  // A connection for each channel.
    stubs.push_back(v1::Invoker::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
  }
  std::vector<std::unique_ptr<Caller>> callers;
  live = in_flight;
  for (int i = 0; i < in_flight; ++i) {
    callers.push_back(std::make_unique<Caller>(stubs[i % stubs.size()].get(), argv[5]));
    callers.back()->Start();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // Connect, warm up.
  const long before = done;
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f %ld\n", static_cast<double>(done - before) / elapsed.count(), failed.load());
  stopping = true;
  while (live > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return 0;
}
