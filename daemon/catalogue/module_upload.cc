#include "daemon/catalogue/module_upload.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "daemon/catalogue/catalogue_impl.h"
#include "engine/platform/files.h"
#include "engine/platform/mapped_region.h"
#include "engine/support/sha256.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

ModuleUpload::ModuleUpload(
    Catalogue& catalogue, std::string tenant, Expectation expected, std::string path, UniqueFd fd)
    : catalogue_(catalogue),
      tenant_(std::move(tenant)),
      expected_(std::move(expected)),
      path_(std::move(path)),
      fd_(std::move(fd)) {}

// Where Finish has moved it into place there is nothing left to remove.
ModuleUpload::~ModuleUpload() {
  ::unlink(path_.c_str());
}

absl::Status ModuleUpload::Append(absl::string_view bytes) {
  if (received_bytes_ + bytes.size() > expected_.bytes_max) {
    return ModuleTooLarge(
        tenant_, received_bytes_ + bytes.size(), expected_.bytes_max, expected_.set_by);
  }
  const absl::Span<const uint8_t> content(reinterpret_cast<const uint8_t*>(bytes.data()),
                                          bytes.size());
  TP_RETURN_IF_ERROR(DiskStatus(WriteAllAt(fd_.get(), content, received_bytes_, path_)));
  received_bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<ModuleView> ModuleUpload::Finish() {
  if (received_bytes_ == 0) return absl::InvalidArgumentError("the module is empty");
  if (expected_.total_bytes != 0 && received_bytes_ != expected_.total_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the upload ended after ", received_bytes_, " of ", expected_.total_bytes, " bytes"));
  }
  TP_ASSIGN_OR_RETURN(const MappedRegion wasm, MappedRegion::File(fd_.get(), received_bytes_));
  const std::string sha256 = HexOf(Sha256(wasm.span()));
  if (!expected_.sha256.empty() && sha256 != expected_.sha256) {
    return absl::InvalidArgumentError(
        absl::StrCat("the upload has SHA-256 ", sha256, "; announced was ", expected_.sha256));
  }
  return catalogue_.impl_->AdmitModule(tenant_, sha256, path_, wasm.span());
}

}  // namespace tidepool::daemon
