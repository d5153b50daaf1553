// A pipeline over fake tables, ready to run.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "fakes/fake_sink.h"
#include "fakes/fake_source.h"
#include "pipeline/pipeline.h"

namespace pghaul::test {

inline Chunk key_chunk(std::optional<std::int64_t> lower, std::optional<std::int64_t> upper) {
  Chunk chunk;
  chunk.range.kind = ChunkKind::key;
  if (lower) chunk.range.lower = std::to_string(*lower);
  if (upper) chunk.range.upper = std::to_string(*upper);
  chunk.refined = true;
  return chunk;
}

// Chunks of `width` keys that cover 0…keys-1, open at both ends.
inline std::vector<Chunk> even_chunks(std::int64_t keys, std::int64_t width) {
  std::vector<Chunk> chunks;
  for (std::int64_t lower = 0; lower < keys; lower += width) {
    chunks.push_back(key_chunk(lower == 0 ? std::nullopt : std::optional(lower),
                               lower + width >= keys ? std::nullopt : std::optional(lower + width)));
    chunks.back().estimated_rows = width;
  }
  return chunks;
}

inline std::vector<std::int64_t> keys_below(std::int64_t end) {
  std::vector<std::int64_t> keys(static_cast<std::size_t>(end));
  for (std::int64_t key = 0; key < end; ++key) keys[static_cast<std::size_t>(key)] = key;
  return keys;
}

// Tables, and what the next run() does with them. run() may be called again: it takes up what is pending.
struct PipelineRun {
  PipelineRun() {
    set_log_level(LogLevel::error);  // retries are what these tests are about
    options.retry.first_pause = options.retry.longest_pause = Duration(1);
    plan.batch_bytes = 100'000;
  }

  FakeTable& add_table(std::int64_t keys, std::int64_t width) {
    return tables.emplace_back(keys_below(keys), even_chunks(keys, width));
  }

  bool run() {
    progress = std::make_unique<std::deque<TableProgress>>();
    std::vector<PipelineTable> pipeline_tables;
    for (auto& table : tables) {
      auto& entry = pipeline_tables.emplace_back();
      entry.ledger = &table;
      entry.progress = &progress->emplace_back();
      entry.name = "public.t" + std::to_string(pipeline_tables.size());
      entry.key_column = "id";
      entry.plan = plan;
      entry.bytes = static_cast<std::int64_t>(table.source_keys().size()) * 100;
      entry.rows = static_cast<double>(table.source_keys().size());
      entry.highest = table.source_keys().empty() ? 0 : table.source_keys().back();
      entry.chunks = table.pending_chunks();
      if (all_done) entry.all_done = [this, i = pipeline_tables.size() - 1] { all_done(i); };
    }
    Pipeline pipeline(options, pipeline_tables, *stop);
    return pipeline.run([&](int) { return std::make_unique<FakeSource>(tables, hook); },
                        [&](int) { return std::make_unique<FakeSink>(tables, hook); }, tick);
  }
  void renew_stop() { stop = std::make_unique<StopSource>(); }

  std::deque<FakeTable> tables;
  PipelineOptions options;
  PlanOptions plan;
  Hook hook = [](std::string_view, const Chunk&) {};
  std::function<void()> tick = [] {};
  std::function<void(std::size_t table)> all_done = {};
  std::unique_ptr<StopSource> stop = std::make_unique<StopSource>();
  std::unique_ptr<std::deque<TableProgress>> progress;
};

}  // namespace pghaul::test
