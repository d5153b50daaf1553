#include "diff/leaf_pairs.h"

#include <fmt/format.h>

namespace pghaul {

ChunkRange LeafPairs::on_target(ChunkRange range) const {
  if (range.member) range.member = target_of.at(range.member->oid);
  return range;
}

std::string LeafPairs::identity() const {
  std::string text;
  for (const auto& [source, target] : target_of) text += fmt::format(" {}={}", source, target.oid);
  for (const auto& leaf : source_rest) text += " " + leaf.sql();
  text += " /";
  for (const auto& leaf : target_rest) text += " " + leaf.sql();
  return text;
}

LeafPairs pair_leaves(const std::vector<catalog::LeafPath>& source,
                      const std::vector<catalog::LeafPath>& target) {
  LeafPairs pairs;
  std::map<std::string, const catalog::LeafPath*> left;
  for (const auto& leaf : target) {
    if (leaf.path.empty())
      pairs.target_rest.push_back(leaf.name);
    else
      left.emplace(leaf.path, &leaf);
  }
  for (const auto& leaf : source) {
    const auto found = left.find(leaf.path);
    if (found == left.end()) {
      pairs.source_rest.push_back(leaf.name);
      continue;
    }
    pairs.target_of[leaf.oid] = {found->second->oid, found->second->name.display()};
    left.erase(found);
  }
  for (const auto& [path, leaf] : left) pairs.target_rest.push_back(leaf->name);
  return pairs;
}

}  // namespace pghaul
