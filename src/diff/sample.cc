#include "diff/sample.h"

namespace pghaul {
namespace {

// SplitMix64's last step: each bit of the result depends on each of the number.
std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

}  // namespace

bool Sample::choose(const Chunk& chunk) {
  std::int64_t none = 0;
  first_.compare_exchange_strong(none, chunk.no);
  const bool chosen = takes(chunk);
  if (!chosen) ++passed_over_;
  return chosen;
}

bool Sample::takes(const Chunk& chunk) const {
  if (!percent_ || chunk.no == first_) return true;
  const auto dice = mixed(seed_ + 0x9e3779b97f4a7c15U * static_cast<std::uint64_t>(chunk.no));
  return static_cast<double>(dice >> 11) < *percent_ / 100 * static_cast<double>(std::uint64_t{1} << 53);
}

}  // namespace pghaul
