#include "pipeline/worker_tuner.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pghaul {
namespace {

constexpr int intervals_of_a_glance = 2;
// New sessions are made, and the batches of before are still on their way: such intervals say nothing.
constexpr int intervals_to_settle = 4;
constexpr int intervals_to_judge = 8;
// Less is noise, or not worth a session.
constexpr double worthwhile = 1.05;
// So much more in each of several intervals needs no longer look, nor one before: a copy of seconds cannot wait for it.
constexpr double obvious = 1.5;
constexpr int intervals_to_believe = 3;
constexpr double unsteady = 0.15;  // what a glance says nothing about, as little as one block may come in an interval
constexpr int first_rest = 32, longest_rest = 256;  // intervals
constexpr int intervals_to_remember = 16;
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

void WorkerTuner::Seen::add(const WorkSample& sample) {
  samples = std::min(samples + 1, intervals_to_remember);
  const auto approach = [this](double& seen, double now) { seen += (now - seen) / samples; };
  approach(mean.read_rate, sample.read_rate);
  approach(mean.write_rate, sample.write_rate);
  approach(mean.reading, sample.reading);
  approach(mean.writing, sample.writing);
  approach(mean.held, sample.held);
}

WorkerTuner::Workers WorkerTuner::next(const WorkSample& sample) {
  // The interval in which the first bytes come is not full of them.
  if (!std::exchange(started_, started_ || sample.read_rate > 0)) return workers();
  for (auto& stage : stages_) stage.rest = std::max(0, stage.rest - 1);
  if (trial_ > 0) judge(sample);
  else seen_.add(sample);
  if (trial_ == 0 && seen_.samples >= (hasty_ ? intervals_of_a_glance : intervals_to_judge)) begin(sample);
  return workers();
}

void WorkerTuner::judge(const WorkSample& sample) {
  ++trial_;
  if (hasty_) return judge_hastily(sample);
  if (trial_ <= intervals_to_settle + 1) return;
  tried_.add(sample);
  if (tried_.samples == intervals_to_judge) end_trial(rate_of(tried_.mean) >= worthwhile * rate_of(seen_.mean));
}

void WorkerTuner::judge_hastily(const WorkSample& sample) {
  obvious_ = rate_of(sample) >= obvious * rate_of(seen_.mean) ? obvious_ + 1 : 0;
  if (obvious_ == intervals_to_believe) {
    tried_ = {sample, intervals_of_a_glance};  // the interval that is the least mixed with what was before
    end_trial(true);
  } else if (trial_ > intervals_to_judge) {
    hasty_ = false;
    close_trial(false);  // as if it had not been
  }
}

// What comes after a vain trial is measured anew.
void WorkerTuner::end_trial(bool pays) {
  for (auto& stage : stages_) {
    if (!stage.tried) continue;
    stage.patience = pays ? 0 : std::clamp(2 * stage.patience, first_rest, longest_rest);
    stage.rest = stage.patience;
  }
  seen_ = pays ? tried_ : Seen();
  close_trial(pays);
}

void WorkerTuner::close_trial(bool keep) {
  for (auto& stage : stages_) {
    if (std::exchange(stage.tried, false) && !keep) stage.now = stage.before;
  }
  trial_ = 0;
}

// The stage that limits, and the other one, too, where it does nearly as much: either alone would bring nothing.
void WorkerTuner::begin(const WorkSample& last) {
  const auto& seen = seen_.mean;
  by_reading_ = seen.reading >= seen.writing;
  if (seen.held >= mostly || rate_of(seen) <= 0) return;
  if (hasty_ && std::abs(rate_of(last) - rate_of(seen)) > unsteady * rate_of(seen)) {
    hasty_ = false;
    return;
  }
  const double busy[] = {seen.reading, seen.writing};
  const double most = std::max(seen.reading, seen.writing);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    auto& stage = stages_.at(i);
    if (busy[i] < most - nearly || stage.now == stage.most || stage.rest > 0) continue;
    stage.before = stage.now;
    stage.tried = true;
    stage.now = std::min(stage.most, 2 * stage.now);
    trial_ = 1;
  }
  tried_ = Seen();
  obvious_ = 0;
}

}  // namespace pghaul
