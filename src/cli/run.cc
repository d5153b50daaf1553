#include "cli/run.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "cli/options.h"
#include "cli/progress_view.h"
#include "cli/settings.h"
#include "cli/show_report.h"
#include "cli/signals.h"
#include "pghaul/pg_copy.h"

namespace pghaul {
namespace {

// What a verb has to say in the end.
struct Outcome {
  int code = 0;
  std::string text;  // for standard output
  std::optional<Error> error;
};

void print_error(const Error& error, bool with_detail) {
  write_to_stderr(printable("pghaul: " + error.story(with_detail)) + "\n");
}

// A reader that has seen enough (`| head`) is no error.
int print(const std::string& text, int code) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || errno == EPIPE) return code;
  const auto error = Error(ErrorKind::failed, "cannot write to standard output")
                         .on(Side::local)
                         .with_errno(errno)
                         .safe(code == 0 ? "everything else was done; only the report of it is missing"
                                         : "only the report of what was done is missing")
                         .advise("make room or send it elsewhere; pghaul status tells what the ledger knows");
  print_error(error, false);
  return code == 0 ? exit_code(error.kind()) : code;
}

constexpr int differences_found = 1;
constexpr auto stop_check_interval = std::chrono::milliseconds(50);
constexpr auto finished_chunks = "every chunk finished before is kept with its mark in the ledger";

// A timeout that is typed, or of the environment, is for the whole command; one of the file is for each copy.
PgCopyOptions bounded(const NamedCopy& copy, Deadline::Clock::time_point start) {
  auto options = copy.options;
  const auto timeout = copy.settings.find("--timeout");
  if (timeout == copy.settings.end() || timeout->second.of_file) return options;
  const auto spent = std::chrono::duration_cast<Duration>(Deadline::Clock::now() - start);
  options.timeout = std::max(options.timeout - spent, Duration(1));
  return options;
}

// Whatever `work` throws, as an Error.
template <typename Work>
std::optional<Error> caught(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::failed, "out of memory").on(Side::local).safe(finished_chunks).advise("lower --readers or --batch-bytes");
  } catch (const std::exception& error) {
    return Error(ErrorKind::failed, fmt::format("internal error: {}", error.what()))
        .on(Side::local)
        .safe(finished_chunks)
        .advise("run the same command again (without --full); if it comes back, report it");
  }
  return std::nullopt;
}

const Error* pointer(const std::optional<Error>& error) { return error ? &*error : nullptr; }

// The same job that programs have, watched from here.
class WatchedCopy {
 public:
  WatchedCopy(const PgCopyOptions& options, CopyObserver& view) : job_(options, watch(view)) {}

  CopyReport wait(const StopSource& stop) {
    while (!job_.wait_for(stop_check_interval)) {
      if (stop.requested()) job_.stop_for_signal();
    }
    return job_.wait();
  }
  CopyReport report() const { return job_.report(); }
  bool left_behind() const { return job_.left_behind(); }

 private:
  static PgCopyWatch watch(CopyObserver& view) {
    PgCopyWatch watch;
    watch.findings = [&view](const std::vector<Finding>& found) { view.findings(found); };
    watch.progress = [&view](const PgCopyProgress& progress) { view.tick(progress); };
    watch.log = [](LogLevel level, const std::string& text) {
      const LogScope to_stderr{LogScope::Route()};
      log_line(level, text);
    };
    return watch;
  }

  PgCopyJob job_;
};

// What hangs where no stop reaches it must not outlast --timeout for ever. To end at once is safe: the target rolls back
// what is open.
[[noreturn]] void end_at_once(const Error& error) {
  print_error(error, false);
  std::_Exit(exit_code(error.kind()));
}

Outcome run_copy(const Invocation& invocation, const PgCopyOptions& options, StopSource& stop) {
  CopyReport report;
  Outcome outcome;
  {
    const auto view = make_progress_view(invocation.progress);
    std::optional<WatchedCopy> copy;
    outcome.error = caught([&] {
      copy.emplace(options, *view);
      report = copy->wait(stop);
    });
    if (copy && copy->left_behind()) end_at_once(*outcome.error);
    if (copy && outcome.error) report = copy->report();
  }
  const bool moved = !report.tables.empty();
  if (outcome.error) outcome.code = exit_code(outcome.error->kind());
  else if (!is_complete(report)) outcome.code = exit_code(ErrorKind::stopped);
  if (invocation.json) outcome.text = copy_json(moved ? &report : nullptr, pointer(outcome.error), outcome.code);
  else if (moved && outcome.code != exit_code(ErrorKind::refused)) outcome.text = copy_text(report);
  return outcome;
}

Outcome run_verify(const Invocation& invocation, const VerifyOptions& options, StopSource& stop) {
  VerifyReport report;
  Outcome outcome;
  {
    const auto view = make_progress_view(invocation.progress);
    outcome.error = caught([&] { report = verify(options, stop, *view, &report); });
  }
  if (outcome.error) outcome.code = exit_code(outcome.error->kind());
  else if (has_differences(report)) outcome.code = differences_found;
  const bool compared = !report.tables.empty() && outcome.code != exit_code(ErrorKind::refused);
  if (invocation.json) outcome.text = verify_json(compared ? &report : nullptr, pointer(outcome.error), outcome.code);
  else if (compared) outcome.text = verify_text(report);
  return outcome;
}

Outcome run_plan(const Invocation& invocation, const PgCopyOptions& options, StopSource& stop) {
  std::optional<PlanReport> report;
  Outcome outcome;
  outcome.error = caught([&] { report = plan(options, stop); });
  if (outcome.error) outcome.code = exit_code(outcome.error->kind());
  else if (has_errors(report->findings)) outcome.code = exit_code(ErrorKind::refused);
  const auto* const found = report ? &*report : nullptr;
  if (invocation.json) outcome.text = plan_json(found, pointer(outcome.error), outcome.code);
  else if (found != nullptr) outcome.text = plan_text(*found, invocation.verbose);
  return outcome;
}

Outcome run_named(const Invocation& invocation, const NamedCopy& copy, Deadline::Clock::time_point start,
                  StopSource& stop) {
  const auto options = bounded(copy, start);
  switch (invocation.verb) {
    case Verb::plan: return run_plan(invocation, options, stop);
    case Verb::verify: {
      auto all = copy.verify;
      all.copy = options;
      return run_verify(invocation, all, stop);
    }
    default: return run_copy(invocation, options, stop);
  }
}

// The copies of a file, one after the other. The first that does not end well is the last: what broke it, a server
// that is gone, say, would break the others too.
Outcome run_copies(const Invocation& invocation, StopSource& stop) {
  const bool named = !invocation.copies.front().name.empty();
  const auto start = Deadline::Clock::now();
  std::vector<NamedDocument> documents;
  Outcome all;
  for (const auto& copy : invocation.copies) {
    if (named) log_info("copy {}", copy.name);
    auto each = run_named(invocation, copy, start, stop);
    if (!named) return each;
    if (each.error) each.error->about(each.error->object().empty() ? "copy " + copy.name : each.error->object());
    documents.push_back({copy.name, each.text});
    all.code = std::max(all.code, each.code);
    all.error = each.error;
    if (all.code > differences_found) break;
  }
  all.text = invocation.json ? copies_json(documents, all.code) : copies_text(documents);
  return all;
}

Outcome run_status(const Invocation& invocation, StopSource& stop) {
  std::optional<StatusReport> report;
  Outcome outcome;
  outcome.error = caught([&] { report = status(invocation.status, stop); });
  if (outcome.error) outcome.code = exit_code(outcome.error->kind());
  const auto* const found = report ? &*report : nullptr;
  if (invocation.json) outcome.text = status_json(found, pointer(outcome.error), outcome.code);
  else if (found != nullptr) outcome.text = status_text(*found, invocation.verbose);
  return outcome;
}

Outcome run_demo(const Invocation& invocation, StopSource& stop) {
  Outcome outcome;
  auto options = invocation.demo;
  outcome.error = caught([&] {
    options.program = std::filesystem::read_symlink("/proc/self/exe");
    outcome.code = demo(options, stop);
  });
  if (outcome.error) outcome.code = exit_code(outcome.error->kind());
  return outcome;
}

Outcome run_verb(const Invocation& invocation, StopSource& stop) {
  switch (invocation.verb) {
    case Verb::status: return run_status(invocation, stop);
    case Verb::demo: return run_demo(invocation, stop);
    case Verb::config: return {0, invocation.json ? config_json(invocation) : config_text(invocation), {}};
    case Verb::copy:
    case Verb::plan:
    case Verb::verify:
    case Verb::none: break;
  }
  return run_copies(invocation, stop);
}

// Core dumps would hold passwords. The leak sanitizer cannot look into such a process.
void forbid_core_dumps() {
#ifndef __SANITIZE_ADDRESS__
  if (std::getenv("PGHAUL_ALLOW_CORE_DUMP") == nullptr) ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

std::size_t columns_of_stdout() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string failpoint_list() {
  std::string list;
  for (const auto name : failpoint_names()) list += fmt::format("{}\n", name);
  return list;
}

int finish(const Outcome& outcome, bool verbose) {
  const int code = outcome.text.empty() ? outcome.code : print(outcome.text, outcome.code);
  if (outcome.error) print_error(*outcome.error, verbose);
  return code;
}

int work(const Invocation& invocation) {
  if (invocation.help) return print(help_text(invocation.verb, columns_of_stdout()), 0);
  if (invocation.version) return print("pghaul " PGHAUL_VERSION "\n", 0);
  if (invocation.list_failpoints) return print(failpoint_list(), 0);
  if (invocation.verb != Verb::demo) forbid_core_dumps();  // the demo has no secrets, and its children read its files
  if (const char* const failpoints = std::getenv("PGHAUL_FAILPOINTS")) configure_failpoints(failpoints);
  set_log_level(invocation.verbose ? LogLevel::debug : LogLevel::info);
  StopSource stop;
  const StopSignals signals(stop);
  return finish(run_verb(invocation, stop), invocation.verbose);
}

}  // namespace

void open_closed_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) [[maybe_unused]] const int lowest = ::open("/dev/null", O_RDWR);
  }
}

int run(const std::vector<std::string>& arguments) noexcept {
  int code = 0;
  const auto environment = [](const char* name) { return std::getenv(name); };
  const auto error = caught([&] { code = work(parse_options(arguments, environment)); });
  if (!error) return code;
  // Options that could not be read, above all: whether JSON is wanted is seen all the same.
  code = exit_code(error->kind());
  const bool json = std::ranges::find(arguments, "--json") != arguments.end();
  return finish({code, json ? copy_json(nullptr, &*error, code) : "", error}, false);
}

}  // namespace pghaul
