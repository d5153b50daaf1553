// What is computed from a running job's counters. Values and pure functions: the time comes from the caller.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "pghaul/deadline.h"
#include "pipeline/progress.h"

namespace pghaul {

// Counters of a table, or of all together, at one moment.
using Counts = PgTableProgress;
Counts total_of(const std::vector<Counts>& tables);

std::string_view phase_text(Phase phase);

// Of the whole generation, 0 to 1. Less than 1 as long as a chunk is pending, however wrong the estimate was.
double fraction_done(const Counts& counts);

// Bytes per second over the last ten seconds.
class RateWindow {
 public:
  using TimePoint = Deadline::Clock::time_point;
  void add(TimePoint now, std::int64_t bytes);
  // Nothing before a second has been watched.
  std::optional<double> per_second() const;

 private:
  struct Sample { TimePoint time; std::int64_t bytes; };
  std::deque<Sample> samples_;
};

// Nothing if it cannot be told: no rate, or more bytes than were expected and still chunks to do.
std::optional<Duration> time_left(const Counts& counts, std::optional<double> bytes_per_second);

// A table, or the job, as views show it.
struct Pace {
  Counts counts;
  std::optional<double> rate;
  std::optional<Duration> eta;
};

// The counters of a job as they change.
class PaceKeeper {
 public:
  void add(const PgCopyProgress& progress, RateWindow::TimePoint now);
  void add(const Progress& progress, RateWindow::TimePoint now) { add(values_of(progress), now); }
  const std::vector<Pace>& tables() const { return tables_; }
  const Pace& total() const { return total_; }
  Phase phase() const { return phase_; }
  // What limits right now; empty: unknown.
  const std::string& limit() const { return limit_; }
  // Since the first add().
  Duration elapsed() const { return elapsed_; }

 private:
  std::optional<RateWindow::TimePoint> started_;
  Duration elapsed_{0};
  Phase phase_ = Phase::preparing;
  std::string limit_;
  std::vector<RateWindow> windows_;
  RateWindow total_window_;
  std::vector<Pace> tables_;
  Pace total_;
};

}  // namespace pghaul
