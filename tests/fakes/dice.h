// Faults at random places, seeded.
#pragma once

#include <map>
#include <mutex>
#include <random>

#include "fakes/pipeline_run.h"

namespace pghaul::test {

// Each chunk meets no more faults than it may be tried again for; so a job has to succeed however they fall.
// Threads: safe. Their schedule is not seeded, so a seed repeats the kind of trouble and not its exact course.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  int roll(int from, int to) {
    const std::lock_guard lock(mutex_);
    return std::uniform_int_distribution(from, to)(random_);
  }

  // As a hook: throws now and then.
  void may_fail(std::string_view place, const Chunk& chunk) {
    const auto side = place.starts_with("source") ? Side::source : Side::target;
    const std::lock_guard lock(mutex_);
    const bool often_met = place == "source.row" || place == "sink.block";
    if (std::uniform_int_distribution(1, often_met ? 150 : 12)(random_) != 1) return;
    auto& left = budgets_[chunk.no];
    const int kind = std::uniform_int_distribution(1, 5)(random_);
    if (place.ends_with("connect") || kind <= 3) {
      if (left.losses-- > 0) throw count(lost_error(side));
      return;
    }
    if (left.transient-- <= 0) return;
    const bool query = place == "source.end" || place == "source.probe" || place == "sink.commit";
    throw count(query && kind == 4 ? timeout_error(side) : transient_error(side));
  }
  int faults() const {
    const std::lock_guard lock(mutex_);
    return faults_;
  }

 private:
  struct Budget {
    int transient = 3, losses = 6;
  };
  Error count(Error error) {
    ++faults_;
    return error;
  }

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::mt19937 random_;
  std::map<std::int64_t, Budget> budgets_;
  int faults_ = 0;
};

// A job of one to three tables with chunks and rows of all sizes; with open batches, coarse ranges, gaps.
inline void set_up_at_random(PipelineRun& run, Dice& dice) {
  run.options.readers = dice.roll(1, 8);
  run.options.writers = dice.roll(1, 8);
  run.options.queue_length = static_cast<std::size_t>(dice.roll(1, 4));
  run.plan.batch_bytes = dice.roll(0, 1) == 0 ? dice.roll(1, 300'000) : dice.roll(300'000, 2'000'000);
  for (int tables = dice.roll(1, 3); tables > 0; --tables) {
    std::vector<std::int64_t> keys;
    for (std::int64_t key = 0, rows = dice.roll(0, 150); rows > 0; --rows) keys.push_back(key += dice.roll(1, 3));
    const std::int64_t end = keys.empty() ? 1 : keys.back() + 1;
    const bool coarse = dice.roll(0, 2) == 0;
    auto chunks = coarse ? even_chunks(end, end) : even_chunks(end, dice.roll(5, 120));
    for (auto& chunk : chunks) chunk.refined = !coarse;
    const auto bytes = static_cast<std::size_t>(dice.roll(0, 1) == 0 ? 100 : dice.roll(10'000, 90'000));
    run.tables.emplace_back(keys, chunks).row_bytes = [bytes](std::int64_t key) {
      return key % 37 == 0 ? 10 * bytes : bytes;
    };
  }
}

}  // namespace pghaul::test
