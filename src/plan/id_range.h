// Ranges of ids of 64 bits without a sign, which a user's Database has.
#pragma once

#include <cstdint>
#include <string>

#include "plan/chunk.h"

namespace pghaul {

struct IdRange {
  std::uint64_t lower = 0, upper = 0;
};

// A chunk of ids lower <= id < upper.
Chunk id_chunk(const IdRange& range);
// Errors: failed, if the chunk is not one of id_chunk()'s.
IdRange id_range(const Chunk& chunk);

}  // namespace pghaul
