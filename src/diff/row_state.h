// Rows that the two sides do not have alike, and when that counts.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pghaul {

// Of a row's form, under two seeds.
struct RowHash {
  std::int64_t one = 0, two = 0;
  auto operator<=>(const RowHash&) const = default;
};

// A row on one side. Where there is no key the hash stands for it.
struct RowPrint {
  std::vector<std::string> key;
  RowHash hash;
};

// What the sides have under one key: ascending hashes, more than one where the key is not unique there.
struct RowState {
  std::vector<RowHash> source, target;
  bool equal() const { return source == target; }
  bool operator==(const RowState&) const = default;
};

using RowStates = std::map<std::vector<std::string>, RowState>;

// All keys of both sides. Those without a key go by their hash, as text.
RowStates row_states(std::vector<RowPrint> source, std::vector<RowPrint> target);

// Looks at unequal rows again, round by round. Live traffic makes rows unequal for a moment; a difference is
// one only if neither side has changed from one look to the next.
class Settling {
 public:
  // What the first look found; equal rows are passed over.
  void add(const RowStates& found);
  // A later look at all of open().
  void look_again(const RowStates& now);

  const RowStates& open() const { return open_; }  // not decided; after the last round: in motion
  // Gives up on what is open.
  RowStates take_open() { return std::exchange(open_, {}); }
  const RowStates& different() const { return different_; }  // confirmed

 private:
  RowStates open_, different_;
};

}  // namespace pghaul
