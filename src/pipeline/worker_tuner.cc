#include "pipeline/worker_tuner.h"

#include <algorithm>

namespace pghaul {
namespace {

// New sessions are made, and the batches of before are still on their way: such an interval says nothing.
constexpr int intervals_to_settle = 1;
constexpr int intervals_to_judge = 2;
// Less is noise, or not worth a session.
constexpr double worthwhile = 1.05;
constexpr int first_rest = 8, longest_rest = 64;  // intervals
constexpr int intervals_to_remember = 4;
constexpr double nearly = 0.15, mostly = 0.5;  // shares of time

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds all) {
  return all.count() <= 0 ? 0 : static_cast<double>(part.count()) / static_cast<double>(all.count());
}

}  // namespace

WorkSample sample_of(const StageTimes& readers, const StageTimes& writers, double seconds) {
  const auto reading = readers.all() - readers.of(Activity::parked), writing = writers.all() - writers.of(Activity::parked);
  WorkSample sample;
  if (seconds > 0) {
    sample.read_rate = static_cast<double>(readers.sum.bytes) / seconds;
    sample.write_rate = static_cast<double>(writers.sum.bytes) / seconds;
  }
  sample.reading = share(reading - readers.of(Activity::no_room) - readers.of(Activity::no_chunk), reading);
  sample.writing = share(writing - writers.of(Activity::no_batch), writing);
  sample.held = share(readers.of(Activity::rate) + readers.of(Activity::sleep) + readers.of(Activity::retry), reading);
  return sample;
}

WorkerTuner::WorkerTuner(Workers first, Workers most)
    : stages_{Tuned{first.readers, most.readers}, Tuned{first.writers, most.writers}} {}

WorkerTuner::Workers WorkerTuner::next(const WorkSample& sample) {
  for (auto& stage : stages_) stage.rest = std::max(0, stage.rest - 1);
  if (trial_ > 0) judge(sample);
  else measure(sample);
  if (trial_ == 0 && measured_ >= intervals_to_judge) begin(sample);
  return workers();
}

void WorkerTuner::measure(const WorkSample& sample) {
  if (const bool by_reading = sample.reading >= sample.writing; by_reading != by_reading_) {
    by_reading_ = by_reading;
    measured_ = 0;
  }
  ++measured_;
  rate_ += (rate_of(sample) - rate_) / std::min(measured_, intervals_to_remember);
}

void WorkerTuner::judge(const WorkSample& sample) {
  const int counted = trial_++ - intervals_to_settle;  // before this one
  if (counted <= 0) return;
  trial_sum_ += rate_of(sample);
  if (counted < intervals_to_judge) return;
  const auto rate = trial_sum_ / intervals_to_judge;
  const bool pays = rate >= rate_ * worthwhile;
  for (auto& stage : stages_) {
    if (!stage.tried) continue;
    if (!pays) stage.now = stage.before;
    stage.patience = pays ? 0 : std::clamp(2 * stage.patience, first_rest, longest_rest);
    stage.rest = stage.patience;
    stage.tried = false;
  }
  // What comes after a vain trial is measured anew.
  rate_ = rate;
  measured_ = pays ? intervals_to_judge : 0;
  trial_ = 0;
}

// The stage that limits, and the other one, too, where it does nearly as much: either alone would bring nothing.
void WorkerTuner::begin(const WorkSample& sample) {
  if (sample.held >= mostly) return;
  const double busy[] = {sample.reading, sample.writing};
  const double most = std::max(sample.reading, sample.writing);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    auto& stage = stages_.at(i);
    if (busy[i] < most - nearly || stage.now == stage.most || stage.rest > 0) continue;
    stage.before = stage.now;
    stage.tried = true;
    stage.now = std::min(stage.most, 2 * stage.now);
    trial_ = 1;
  }
  trial_sum_ = 0;
}

}  // namespace pghaul
