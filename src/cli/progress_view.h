// Watches a running copy on standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/options.h"
#include "cli/progress_lines.h"
#include "command/commands.h"

namespace pghaul {

using Writer = std::function<void(std::string_view)>;

// Common to all views: what is shown is decided by show(), which tests call with a time of their own.
// Threads: one, that of copy().
class ProgressView : public CopyObserver {
 public:
  using TimePoint = Deadline::Clock::time_point;
  explicit ProgressView(Writer write) : write_(std::move(write)) {}
  void findings(const std::vector<Finding>& found) override;
  void tick(const PgCopyProgress& progress) final { tick_at(progress, Deadline::Clock::now()); }
  void tick_at(const PgCopyProgress& progress, TimePoint now);
  void tick_at(const Progress& progress, TimePoint now) { tick_at(values_of(progress), now); }

 protected:
  // `new_phase`: since the last call; also true in the first.
  virtual void show(const PaceKeeper& pace, TimePoint now, bool new_phase) = 0;
  void write(std::string_view text) { write_(text); }

 private:
  Writer write_;
  PaceKeeper pace_;
  std::optional<Phase> last_phase_;
};

// Lines of text: each new phase, and what is done after one second and then every five. The writer ends the line.
class PlainView : public ProgressView {
 public:
  using ProgressView::ProgressView;
  void findings(const std::vector<Finding>& found) override;

 private:
  void show(const PaceKeeper& pace, TimePoint now, bool new_phase) override;
  std::optional<TimePoint> next_;
};

// JSON objects, one a line: each second and at each new phase.
class JsonView : public ProgressView {
 public:
  using ProgressView::ProgressView;
  void findings(const std::vector<Finding>& found) override;

 private:
  void show(const PaceKeeper& pace, TimePoint now, bool new_phase) override;
  std::optional<TimePoint> next_;
};

// Findings only.
class SilentView : public ProgressView {
 public:
  using ProgressView::ProgressView;

 private:
  void show(const PaceKeeper&, TimePoint, bool) override {}
};

// Writes all of it to standard error; what cannot be written is lost.
void write_to_stderr(std::string_view text);

// `automatic` is resolved by what standard error is. For a bar, log lines are made to go around it.
std::unique_ptr<CopyObserver> make_progress_view(ProgressStyle style);

}  // namespace pghaul
