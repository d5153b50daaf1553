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
  // Called once an interval, of a tenth of a second.
  Workers next(const WorkSample& sample);

 private:
  struct Tuned {
    int now, most;
    int before = 0;      // the trial that is on
    bool tried = false;  // by it
    int rest = 0;        // intervals in which no more are tried
    int patience = 0;    // the next rest, longer after each vain try
  };
  // Mean of samples, of which the later ones count more.
  struct Seen {
    WorkSample mean;
    int samples = 0;
    void add(const WorkSample& sample);
  };

  // Of the stage that limited when the trial began: the other one takes and gives whole batches at a time.
  double rate_of(const WorkSample& sample) const { return by_reading_ ? sample.read_rate : sample.write_rate; }
  void judge(const WorkSample& sample);
  void judge_hastily(const WorkSample& sample);
  void end_trial(bool pays);
  void close_trial(bool keep);
  void begin(const WorkSample& last);

  std::array<Tuned, 2> stages_;  // readers, writers
  bool started_ = false;         // bytes pass
  bool hasty_ = true;            // trials begin after a glance, and it must be obvious that they pay; until one is not
  Seen seen_;                    // of the numbers before the trial
  // The trial that is on:
  int trial_ = 0;  // its intervals; 0: none
  Seen tried_;     // those that count
  bool by_reading_ = true;
  int obvious_ = 0;  // intervals in a row
};

}  // namespace pghaul
