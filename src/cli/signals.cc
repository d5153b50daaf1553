#include "cli/signals.h"

#include <atomic>
#include <cerrno>
#include <string_view>

#include <signal.h>
#include <unistd.h>

namespace pghaul {
namespace {

std::atomic<StopSource*> to_stop{nullptr};
std::atomic<int> received{0};
static_assert(std::atomic<StopSource*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

constexpr int kStopping[] = {SIGINT, SIGTERM, SIGHUP};

// Made beforehand: little may be called in a signal's handler.
constexpr std::string_view last_words =
    "pghaul: stopped at once, by a second signal\n"
    "  safe:   every finished chunk is kept with its mark in the ledger\n"
    "  next:   run the same command again (without --full): it continues where it stopped\n";

[[noreturn]] void quit_at_once() {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, last_words.data(), last_words.size());
  ::_exit(exit_code(ErrorKind::stopped));
}

extern "C" void on_stop_signal(int) {
  const int saved = errno;
  if (received.fetch_add(1) > 0) quit_at_once();
  if (auto* const stop = to_stop.load()) stop->request(StopReason::signal);
  errno = saved;
}

bool is_ignored(int number) {
  struct sigaction now{};
  return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void install(int number) {
  struct sigaction action{};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals(StopSource& stop) {
  to_stop = &stop;
  ::signal(SIGPIPE, SIG_IGN);
  for (const int number : kStopping) {
    if (number != SIGHUP || !is_ignored(number)) install(number);
  }
}

StopSignals::~StopSignals() { to_stop = nullptr; }

}  // namespace pghaul
