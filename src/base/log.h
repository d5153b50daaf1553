// Log lines for people, on standard error or where a job wants them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "pghaul/log_level.h"

namespace pghaul {

// Threads: any. Row values and secrets never go in. Control characters are shown as printable() does, and further lines
// are indented, so that no server can write a line of its own.
void log_line(LogLevel level, std::string_view text);
void set_log_level(LogLevel lowest);
// Called before and after each line, so that a progress bar can get out of the way. Set once, before threads start.
void set_log_hooks(void (*before)(), void (*after)());

// Takes what a job logs, made printable. Threads: called from all of the job's, one at a time.
class LogTarget {
 public:
  explicit LogTarget(std::function<void(LogLevel, const std::string&)> take) : take_(std::move(take)) {}
  void line(LogLevel level, const std::string& text);

 private:
  std::mutex mutex_;
  const std::function<void(LogLevel, const std::string&)> take_;  // may be null: silence
};

// While it lives, what this thread logs goes to `target`, or nowhere if that is null. A job that starts a thread of its
// own hands its log on: `[log = LogScope::of_this_thread()] { const LogScope scope(log); … }`.
class LogScope {
 public:
  struct Route {
    bool to_target = false;  // otherwise standard error
    std::shared_ptr<LogTarget> target;
  };
  static Route of_this_thread();

  explicit LogScope(std::shared_ptr<LogTarget> target) : LogScope(Route{true, std::move(target)}) {}
  explicit LogScope(Route route);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  Route before_;
};

template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}

// Control characters (but for \n and \t) replaced by \xNN, so that a server's text cannot drive the terminal.
std::string printable(std::string_view text);

}  // namespace pghaul
