#include "tests/spec/skip_list.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "engine/platform/files.h"
#include "engine/support/status_macros.h"

namespace tidepool::spec {

absl::StatusOr<SkipList> SkipList::Read(const std::string& path) {
  constexpr uint64_t kBytesMax = 1 << 20;
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, ReadFile(path, kBytesMax));
  const absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  SkipList list;
  for (const absl::string_view row : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> cells = absl::StrSplit(row, '\t');
    if (cells[0] == "file") continue;  // The heading.
    int64_t line = 0;
    if (cells.size() < 2 || !absl::SimpleAtoi(cells[1], &line)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": \"", row, "\" has no line number"));
    }
    list.rows_.emplace_back(std::string(cells[0]), line);
  }
  return list;
}

std::set<int64_t> SkipList::LinesOf(const std::string& path) const {
  std::set<int64_t> lines;
  for (const auto& [file, line] : rows_) {
    if (path == file || absl::EndsWith(path, "/" + file)) lines.insert(line);
  }
  return lines;
}

}  // namespace tidepool::spec
