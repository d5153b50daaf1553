// Where the time of a pipeline's threads goes.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "base/activity.h"
#include "pghaul/pg_copy_report.h"

namespace pghaul {

enum class Stage { reading, writing };

// What all threads of a stage did together. A value.
struct StageTimes {
  int threads = 0;
  ActivityClock::Reading sum;

  std::chrono::nanoseconds of(Activity activity) const {
    return sum.times[static_cast<std::size_t>(activity)];
  }
  std::chrono::nanoseconds all() const;
  // What came after `before`.
  StageTimes since(const StageTimes& before) const;
};

// The clocks of all threads, over all pipelines of a job. Threads: safe.
class Stages {
 public:
  // Lives as long as this; the same one for the same thread of the next pipeline.
  ActivityClock& clock(Stage stage, std::size_t thread);
  StageTimes times(Stage stage) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<Stage, std::size_t>, ActivityClock>
      clocks_;  // guarded by mutex_; nodes stay where they are
};

StageReport report_of(Stage stage, const StageTimes& times);

}  // namespace pghaul
