#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"

#include "daemon/catalogue/module_upload.h"
#include "daemon/control/admin_messages.h"
#include "daemon/control/admin_services.h"
#include "daemon/control/grpc_status.h"
#include "daemon/control/resource_names.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/modules.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;
using UploadReader = grpc::ServerReader<admin::v1::UploadModuleRequest>;

class ModulesService final : public admin::v1::Modules::Service {
 public:
  explicit ModulesService(Catalogue& catalogue) : catalogue_(catalogue) {}

 private:
  grpc::Status UploadModule(ServerContext* context,
                            UploadReader* reader,
                            admin::v1::Module* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::unique_ptr<ModuleUpload> upload, StartUpload(reader));
      admin::v1::UploadModuleRequest part;
      while (reader->Read(&part)) {
        if (!part.has_chunk()) {
          return absl::InvalidArgumentError("an upload has one header, then only chunks");
        }
        TP_RETURN_IF_ERROR(upload->Append(part.chunk()));
      }
      // A broken connection ends the stream as a finished upload does; only this tells.
      if (context->IsCancelled()) return absl::CancelledError("the upload was broken off");
      TP_ASSIGN_OR_RETURN(const ModuleView view, upload->Finish());
      Put(view, *response);
      return absl::OkStatus();
    }());
  }

  absl::StatusOr<std::unique_ptr<ModuleUpload>> StartUpload(UploadReader* reader) {
    admin::v1::UploadModuleRequest first;
    if (!reader->Read(&first) || !first.has_header()) {
      return absl::InvalidArgumentError("an upload begins with a header");
    }
    TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(first.header().parent()));
    return catalogue_.StartUpload(tenant, first.header().total_bytes(), first.header().sha256());
  }

  grpc::Status ListModules(ServerContext*,
                           const admin::v1::ListModulesRequest* request,
                           admin::v1::ListModulesResponse* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(request->parent()));
      TP_ASSIGN_OR_RETURN(const std::vector<ModuleView> views, catalogue_.ListModules(tenant));
      for (const ModuleView& view : views) Put(view, *response->add_modules());
      return absl::OkStatus();
    }());
  }

  grpc::Status DeleteModule(ServerContext*,
                            const admin::v1::DeleteModuleRequest* request,
                            google::protobuf::Empty*) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const ChildName name, ParseModuleName(request->name()));
      return catalogue_.DeleteModule(name.tenant, name.child);
    }());
  }

  Catalogue& catalogue_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeModulesService(Catalogue& catalogue) {
  return std::make_unique<ModulesService>(catalogue);
}

}  // namespace tidepool::daemon
