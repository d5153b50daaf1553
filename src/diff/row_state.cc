#include "diff/row_state.h"

#include <algorithm>
#include <utility>

namespace pghaul {
namespace {

std::vector<std::string> key_of(RowPrint& row) {
  if (!row.key.empty()) return std::move(row.key);
  return {std::to_string(row.hash.one), std::to_string(row.hash.two)};
}

}  // namespace

RowStates row_states(std::vector<RowPrint> source, std::vector<RowPrint> target) {
  RowStates states;
  for (auto& row : source) states[key_of(row)].source.push_back(row.hash);
  for (auto& row : target) states[key_of(row)].target.push_back(row.hash);
  for (auto& [key, state] : states) {
    std::ranges::sort(state.source);
    std::ranges::sort(state.target);
  }
  return states;
}

void Settling::add(const RowStates& found) {
  for (const auto& [key, state] : found) {
    if (!state.equal()) open_.emplace(key, state);
  }
}

void Settling::look_again(const RowStates& now) {
  RowStates still_open;
  for (auto& [key, before] : open_) {
    const auto found = now.find(key);
    if (found == now.end() || found->second.equal()) continue;  // gone from both sides is equal, too
    (found->second == before ? different_ : still_open).emplace(key, found->second);
  }
  open_ = std::move(still_open);
}

}  // namespace pghaul
