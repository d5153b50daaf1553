#include "cli/progress_bar.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/text.h"

namespace pghaul {
namespace {

constexpr auto kFrameTime = std::chrono::milliseconds(200);

TerminalSize stderr_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

// The log's hooks are set once and stay; threads that outlive the view find it gone.
std::mutex shown_mutex;
BarView* shown = nullptr;  // guarded by shown_mutex

void hide_shown() {
  const std::scoped_lock lock(shown_mutex);
  if (shown != nullptr) shown->hide();
}
void redraw_shown() {
  const std::scoped_lock lock(shown_mutex);
  if (shown != nullptr) shown->redraw();
}

class LoggedBarView : public BarView {
 public:
  LoggedBarView() : BarView(write_to_stderr, stderr_size) {
    const std::scoped_lock lock(shown_mutex);
    shown = this;
  }
  ~LoggedBarView() override {
    const std::scoped_lock lock(shown_mutex);
    shown = nullptr;
  }
};

}  // namespace

// A terminal that became narrower has wrapped the lines.
std::string BarView::erasing() const {
  if (!visible_) return "";
  const auto columns = std::max<std::size_t>(size_().columns, 1);
  std::size_t rows = 0;
  for (const auto& line : frame_) rows += std::max<std::size_t>(1, (columns_of(line) + columns - 1) / columns);
  return fmt::format("\r\x1b[{}A\x1b[J", rows);
}

std::string BarView::drawing() const {
  std::string text;
  for (const auto& line : frame_) text += line + "\n";
  return text;
}

void BarView::findings(const std::vector<Finding>& found) {
  hide();
  ProgressView::findings(found);
  redraw();
}

void BarView::hide() {
  const std::scoped_lock lock(mutex_);
  if (visible_) write(erasing());
  visible_ = false;
}

void BarView::redraw() {
  const std::scoped_lock lock(mutex_);
  if (visible_ || frame_.empty()) return;
  write(drawing());
  visible_ = true;
}

void BarView::show(const PaceKeeper& pace, TimePoint now, bool new_phase) {
  if (!new_phase && next_ && now < *next_) return;
  next_ = now + kFrameTime;
  const std::scoped_lock lock(mutex_);
  auto text = erasing();
  frame_ = bar_frame(pace, size_());
  write(text + drawing());
  visible_ = true;
}

std::unique_ptr<BarView> make_bar_view() {
  set_log_hooks(hide_shown, redraw_shown);
  return std::make_unique<LoggedBarView>();
}

}  // namespace pghaul
