// The contents of .tidepool.info, in the order in which they lie there; what InfoWriter writes and
// InfoReader reads.
//
//   number   = unsigned LEB128
//   text     = number of bytes, bytes
//   list     = first, count: a run of u32 in .tidepool.lists
//   init     = form, then per form: value | index | text (the expression's code)
//   limits   = flags, min, max if kHasMax
//
//   info     = types      count, each: parameters and results, each a count and value types
//              functions  list of text offsets of the defined ones, list of type indexes of all,
//                         list of those that escape
//              tables     count, each: limits, value type, init if kHasInit
//              memories   count, each: limits, log2 of the page size
//              globals    count, each: flags, value type; imported ones first
//              tags       count, each: type index
//              imports    count, each: text, text, kind, index
//              exports    count, each: text, kind, index; then a list: their order by name
//              globals'   init of each defined global
//              start      0, or function index + 1
//              elements   count, each: mode and flags, table, value type, [init], list or inits
//              data       count (see InfoWriter::LeavesOut), each: mode and flags, memory, [init], offset and count in .tidepool.data
//              tables'    count, each: ordinal, first, list: extents of table images
//              memories'  count, each: ordinal, offset / page, bytes / page; they lie in
//                         .tidepool.image one behind the other, in this order
#pragma once

#include <cstdint>

namespace tidepool::engine::info_format {

// Of limits, and of a table.
inline constexpr uint8_t kHasMax = 1;
inline constexpr uint8_t kAddress64 = 2;
inline constexpr uint8_t kShared = 4;
inline constexpr uint8_t kHasInit = 8;
// Of a global.
inline constexpr uint8_t kMutable = 1;
// Of a segment, above its mode.
inline constexpr uint8_t kModeMask = 3;
inline constexpr uint8_t kInImage = 4;
inline constexpr uint8_t kHasExpressions = 8;

}  // namespace tidepool::engine::info_format
