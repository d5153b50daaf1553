#include "fault/watched_program.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <signal.h>

namespace pghaul::test {
namespace {

// Its highest resident memory; 0 if it has ended. What wait4() tells is of no use: it counts our own memory too, which
// the child shares before it becomes pghaul.
std::int64_t peak_memory(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const WatchedRun& run) {
  return stream << ProgramResult{run.status, run.out, run.err} << run.took.count() << " ms, "
                << run.peak_memory_bytes / 1'000'000 << " MB\n";
}

WatchedRun watch_pghaul(const Arguments& arguments, std::chrono::milliseconds limit,
                        const Environment& environment) {
  const auto begin = Deadline::Clock::now();
  const auto deadline = Deadline::after(limit);
  auto program = start_pghaul(arguments, environment);
  WatchedRun run;
  auto& process = program.process();
  std::optional<int> status;
  while (!(status = process.wait(Deadline::after(std::chrono::milliseconds(5)))) && !deadline.expired()) {
    run.peak_memory_bytes = std::max(run.peak_memory_bytes, peak_memory(process.pid()));
  }
  run.took = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - begin);
  run.status = status.value_or(-1);
  if (!status) process.signal(SIGKILL);
  process.wait(Deadline::never());
  run.out = program.out();
  run.err = program.err();
  return run;
}

}  // namespace pghaul::test
