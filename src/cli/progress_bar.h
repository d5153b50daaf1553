// Progress drawn in place on a terminal.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/progress_view.h"

namespace pghaul {

// At most five frames a second. The last one stays.
// Threads: hide() and redraw() from any thread, the rest from one.
class BarView : public ProgressView {
 public:
  BarView(Writer write, std::function<TerminalSize()> size)
      : ProgressView(std::move(write)), size_(std::move(size)) {}
  void findings(const std::vector<Finding>& found) override;

  // Around lines that others write.
  void hide();
  void redraw();

 private:
  void show(const PaceKeeper& pace, TimePoint now, bool new_phase) override;
  std::string erasing() const;
  std::string drawing() const;

  std::function<TerminalSize()> size_;
  std::optional<TimePoint> next_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::string> frame_;
  bool visible_ = false;
};

// On standard error, with log lines going around it. One at a time.
std::unique_ptr<BarView> make_bar_view();

}  // namespace pghaul
