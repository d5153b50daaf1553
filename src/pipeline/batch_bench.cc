// The way of rows from a reader's hands into a writer's: into blocks, through the queue, out of them.
#include <benchmark/benchmark.h>

#include <thread>

#include "pipeline/batch_queue.h"

namespace pghaul {
namespace {

constexpr std::size_t batch_bytes = 8'000'000;

// Of a batch of 8 MB; the time is that of a row.
void fill_a_batch(benchmark::State& state) {
  const std::string row(static_cast<std::size_t>(state.range(0)), 'x');
  const auto rows = static_cast<std::int64_t>(batch_bytes / row.size());
  StopSource stop;
  BlockPool pool;
  const RetryPolicy policy;
  for (auto each : state) {
    BatchStream batch(std::make_shared<ChunkTask>(0, Chunk(), policy), batch_bytes + row.size(), pool, stop,
                      [] {});
    for (std::int64_t i = 0; i < rows; ++i) batch.write(row);
    batch.finish({});
    batch.rewind();
    for (std::string_view bytes; batch.next(bytes);) benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.SetBytesProcessed(state.iterations() * rows * state.range(0));
}
BENCHMARK(fill_a_batch)->Arg(50)->Arg(300)->Arg(10'000);

// One thread fills the queue, another one empties it; the time is that of a batch.
void pass_batches(benchmark::State& state) {
  StopSource stop;
  BlockPool pool;
  const RetryPolicy policy;
  BatchQueue queue(2, stop);
  const auto batch = std::make_shared<BatchStream>(std::make_shared<ChunkTask>(0, Chunk(), policy),
                                                   batch_bytes, pool, stop, [] {});
  std::jthread taker([&] {
    while (const auto taken = queue.pop()) benchmark::DoNotOptimize(taken.get());
  });
  for (auto each : state) queue.push(batch);
  queue.close();
}
BENCHMARK(pass_batches)->UseRealTime();

}  // namespace
}  // namespace pghaul
