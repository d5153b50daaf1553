// What a job holds in memory, measured at the heap itself.
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "fakes/pipeline_run.h"

namespace {

std::atomic<std::int64_t> live{0}, peak{0};

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const auto now = live += static_cast<std::int64_t>(malloc_usable_size(memory));
  for (auto before = peak.load(); before < now && !peak.compare_exchange_weak(before, now);) continue;
  return memory;
}

// The compiler sees free() of what operator new gave, but not that this file replaces that operator.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void release(void* memory) {
  live -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(std::malloc(bytes)); }
// std::stable_sort takes its buffer by this one, and gives it back by the usual one.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  auto* const memory = std::malloc(bytes);
  return memory == nullptr ? nullptr : counted(memory);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }

namespace pghaul::test {
namespace {

// Takes the bytes and keeps none.
class SlowSink : public Sink {
 public:
  SlowSink(FakeTable& table, std::atomic<int>& faults) : table_(table), faults_(faults) {}
  void connect() override {}
  WriteResult write(std::size_t, const Chunk&, const Mark& mark, Batch& batch) override {
    const auto outcome = table_.begin(mark);
    if (outcome != MarkOutcome::written) return {outcome, 0};
    std::string_view bytes;
    int blocks = 0;
    while (batch.next(bytes)) {
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      if (++blocks != 3 || --faults_ < 0) continue;
      table_.roll_back(mark);
      throw lost_error(Side::target);
    }
    table_.commit(mark, {});
    return {};
  }

 private:
  FakeTable& table_;
  std::atomic<int>& faults_;
};

struct Shape {
  int readers, writers;
  std::size_t queue, limit, row_bytes;
  std::int64_t rows, chunk_rows;
};

void expect_bounded(const Shape& shape) {
  PipelineRun run;
  run.plan.batch_bytes = static_cast<std::int64_t>(shape.limit);
  auto& table = run.add_table(shape.rows, shape.chunk_rows);
  table.row_bytes = [&](std::int64_t) { return shape.row_bytes; };
  run.options.readers = shape.readers;
  run.options.writers = shape.writers;
  run.options.queue_length = shape.queue;
  std::atomic<int> faults{6};
  std::deque<TableProgress> progress(1);
  std::vector<PipelineTable> tables(1);
  tables[0].ledger = &table;
  tables[0].progress = &progress[0];
  tables[0].plan = run.plan;
  tables[0].chunks = table.pending_chunks();
  const auto before = live.load();
  peak = before;
  Pipeline pipeline(run.options, tables, *run.stop);
  EXPECT_TRUE(pipeline.run([&](int) { return std::make_unique<FakeSource>(run.tables, run.hook); },
                           [&](int) { return std::make_unique<SlowSink>(table, faults); }, [] {}));

  const auto holders = static_cast<std::int64_t>(shape.readers + shape.writers) + static_cast<std::int64_t>(shape.queue);
  const auto limit = static_cast<std::int64_t>(shape.limit);
  // Each holds a block that it fills or empties beside its batch, and the fake reader a row; the rest is small change.
  const auto rows = shape.readers * 2 * static_cast<std::int64_t>(shape.row_bytes);
  const auto block = static_cast<std::int64_t>(BlockPool::block_bytes);
  const auto bound = holders * (limit + 2 * block) + rows + 1'000'000;
  EXPECT_LE(peak - before, bound);
  EXPECT_GE(peak - before, limit) << "nothing was measured";
  EXPECT_EQ(table.count("pending"), 0);
}

TEST(Memory, ChunksOfABatch) { expect_bounded({4, 2, 2, 2'000'000, 1000, 60'000, 1900}); }
// One chunk of 120 MB.
TEST(Memory, OpenBatches) { expect_bounded({1, 1, 1, 2'000'000, 1000, 120'000, 120'000}); }
TEST(Memory, ManyOpenBatches) { expect_bounded({4, 4, 2, 1'000'000, 10'000, 12'000, 1500}); }
TEST(Memory, MoreReadersThanWriters) { expect_bounded({8, 1, 2, 1'000'000, 10'000, 12'000, 400}); }
TEST(Memory, SmallBatches) { expect_bounded({4, 4, 4, 300'000, 100, 200'000, 2500}); }
TEST(Memory, RowsLargerThanABatch) { expect_bounded({2, 2, 2, 2'000'000, 20'000'000, 12, 1}); }
TEST(Memory, RowsLargerThanABlock) { expect_bounded({2, 2, 2, 4'000'000, 700'000, 150, 50}); }

}  // namespace
}  // namespace pghaul::test
