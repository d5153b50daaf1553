#include "cli/progress_view.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/chrono.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/progress_bar.h"
#include "cli/show_report.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;

std::string utc_now() { return fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr))); }

bool stderr_is_terminal() {
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

}  // namespace

void ProgressView::findings(const std::vector<Finding>& found) { write(findings_text(found)); }

void ProgressView::tick_at(const PgCopyProgress& progress, TimePoint now) {
  pace_.add(progress, now);
  const bool new_phase = last_phase_ != pace_.phase();
  last_phase_ = pace_.phase();
  show(pace_, now, new_phase);
}

// The writer ends each line, so that they are log lines like any other.
void PlainView::findings(const std::vector<Finding>& found) {
  for (const auto& each : found) {
    const auto text = findings_text({each});
    write(std::string_view(text).substr(0, text.size() - 1));
  }
}

void PlainView::show(const PaceKeeper& pace, TimePoint now, bool new_phase) {
  const bool due = next_ && now >= *next_;
  if (new_phase || due) write(job_line(pace));
  if (due) next_ = now + 5s;
  if (!next_) next_ = now + 1s;
}

void JsonView::findings(const std::vector<Finding>& found) {
  if (!found.empty()) write(findings_json(found));
}

void JsonView::show(const PaceKeeper& pace, TimePoint now, bool new_phase) {
  if (!new_phase && next_ && now < *next_) return;
  next_ = now + 1s;
  write(json_line(pace, utc_now()) + "\n");
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::unique_ptr<CopyObserver> make_progress_view(ProgressStyle style) {
  if (style == ProgressStyle::automatic) style = stderr_is_terminal() ? ProgressStyle::bar : ProgressStyle::plain;
  switch (style) {
    case ProgressStyle::bar: return make_bar_view();
    case ProgressStyle::json: return std::make_unique<JsonView>(write_to_stderr);
    case ProgressStyle::none: return std::make_unique<SilentView>(write_to_stderr);
    case ProgressStyle::plain:
    case ProgressStyle::automatic: break;
  }
  return std::make_unique<PlainView>([](std::string_view text) { log_line(LogLevel::info, text); });
}

}  // namespace pghaul
