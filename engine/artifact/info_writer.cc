#include "engine/artifact/info_writer.h"

#include <algorithm>
#include <numeric>

#include "engine/artifact/info_format.h"
#include "engine/support/byte_writer.h"
#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

using Form = wasm::ConstantExpression::Form;

// Writes the parts of info_format.h, in its order.
class InfoWriter {
 public:
  InfoWriter(const wasm::ValidatedModule& validated, const CompiledModule& compiled,
             const InstanceImagePlan& image)
      : validated_(validated), module_(validated.module()), compiled_(compiled), image_(image) {}

  EncodedInfo Write() && {
    Types();
    Functions();
    Tables();
    Memories();
    Globals();
    Tags();
    Imports();
    Exports();
    GlobalInits();
    Number(module_.start.has_value() ? uint64_t{ToInt(*module_.start)} + 1 : 0);
    Elements();
    Data();
    TableImages();
    MemoryImages();
    out_.info = std::move(writer_).Take();
    return std::move(out_);
  }

 private:
  void Number(uint64_t value) { writer_.VarU64(value); }
  void Text(absl::string_view text) {
    Number(text.size());
    writer_.Text(text);
  }
  void Type(wasm::ValueType type) { Number(type.bits()); }

  // Of what was added to out_.lists since it had `first` entries.
  void ListSince(size_t first) {
    Number(first);
    Number(out_.lists.size() - first);
  }

  void Init(const wasm::ConstantExpression& expression) {
    writer_.U8(static_cast<uint8_t>(expression.form));
    switch (expression.form) {
      case Form::kI32:
      case Form::kF32: Number(static_cast<uint32_t>(expression.value)); return;
      case Form::kI64:
      case Form::kF64: Number(expression.value); return;
      case Form::kRefNull: return;
      case Form::kRefFunc:
      case Form::kGlobalGet: Number(expression.index); return;
      case Form::kOther:
        Number(expression.code.size());
        writer_.Bytes(expression.code);
        return;
    }
  }

  void Limits(const wasm::Limits64& limits, wasm::AddressType address, uint8_t flags) {
    if (limits.has_max) flags |= info_format::kHasMax;
    if (address == wasm::AddressType::kI64) flags |= info_format::kAddress64;
    writer_.U8(flags);
    Number(limits.min);
    if (limits.has_max) Number(limits.max);
  }

  void Types() {
    Number(module_.types.size());
    for (const wasm::FunctionType& type : module_.types) {
      Number(type.params.size());
      for (wasm::ValueType param : type.params) Type(param);
      Number(type.results.size());
      for (wasm::ValueType result : type.results) Type(result);
    }
  }

  void Functions() {
    std::vector<uint32_t>& lists = out_.lists;
    lists.reserve(compiled_.functions.size() + 2 * module_.functions.size());
    for (const CompiledFunction& function : compiled_.functions) {
      lists.push_back(function.text_offset);
    }
    ListSince(0);
    size_t first = lists.size();
    for (const wasm::Function& function : module_.functions) lists.push_back(ToInt(function.type));
    ListSince(first);
    first = lists.size();
    for (uint32_t i = module_.imported_function_count; i < module_.functions.size(); ++i) {
      if (validated_.Escapes(wasm::FunctionIndex{i})) lists.push_back(i);
    }
    ListSince(first);
  }

  void Tables() {
    Number(module_.tables.size());
    for (const wasm::Table& table : module_.tables) {
      Limits(table.type.limits, table.type.address, table.has_init ? info_format::kHasInit : 0);
      Type(table.type.element);
      if (table.has_init) Init(table.init);
    }
  }

  void Memories() {
    Number(module_.memories.size());
    for (const wasm::Memory& memory : module_.memories) {
      Limits(memory.type.limits, memory.type.address,
             memory.type.shared ? info_format::kShared : 0);
      writer_.U8(memory.type.page_bytes_log2);
    }
  }

  void Globals() {
    Number(module_.globals.size());
    for (const wasm::Global& global : module_.globals) {
      writer_.U8(global.type.is_mutable ? info_format::kMutable : 0);
      Type(global.type.value);
    }
  }

  void GlobalInits() {
    for (size_t i = module_.imported_global_count; i < module_.globals.size(); ++i) {
      Init(module_.globals[i].init);
    }
  }

  void Tags() {
    Number(module_.tags.size());
    for (const wasm::Tag& tag : module_.tags) Number(ToInt(tag.type));
  }

  void Imports() {
    Number(module_.imports.size());
    for (const wasm::Import& import : module_.imports) {
      Text(import.module);
      Text(import.name);
      writer_.U8(static_cast<uint8_t>(import.kind));
      Number(import.index);
    }
  }

  void Exports() {
    Number(module_.exports.size());
    for (const wasm::Export& each : module_.exports) {
      Text(each.name);
      writer_.U8(static_cast<uint8_t>(each.kind));
      Number(each.index);
    }
    const size_t first = out_.lists.size();
    out_.lists.resize(first + module_.exports.size());
    const auto begin = out_.lists.begin() + static_cast<ptrdiff_t>(first);
    std::iota(begin, out_.lists.end(), 0u);
    std::sort(begin, out_.lists.end(), [this](uint32_t a, uint32_t b) {
      return module_.exports[a].name < module_.exports[b].name;
    });
    ListSince(first);
  }

  void Elements() {
    Number(module_.elements.size());
    for (uint32_t i = 0; i < module_.elements.size(); ++i) {
      const wasm::ElementSegment& segment = module_.elements[i];
      const bool in_image = image_.HoldsElement(i);
      // What instantiation does not need again is left out; a declarative one starts dropped too.
      const bool empty = in_image || segment.mode == wasm::SegmentMode::kDeclarative;
      uint8_t flags = static_cast<uint8_t>(segment.mode);
      if (in_image) flags |= info_format::kInImage;
      if (segment.has_expressions && !empty) flags |= info_format::kHasExpressions;
      writer_.U8(flags);
      Number(ToInt(segment.table));
      Type(segment.type);
      if (segment.mode == wasm::SegmentMode::kActive && !in_image) Init(segment.offset);
      if ((flags & info_format::kHasExpressions) != 0) {
        Number(segment.expressions.size());
        for (const wasm::ConstantExpression& expression : segment.expressions) Init(expression);
        continue;
      }
      const size_t first = out_.lists.size();
      if (!empty) {
        for (wasm::FunctionIndex function : segment.functions) {
          out_.lists.push_back(ToInt(function));
        }
      }
      ListSince(first);
    }
  }

  // Without a data count section no instruction can name a segment (wasm core 5.5.16), so nobody
  // ever asks for one that the image holds.  Some compilers make tens of thousands of them.
  bool LeavesOut(uint32_t segment) const {
    return !module_.data_count.has_value() && image_.HoldsData(segment);
  }

  void Data() {
    uint32_t count = 0;
    for (uint32_t i = 0; i < module_.data.size(); ++i) count += LeavesOut(i) ? 0 : 1;
    Number(count);
    for (uint32_t i = 0; i < module_.data.size(); ++i) {
      if (LeavesOut(i)) continue;
      const wasm::DataSegment& segment = module_.data[i];
      const bool in_image = image_.HoldsData(i);
      const absl::Span<const uint8_t> bytes =
          in_image ? absl::Span<const uint8_t>() : segment.bytes;
      writer_.U8(static_cast<uint8_t>(static_cast<uint8_t>(segment.mode) |
                                      (in_image ? info_format::kInImage : 0)));
      Number(ToInt(segment.memory));
      if (segment.mode == wasm::SegmentMode::kActive && !in_image) Init(segment.offset);
      Number(out_.data_bytes);
      Number(bytes.size());
      if (bytes.empty()) continue;
      out_.data.push_back(bytes);
      out_.data_bytes += bytes.size();
    }
  }

  void TableImages() {
    uint32_t count = 0;
    for (uint32_t i = 0; i < module_.elements.size(); ++i) {
      if (image_.HoldsElement(i) && module_.elements[i].count() != 0) ++count;
    }
    Number(count);
    for (uint32_t i = 0; i < module_.elements.size(); ++i) {
      const wasm::ElementSegment& segment = module_.elements[i];
      uint64_t offset;
      if (!image_.HoldsElement(i) || segment.count() == 0) continue;
      if (!ConstantOffset(segment.offset, &offset)) continue;
      Number(ToInt(segment.table) - module_.imported_table_count);
      Number(offset);
      const size_t first = out_.lists.size();
      for (wasm::FunctionIndex function : segment.functions) {
        out_.lists.push_back(ToInt(function));
      }
      for (const wasm::ConstantExpression& expression : segment.expressions) {
        uint32_t function = UINT32_MAX;
        ConstantFunction(expression, &function);
        out_.lists.push_back(function);
      }
      ListSince(first);
    }
  }

  void MemoryImages() {
    Number(image_.extents().size());
    for (const InstanceImagePlan::Extent& extent : image_.extents()) {
      Number(extent.memory);
      Number(extent.offset_bytes / kHostPageBytes);
      Number(extent.bytes_count / kHostPageBytes);
    }
  }

  const wasm::ValidatedModule& validated_;
  const wasm::Module& module_;
  const CompiledModule& compiled_;
  const InstanceImagePlan& image_;
  ByteWriter writer_;
  EncodedInfo out_;
};

}  // namespace

EncodedInfo EncodeInfo(const wasm::ValidatedModule& module, const CompiledModule& compiled,
                       const InstanceImagePlan& image) {
  return InfoWriter(module, compiled, image).Write();
}

}  // namespace tidepool::engine
