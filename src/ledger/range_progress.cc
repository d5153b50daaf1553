#include "ledger/range_progress.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

Error unreadable() {
  return Error(ErrorKind::refused, "the record of progress is damaged")
      .on(Side::local)
      .safe("nothing was written")
      .advise("bring the record back from a backup, or call copy_table() with full = true");
}

template <typename... Words>
void take(std::istream& words, Words&... into) {
  if (!(words >> ... >> into)) throw unreadable();
}

}  // namespace

std::string encode_name(std::string_view name) {
  std::string text;
  for (const unsigned char c : name) {
    const bool plain = (c < 0x80 && std::isalnum(c) != 0) || c == '_' || (c == '.' && !text.empty());
    text += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return text.empty() ? "%" : text;
}

std::string copy_record(std::string_view from, std::string_view to, std::size_t id_column) {
  return fmt::format("copy 1 {} {} {}", id_column, encode_name(from), encode_name(to));
}
std::string generation_record(int number, bool clear_first) {
  return fmt::format("generation {} {:d}", number, clear_first);
}
std::string cleared_record() { return "cleared"; }
std::string round_record(std::uint64_t up_to, std::int64_t no, IdRange range) {
  return fmt::format("round {} {} {} {}", up_to, no, range.lower, range.upper);
}
std::string done_record(std::int64_t no) { return fmt::format("done {}", no); }

std::string split_record(std::int64_t parent, std::int64_t first, const std::vector<Chunk>& children) {
  auto text = fmt::format("split {} {} {:d}", parent, first, !children.back().refined);
  for (const auto& child : children) text += fmt::format(" {}", id_range(child).lower);
  return text + fmt::format(" {}", id_range(children.back()).upper);
}

void RangeProgress::add(std::int64_t no, IdRange range, bool coarse) {
  next_no_ = std::max(next_no_, no + 1);
  if (range.lower >= range.upper) return;
  auto chunk = id_chunk(range);
  chunk.no = no;
  chunk.refined = !coarse;
  pending_[no] = std::move(chunk);
}

void RangeProgress::apply_round(std::istream& words) {
  std::uint64_t up_to = 0;
  std::int64_t no = 0;
  IdRange range;
  take(words, up_to, no, range.lower, range.upper);
  if (no < next_no_) return;  // applied before
  up_to_ = up_to;
  add(no, range, true);
}

void RangeProgress::apply_split(std::istream& words) {
  std::int64_t parent = 0, no = 0;
  bool coarse = false;
  take(words, parent, no, coarse);
  std::vector<std::uint64_t> bounds;
  for (std::uint64_t bound = 0; words >> bound;) bounds.push_back(bound);
  if (bounds.size() < 2 || !words.eof()) throw unreadable();
  if (pending_.erase(parent) == 0) return;  // applied before
  split_[parent] = {no, no + static_cast<std::int64_t>(bounds.size()) - 1};
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    add(no++, {bounds[i], bounds[i + 1]}, coarse && i + 2 == bounds.size());
  }
}

std::vector<std::int64_t> RangeProgress::children_of(std::int64_t no) const {
  const auto found = split_.find(no);
  if (found == split_.end()) return {};
  std::vector<std::int64_t> numbers;
  for (auto child = found->second.first; child < found->second.end; ++child) numbers.push_back(child);
  return numbers;
}

// Numbers go on, so that no range of an earlier generation is taken for one of this.
void RangeProgress::begin_generation(int number, bool clear_first) {
  generation_ = number;
  clear_first_ = clear_first;
  up_to_ = 0;
  pending_.clear();
  split_.clear();
}

std::vector<std::string> RangeProgress::shortened() const {
  std::vector<std::string> records{copy_, generation_record(generation_, clear_first_),
                                   round_record(up_to_, next_no_ - 1, {})};
  for (const auto& [no, chunk] : pending_) {
    const auto range = id_range(chunk);
    records.push_back(fmt::format("range {} {} {} {:d}", no, range.lower, range.upper, !chunk.refined));
  }
  return records;
}

void RangeProgress::apply(const std::string& record) {
  std::istringstream words(record);
  std::string kind;
  std::int64_t no = 0;
  IdRange range;
  bool flag = false;
  take(words, kind);
  if (kind == "copy") {
    copy_ = record;
  } else if (kind == "generation") {
    take(words, no, flag);
    begin_generation(static_cast<int>(no), flag);
  } else if (kind == "cleared") {
    clear_first_ = false;
  } else if (kind == "round") {
    apply_round(words);
  } else if (kind == "split") {
    apply_split(words);
  } else if (kind == "done") {
    take(words, no);
    pending_.erase(no);
  } else if (kind == "range") {
    take(words, no, range.lower, range.upper, flag);
    add(no, range, flag);
  } else {
    throw unreadable();
  }
}

}  // namespace pghaul
