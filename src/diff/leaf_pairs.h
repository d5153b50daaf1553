// Partitions that both sides have alike.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "catalog/leaf_paths.h"
#include "plan/chunk.h"

namespace pghaul {

// Leaves of one path are a pair: the rows of one are to be found in the other, and nowhere else. So what is
// in the leaves of the source that have no partner is to be found in those of the target that have none. A
// value.
struct LeafPairs {
  std::map<std::uint32_t, ChunkMember> target_of;  // by the source's leaf
  std::vector<catalog::TableName> source_rest, target_rest;

  bool all() const { return !target_of.empty() && source_rest.empty() && target_rest.empty(); }
  // The range as the target knows it.
  ChunkRange on_target(ChunkRange range) const;
  // Equal texts mean the same pairs.
  std::string identity() const;
};

LeafPairs pair_leaves(const std::vector<catalog::LeafPath>& source,
                      const std::vector<catalog::LeafPath>& target);

}  // namespace pghaul
