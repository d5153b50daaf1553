// The record of which ranges of ids are done, as lines of text.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/chunk.h"
#include "plan/id_range.h"

namespace pghaul {

// What a list of records says. A value. Records are applied in the order in which they were made; one that is applied
// twice changes nothing.
//   copy VERSION ID_COLUMN FROM TO       always the first; names as encode_name() writes them
//   generation NUMBER CLEAR              all before it is forgotten; CLEAR 1: the target is to be cleared first
//   cleared
//   round UP_TO NO LOWER UPPER           ids below UP_TO are planned from here on; a coarse range, if it is not empty
//   split NO FIRST COARSE BOUND BOUND…   ranges FIRST, FIRST + 1, … stand in for range NO; COARSE 1: the last is coarse
//   done NO
//   range NO LOWER UPPER COARSE          instead of all that made it, in a shortened list
class RangeProgress {
 public:
  // Errors: refused, when the record is none of the above.
  void apply(const std::string& record);
  // Records that say the same as all that were applied, but for what came before this generation.
  std::vector<std::string> shortened() const;

  const std::string& copy() const { return copy_; }
  int generation() const { return generation_; }
  bool clear_first() const { return clear_first_; }
  std::uint64_t up_to() const { return up_to_; }
  const std::map<std::int64_t, Chunk>& pending() const { return pending_; }
  // Numbers of the ranges that this process knows to stand in for it, done or not; none if it was not split.
  std::vector<std::int64_t> children_of(std::int64_t no) const;
  std::int64_t next_no() const { return next_no_; }

 private:
  void begin_generation(int number, bool clear_first);
  void add(std::int64_t no, IdRange range, bool coarse);
  void apply_round(std::istream& words);
  void apply_split(std::istream& words);

  std::string copy_;
  int generation_ = 0;
  bool clear_first_ = false;
  std::uint64_t up_to_ = 0;
  std::int64_t next_no_ = 1;
  std::map<std::int64_t, Chunk> pending_;
  struct Numbers {
    std::int64_t first = 0, end = 0;
  };
  std::map<std::int64_t, Numbers> split_;
};

// Letters, digits, '_' and '.' as they are, all else as %XX: a word, and a name for a file.
std::string encode_name(std::string_view name);

std::string copy_record(std::string_view from, std::string_view to, std::size_t id_column);
std::string generation_record(int number, bool clear_first);
std::string cleared_record();
std::string round_record(std::uint64_t up_to, std::int64_t no, IdRange range);
// Children in their order, each beginning where the one before it ends; only the last may be coarse.
std::string split_record(std::int64_t parent, std::int64_t first, const std::vector<Chunk>& children);
std::string done_record(std::int64_t no);

}  // namespace pghaul
