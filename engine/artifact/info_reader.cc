#include "engine/artifact/info_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/artifact/info_format.h"
#include "engine/support/byte_reader.h"
#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

using Form = wasm::ConstantExpression::Form;

// Of the memory as it begins, rounded up; the bytes themselves may not fit 64 bits.
uint64_t MinHostPages(const wasm::MemoryType& memory) {
  constexpr int kHostPageLog2 = 12;
  const int log2 = memory.page_bytes_log2;
  const uint64_t pages = memory.limits.min;
  if (log2 >= kHostPageLog2) return pages << (log2 - kHostPageLog2);
  const uint64_t per_host_page = uint64_t{1} << (kHostPageLog2 - log2);
  return pages / per_host_page + (pages % per_host_page != 0 ? 1 : 0);
}

// Reads the parts of info_format.h, in its order.  The first thing that is wrong is kept and ends
// the reading: every method returns false then.
class InfoReader {
 public:
  explicit InfoReader(const InfoSections& sections) : sections_(sections), reader_(sections.info) {}

  absl::StatusOr<ReadInfoResult> Read() && {
    const bool ok = Types() && Functions() && Tables() && Memories() && Globals() && Tags() &&
                    Imports() && Exports() && GlobalInits() && Start() && Elements() && Data() &&
                    TableImages() && MemoryImages() && Fits(reader_.at_end(), "trailing bytes");
    if (!ok) return absl::DataLossError(absl::StrCat(".tidepool.info: ", part_, ": ", wrong_));
    return std::move(result_);
  }

 private:
  bool Fits(bool condition, const char* wrong) {
    if (!condition && wrong_ == nullptr) wrong_ = wrong;
    return condition;
  }
  bool Begin(const char* part) {
    part_ = part;
    return true;
  }
  bool Intact() { return Fits(!reader_.failed(), "cut off"); }

  // A count of things that take at least one byte each.
  bool Count(uint32_t* count) {
    *count = reader_.VarU32();
    return Intact() && Fits(*count <= reader_.remaining(), "a count beyond the section");
  }
  bool Index(uint64_t bound, uint32_t* index) {
    *index = reader_.VarU32();
    return Intact() && Fits(*index < bound, "an index out of range");
  }
  bool Text(absl::string_view* text) {
    *text = reader_.Text(reader_.VarU32());
    return Intact();
  }
  bool List(absl::Span<const uint32_t>* list) {
    const uint32_t first = reader_.VarU32();
    const uint32_t count = reader_.VarU32();
    if (!Intact()) return false;
    if (!Fits(uint64_t{first} + count <= sections_.lists.size(), "a list outside its section")) {
      return false;
    }
    *list = sections_.lists.subspan(first, count);
    return true;
  }
  // All of `list` below `bound`.  A plain loop, so that it becomes a vector one: lists are long.
  bool AllBelow(absl::Span<const uint32_t> list, uint64_t bound) {
    uint32_t largest = 0;
    for (uint32_t each : list) largest = std::max(largest, each);
    return Fits(list.empty() || largest < bound, "an index out of range");
  }
  // All of `list` functions or null.
  bool AllFunctions(absl::Span<const uint32_t> list) {
    uint32_t largest = 0;
    // Null, UINT32_MAX, becomes 0 and no other changes places with it.
    for (uint32_t each : list) largest = std::max(largest, each + 1);
    return Fits(largest <= info().function_types.size(), "a function out of range");
  }
  bool Type(wasm::ValueType* type) {
    *type = wasm::ValueType::FromBits(reader_.VarU32());
    if (!Intact()) return false;
    if (type->is_ref()) {
      const uint64_t concrete_end =
          static_cast<uint64_t>(wasm::HeapType::kFirstConcrete) + type_count_;
      const bool known = wasm::IsConcrete(type->heap())
                             ? static_cast<uint64_t>(type->heap()) < concrete_end
                             : type->heap() < wasm::HeapType::kBottom;
      return Fits(known, "an unknown reference type");
    }
    return Fits(type->bits() < static_cast<uint32_t>(wasm::ValueKind::kRef), "an unknown type");
  }
  bool Init(InitExpression* init) {
    const uint8_t form = reader_.U8();
    if (!Fits(form <= static_cast<uint8_t>(Form::kOther), "an unknown form of constant")) {
      return false;
    }
    init->form = static_cast<Form>(form);
    switch (init->form) {
      case Form::kI32:
      case Form::kF32: init->value = reader_.VarU32(); break;
      case Form::kI64:
      case Form::kF64: init->value = reader_.VarU64(); break;
      case Form::kRefNull: break;
      case Form::kRefFunc: return Index(info().function_types.size(), &init->index);
      case Form::kGlobalGet: return Index(info().globals.size(), &init->index);
      case Form::kOther: init->code = reader_.Bytes(reader_.VarU32()); break;
    }
    return Intact();
  }
  bool ReadLimits(uint8_t flags, wasm::Limits64* limits, wasm::AddressType* address) {
    limits->has_max = (flags & info_format::kHasMax) != 0;
    *address = (flags & info_format::kAddress64) != 0 ? wasm::AddressType::kI64
                                                      : wasm::AddressType::kI32;
    limits->min = reader_.VarU64();
    if (limits->has_max) limits->max = reader_.VarU64();
    return Intact() && Fits(!limits->has_max || limits->min <= limits->max, "min above max");
  }

  bool Types() {
    Begin("types");
    if (!Count(&type_count_)) return false;
    info().types.resize(type_count_);
    for (wasm::FunctionType& type : info().types) {
      if (!TypeList(&type.params) || !TypeList(&type.results)) return false;
    }
    return true;
  }
  bool TypeList(std::vector<wasm::ValueType>* types) {
    uint32_t count;
    if (!Count(&count)) return false;
    types->resize(count);
    return std::all_of(types->begin(), types->end(),
                       [this](wasm::ValueType& type) { return Type(&type); });
  }

  bool Functions() {
    Begin("functions");
    absl::Span<const uint32_t> begins;
    absl::Span<const uint32_t>& escaping = info().escaping_functions;
    if (!List(&begins) || !List(&info().function_types) || !List(&escaping)) return false;
    const size_t count = info().function_types.size();
    if (!AllBelow(info().function_types, type_count_)) return false;
    if (!Fits(begins.size() <= count, "more code than functions")) return false;
    info().counts.imported_functions = static_cast<uint32_t>(count - begins.size());
    info().counts.escaping_functions = static_cast<uint32_t>(escaping.size());
    for (size_t i = 0; i < escaping.size(); ++i) {
      const bool defined = escaping[i] >= info().counts.imported_functions && escaping[i] < count;
      if (!Fits(defined && (i == 0 || escaping[i] > escaping[i - 1]), "wrong escaping functions")) {
        return false;
      }
    }
    result_.functions = FunctionTable(begins, sections_.text_bytes);
    return true;
  }

  bool Tables() {
    Begin("tables");
    uint32_t count;
    if (!Count(&count)) return false;
    info().tables.resize(count);
    for (InfoTable& table : info().tables) {
      const uint8_t flags = reader_.U8();
      table.has_init = (flags & info_format::kHasInit) != 0;
      if (!ReadLimits(flags, &table.type.limits, &table.type.address)) return false;
      if (!Type(&table.type.element) || !Fits(table.type.element.is_ref(), "no reference type")) {
        return false;
      }
      if (table.has_init && !TableInit(&table.init)) return false;
    }
    return true;
  }
  // Comes before the globals it may refer to; the index is checked when they are known.
  bool TableInit(InitExpression* init) {
    const uint8_t form = reader_.PeekU8();
    if (form != static_cast<uint8_t>(Form::kGlobalGet)) return Init(init);
    reader_.U8();
    init->form = Form::kGlobalGet;
    init->index = reader_.VarU32();
    table_global_end_ = std::max(table_global_end_, uint64_t{init->index} + 1);
    return Intact();
  }

  bool Memories() {
    Begin("memories");
    uint32_t count;
    if (!Count(&count)) return false;
    info().memories.resize(count);
    for (wasm::MemoryType& memory : info().memories) {
      const uint8_t flags = reader_.U8();
      memory.shared = (flags & info_format::kShared) != 0;
      if (!ReadLimits(flags, &memory.limits, &memory.address)) return false;
      memory.page_bytes_log2 = reader_.U8();
      if (!Intact() || !Fits(memory.page_bytes_log2 <= 16, "an unknown page size")) return false;
      // All 2^64 bytes are valid, though no host has them; all 2^64 pages of one byte are not more.
      const int bits = memory.address == wasm::AddressType::kI32 ? 32 : 64;
      if (bits - memory.page_bytes_log2 == 64) continue;
      const uint64_t pages_max = uint64_t{1} << (bits - memory.page_bytes_log2);
      if (!Fits(memory.limits.min <= pages_max, "a memory beyond its addresses")) return false;
    }
    return true;
  }

  bool Globals() {
    Begin("globals");
    uint32_t count;
    if (!Count(&count)) return false;
    info().globals.resize(count);
    for (InfoGlobal& global : info().globals) {
      global.type.is_mutable = (reader_.U8() & info_format::kMutable) != 0;
      if (!Type(&global.type.value)) return false;
    }
    return Fits(table_global_end_ <= count, "a table refers to an unknown global");
  }

  bool Tags() {
    Begin("tags");
    uint32_t count;
    if (!Count(&count)) return false;
    info().tag_types.resize(count);
    return std::all_of(info().tag_types.begin(), info().tag_types.end(),
                       [this](uint32_t& type) { return Index(type_count_, &type); });
  }

  uint64_t SpaceOf(wasm::ExternalKind kind) const {
    switch (kind) {
      case wasm::ExternalKind::kFunction: return result_.info.function_types.size();
      case wasm::ExternalKind::kTable: return result_.info.tables.size();
      case wasm::ExternalKind::kMemory: return result_.info.memories.size();
      case wasm::ExternalKind::kGlobal: return result_.info.globals.size();
      case wasm::ExternalKind::kTag: return result_.info.tag_types.size();
    }
    return 0;
  }
  bool External(wasm::ExternalKind* kind, uint32_t* index) {
    const uint8_t number = reader_.U8();
    if (!Fits(number < kKinds, "an unknown kind")) return false;
    *kind = static_cast<wasm::ExternalKind>(number);
    return Index(SpaceOf(*kind), index);
  }

  bool Imports() {
    Begin("imports");
    uint32_t count;
    if (!Count(&count)) return false;
    info().imports.resize(count);
    uint32_t imported[kKinds] = {};
    for (wasm::Import& import : info().imports) {
      if (!Text(&import.module) || !Text(&import.name)) return false;
      if (!External(&import.kind, &import.index)) return false;
      // The first of each index space are its imports, in order.
      uint32_t& expected = imported[static_cast<uint8_t>(import.kind)];
      if (!Fits(import.index == expected++, "imports out of order")) return false;
    }
    return Counts(imported);
  }
  bool Counts(const uint32_t (&imported)[5]) {
    abi::VmContextCounts& counts = info().counts;
    if (!Fits(imported[0] == counts.imported_functions, "functions without code")) return false;
    counts.imported_tables = imported[1];
    counts.defined_tables = static_cast<uint32_t>(info().tables.size()) - imported[1];
    counts.imported_memories = imported[2];
    counts.defined_memories = static_cast<uint32_t>(info().memories.size()) - imported[2];
    counts.imported_globals = imported[3];
    counts.defined_globals = static_cast<uint32_t>(info().globals.size()) - imported[3];
    return true;
  }

  bool Exports() {
    Begin("exports");
    uint32_t count;
    if (!Count(&count)) return false;
    info().exports.resize(count);
    for (wasm::Export& each : info().exports) {
      if (!Text(&each.name) || !External(&each.kind, &each.index)) return false;
    }
    absl::Span<const uint32_t>& order = info().exports_by_name;
    return List(&order) && Fits(order.size() == count, "not all exports") && AllBelow(order, count);
  }

  bool GlobalInits() {
    Begin("initial values of globals");
    for (size_t i = info().counts.imported_globals; i < info().globals.size(); ++i) {
      const InitExpression& init = info().globals[i].init;
      if (!Init(&info().globals[i].init)) return false;
      // They are evaluated in order.
      if (init.form == Form::kGlobalGet && !Fits(init.index < i, "a later global")) return false;
    }
    return true;
  }

  bool Start() {
    Begin("start");
    const uint64_t start = reader_.VarU64();
    if (!Intact() || start == 0) return !reader_.failed();
    info().start = static_cast<uint32_t>(start - 1);
    return Fits(start <= info().function_types.size(), "an unknown function");
  }

  bool Mode(uint8_t flags, wasm::SegmentMode* mode, bool* in_image) {
    const uint8_t number = flags & info_format::kModeMask;
    *mode = static_cast<wasm::SegmentMode>(number);
    *in_image = (flags & info_format::kInImage) != 0;
    return Fits(number <= static_cast<uint8_t>(wasm::SegmentMode::kDeclarative), "an unknown mode");
  }

  bool Elements() {
    Begin("element segments");
    uint32_t count;
    if (!Count(&count)) return false;
    info().elements.resize(count);
    info().counts.element_segments = count;
    for (InfoElementSegment& segment : info().elements) {
      const uint8_t flags = reader_.U8();
      segment.has_expressions = (flags & info_format::kHasExpressions) != 0;
      segment.table = reader_.VarU32();
      if (!Intact() || !Mode(flags, &segment.mode, &segment.in_image)) return false;
      if (!Type(&segment.type)) return false;
      if (segment.mode == wasm::SegmentMode::kActive) {
        if (!Fits(segment.table < info().tables.size(), "an unknown table")) return false;
        if (!segment.in_image && !Init(&segment.offset)) return false;
      }
      if (!Entries(&segment)) return false;
    }
    return true;
  }
  bool Entries(InfoElementSegment* segment) {
    if (!segment->has_expressions) {
      return List(&segment->functions) && AllBelow(segment->functions, info().function_types.size());
    }
    uint32_t count;
    if (!Count(&count)) return false;
    segment->expressions.resize(count);
    return std::all_of(segment->expressions.begin(), segment->expressions.end(),
                       [this](InitExpression& expression) { return Init(&expression); });
  }

  bool Data() {
    Begin("data segments");
    uint32_t count;
    if (!Count(&count)) return false;
    info().data.resize(count);
    info().counts.data_segments = count;
    for (InfoDataSegment& segment : info().data) {
      const uint8_t flags = reader_.U8();
      segment.memory = reader_.VarU32();
      if (!Intact() || !Mode(flags, &segment.mode, &segment.in_image)) return false;
      if (segment.mode == wasm::SegmentMode::kActive) {
        if (!Fits(segment.memory < info().memories.size(), "an unknown memory")) return false;
        if (!segment.in_image && !Init(&segment.offset)) return false;
      }
      const uint64_t offset = reader_.VarU64();
      const uint64_t bytes_count = reader_.VarU64();
      if (!Intact()) return false;
      const uint64_t bound = sections_.data.size();
      if (!Fits(bytes_count <= bound && offset <= bound - bytes_count, "data outside its section")) {
        return false;
      }
      segment.bytes = sections_.data.subspan(offset, bytes_count);
    }
    return true;
  }

  bool TableImages() {
    Begin("table images");
    uint32_t count;
    if (!Count(&count)) return false;
    info().table_images.resize(count);
    for (TableExtent& extent : info().table_images) {
      if (!Index(info().counts.defined_tables, &extent.table)) return false;
      extent.first = reader_.VarU64();
      if (!Intact() || !List(&extent.functions) || !AllFunctions(extent.functions)) return false;
      const uint64_t bound =
          info().tables[info().counts.imported_tables + extent.table].type.limits.min;
      const uint64_t entries = extent.functions.size();
      if (!Fits(entries <= bound && extent.first <= bound - entries, "entries beyond the table")) {
        return false;
      }
    }
    return true;
  }

  bool MemoryImages() {
    Begin("memory images");
    uint32_t count;
    if (!Count(&count)) return false;
    info().memory_images.resize(count);
    uint64_t at = 0;
    const MemoryExtent* last = nullptr;
    for (MemoryExtent& extent : info().memory_images) {
      if (!Index(info().counts.defined_memories, &extent.memory)) return false;
      const wasm::MemoryType& memory =
          info().memories[info().counts.imported_memories + extent.memory];
      const uint64_t pages = MinHostPages(memory);
      const uint64_t first = reader_.VarU64();
      const uint64_t length = reader_.VarU64();
      if (!Intact()) return false;
      if (!Fits(length <= pages && first <= pages - length, "an extent beyond its memory")) {
        return false;
      }
      extent.offset_bytes = first * kHostPageBytes;
      const uint64_t bytes_count = length * kHostPageBytes;
      if (!Fits(bytes_count <= sections_.image.size() - at, "an extent outside its section")) {
        return false;
      }
      extent.bytes = sections_.image.subspan(at, bytes_count);
      extent.file_offset_bytes = sections_.image_file_offset + at;
      at += bytes_count;
      const bool apart = last == nullptr || last->memory < extent.memory ||
                         (last->memory == extent.memory &&
                          last->offset_bytes + last->bytes.size() <= extent.offset_bytes);
      if (!Fits(apart, "extents out of order")) return false;
      last = &extent;
    }
    return true;
  }

  static constexpr uint8_t kKinds = 5;

  ModuleInfo& info() { return result_.info; }

  const InfoSections& sections_;
  ByteReader reader_;
  ReadInfoResult result_;
  uint32_t type_count_ = 0;
  uint64_t table_global_end_ = 0;
  const char* part_ = "";
  const char* wrong_ = nullptr;
};

}  // namespace

absl::StatusOr<ReadInfoResult> ReadInfo(const InfoSections& sections) {
  return InfoReader(sections).Read();
}

}  // namespace tidepool::engine
