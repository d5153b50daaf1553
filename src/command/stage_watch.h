// Counts where the time of a job's readers and writers goes, and tells what limits.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "pipeline/limit.h"
#include "pipeline/stages.h"

namespace pghaul {

// Threads: those of the pipeline count in stages(); the rest is for one.
class StageWatch {
 public:
  // Not `on`: counts and asks nothing.
  explicit StageWatch(bool on);

  // Null if not on.
  Stages* stages() const { return stages_.get(); }

  // Several times a second while rows move: now and then asks both servers what the job's sessions do. One
  // that cannot say so is not asked again.
  void look(pg::Connection& source, pg::Connection& target);

  std::vector<StageReport> report() const;
  LimitReport limit() const;
  // LimitReport::by of the last seconds.
  std::string recent_limit() const;

 private:
  struct Moment {
    Deadline::Clock::time_point time;
    StageTimes readers, writers;
    SessionLooks source, target;
  };
  struct Looks {
    bool possible = true;
    SessionLooks seen;
  };
  static void look_at(pg::Connection& server, const char* roles, Looks& looks);
  Moment now() const;

  const std::unique_ptr<Stages> stages_;
  Deadline::Clock::time_point next_look_;
  Looks source_, target_;
  std::deque<Moment> moments_;  // of the last seconds
};

}  // namespace pghaul
