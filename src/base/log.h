// Log lines for people, on standard error.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace pghaul {

enum class LogLevel { debug, info, warning, error };

// Threads: any. Row values and secrets never go in. Control characters are shown as printable() does, and further lines
// are indented, so that no server can write a line of its own.
void log_line(LogLevel level, std::string_view text);
void set_log_level(LogLevel lowest);
// Called before and after each line, so that a progress bar can get out of the way. Set once, before threads start.
void set_log_hooks(void (*before)(), void (*after)());

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
