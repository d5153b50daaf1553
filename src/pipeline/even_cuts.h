// How a range is cut once it was probed.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pghaul {

// Of the keys found at every step (`steps_per_batch` of them make a batch), those that cut the range into pieces of
// nearly the same size, none above a batch. `complete`: the range ends within a step after the last key; otherwise what
// lies behind it is one more piece, left for another look.
inline std::vector<std::string> even_cuts(const std::vector<std::string>& steps, std::size_t steps_per_batch,
                                          bool complete) {
  std::vector<std::string> cuts;
  const auto units = steps.size() + (complete ? 1 : 0);
  const auto pieces = (units + steps_per_batch - 1) / steps_per_batch;
  for (std::size_t piece = 1; piece < pieces + (complete ? 0 : 1); ++piece) {
    cuts.push_back(steps[piece * units / pieces - 1]);
  }
  return cuts;
}

}  // namespace pghaul
