#include "base/log.h"

#include <atomic>
#include <mutex>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace pghaul {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: break;
  }
  return spdlog::level::err;
}

// Never destroyed: threads may still log while the program exits.
spdlog::logger& logger() {
  static auto* const instance = [] {
    auto* made = new spdlog::logger("pghaul", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%H:%M:%S %^%l%$: %v");
    return made;
  }();
  return *instance;
}

// A line end in a server's text or in a name must not begin a line that looks like one of ours.
std::string printable_lines(std::string_view text) {
  auto shown = printable(text);
  for (auto end = shown.find('\n'); end != std::string::npos; end = shown.find('\n', end + 1)) shown.insert(end + 1, 4, ' ');
  return shown;
}

LogScope::Route& route() {
  static thread_local LogScope::Route of_thread;
  return of_thread;
}

void (*before_line)() = nullptr;
void (*after_line)() = nullptr;

}  // namespace

void log_line(LogLevel level, std::string_view text) {
  if (const auto target = route(); target.to_target) {
    if (target.target) target.target->line(level, printable(text));
    return;
  }
  if (!logger().should_log(to_spdlog(level))) return;
  // Hooks and line are one step, or a second thread's line would meet a progress bar just drawn again.
  static std::mutex line_mutex;
  const std::scoped_lock lock(line_mutex);
  if (before_line != nullptr) before_line();
  const auto shown = printable_lines(text);
  logger().log(to_spdlog(level), spdlog::string_view_t(shown.data(), shown.size()));
  if (after_line != nullptr) after_line();
}

void LogTarget::line(LogLevel level, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const LogScope silence(nullptr);  // what the target logs itself would come back here
  if (take_) take_(level, text);
}

LogScope::Route LogScope::of_this_thread() { return route(); }
LogScope::LogScope(Route to) : before_(std::exchange(route(), std::move(to))) {}
LogScope::~LogScope() { route() = std::move(before_); }

void set_log_level(LogLevel lowest) { logger().set_level(to_spdlog(lowest)); }

void set_log_hooks(void (*before)(), void (*after)()) {
  before_line = before;
  after_line = after;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool after_c2 = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool c0 = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
    const bool c1 = after_c2 && byte >= 0x80 && byte <= 0x9f;  // U+0080 to U+009F: 8-bit escape sequences
    if (c1) result.replace(result.size() - 1, 1, "\\xc2");
    if (c0 || c1) result += fmt::format("\\x{:02x}", byte);
    else result += c;
    after_c2 = byte == 0xc2;
  }
  return result;
}

}  // namespace pghaul
