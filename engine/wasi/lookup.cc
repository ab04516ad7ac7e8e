#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {

Errno FindDescriptor(Call& call, uint32_t number, Rights needed, Descriptor** descriptor) {
  *descriptor = call.context.descriptors().Find(number);
  if (*descriptor == nullptr) return Errno::kBadf;
  if ((needed & ~(*descriptor)->rights_base) != 0) return Errno::kNotcapable;
  return Errno::kSuccess;
}

// The kind is asked first: "this is a directory" says more than "you may not".
Errno FindFile(Call& call, uint32_t number, Rights needed, Descriptor** descriptor) {
  const Errno error = FindDescriptor(call, number, 0, descriptor);
  if (error != Errno::kSuccess) return error;
  switch ((*descriptor)->kind) {
    case Descriptor::Kind::kFile:
      return FindDescriptor(call, number, needed, descriptor);
    case Descriptor::Kind::kDirectory:
      return Errno::kIsdir;
    case Descriptor::Kind::kInput:
    case Descriptor::Kind::kOutput:
      break;
  }
  return Errno::kSpipe;
}

Errno FindDirectory(Call& call, uint32_t number, Rights needed, Descriptor** descriptor) {
  const Errno error = FindDescriptor(call, number, 0, descriptor);
  if (error != Errno::kSuccess) return error;
  if ((*descriptor)->kind != Descriptor::Kind::kDirectory) return Errno::kNotdir;
  return FindDescriptor(call, number, needed, descriptor);
}

Filetype FiletypeOf(mode_t mode) {
  if (S_ISREG(mode)) return Filetype::kRegularFile;
  if (S_ISDIR(mode)) return Filetype::kDirectory;
  if (S_ISLNK(mode)) return Filetype::kSymbolicLink;
  if (S_ISCHR(mode)) return Filetype::kCharacterDevice;
  if (S_ISBLK(mode)) return Filetype::kBlockDevice;
  return Filetype::kUnknown;
}

}  // namespace tidepool::engine::wasi
