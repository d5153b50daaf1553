// What a reader does with each row besides handing it on: finds it in its frame, and hashes it.
#include <benchmark/benchmark.h>

#include "base/checksum.h"
#include "source/row_counter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pghaul {
namespace {

void count_and_hash(benchmark::State& state) {
  const std::string row(static_cast<std::size_t>(state.range(0)), 'x');
  RowCounter counter(true);
  RowChecksum checksum;
  for (auto each : state) {
    const auto found = counter.row_of(row);
    const auto hash = XXH3_128bits(found.data(), found.size());
    checksum.add(hash.low64, hash.high64);
    benchmark::DoNotOptimize(checksum);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(count_and_hash)->Arg(50)->Arg(300)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace pghaul
