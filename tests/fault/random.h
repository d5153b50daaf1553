// Everything that a run under faults draws comes from one number.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace pghaul::test {

// The same numbers everywhere for the same seed, which the distributions of <random> do not promise.
// Threads: one at a time.
class Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed), engine_(seed) {}

  // Both bounds are possible.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  template <typename Value>
  const Value& pick(const std::vector<Value>& values) {
    return values.at(static_cast<std::size_t>(between(0, static_cast<std::int64_t>(values.size()) - 1)));
  }
  // A stream of its own: what is drawn for one purpose does not move what is drawn for another.
  Random stream(std::string_view purpose) const { return Random(seed_ ^ hash(purpose)); }

  // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
  static std::uint64_t hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
  }

 private:
  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace pghaul::test
