// Chooses how many readers and writers work, by what they wait for.
#pragma once

#include <array>

#include "pipeline/stages.h"

namespace pghaul {

// What a pipeline did in an interval.
struct WorkSample {
  double read_rate = 0, write_rate = 0;  // bytes per second
  // Share of their time in which readers and writers were not kept waiting by each other; and in which they were held, by
  // --max-rate, say, where more of them would be of no use.
  double reading = 0, writing = 0, held = 0;
};
WorkSample sample_of(const StageTimes& readers, const StageTimes& writers, double seconds);

// Adds workers to the stage that is less often kept waiting by the other one, looks for a while whether more bytes pass, and
// takes them back where that is not so. Pure: what it is told is all it knows. Threads: one.
class WorkerTuner {
 public:
  struct Workers {
    int readers, writers;
    bool operator==(const Workers&) const = default;
  };
  WorkerTuner(Workers first, Workers most);

  Workers workers() const { return {stages_[0].now, stages_[1].now}; }
  // Called once an interval, of some tenths of a second.
  Workers next(const WorkSample& sample);

 private:
  struct Tuned {
    int now, most;
    int before = 0;      // the trial that is on
    bool tried = false;  // by it
    int rest = 0;        // intervals in which no more are tried
    int patience = 0;    // the next rest, longer after each vain try
  };

  double rate_of(const WorkSample& sample) const { return by_reading_ ? sample.read_rate : sample.write_rate; }
  void measure(const WorkSample& sample);
  void judge(const WorkSample& sample);
  void begin(const WorkSample& sample);

  std::array<Tuned, 2> stages_;  // readers, writers
  int trial_ = 0;         // intervals of the one that is on; 0: none
  double trial_sum_ = 0;  // of the rates that count
  bool by_reading_ = true;  // rates are those of the stage that limits: the other one takes and gives whole batches at a time
  double rate_ = 0;         // bytes per second, smoothed, of the numbers before the trial
  int measured_ = 0;        // intervals that went into it
};

}  // namespace pghaul
