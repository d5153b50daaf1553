#include "command/demo_digest.h"

#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>

namespace pghaul::demonstration {
namespace {

ProcessOptions psql_options(const std::string& psql, Environment environment) {
  ProcessOptions options;
  options.argv = {psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", kDigestedCopy};
  environment.emplace_back("PGCLIENTENCODING", "UTF8");
  environment.emplace_back("PGOPTIONS", "-c search_path= -c statement_timeout=0");
  options.environment = std::move(environment);
  options.new_session = true;  // Ctrl-C is for us
  options.parent_death_signal = SIGTERM;
  return options;
}

ProcessOptions writing_to(ProcessOptions options, const std::string& out, const MemoryFile& errors) {
  options.stdout_file = out;
  options.stderr_file = errors.path();
  return options;
}

ProcessOptions sha256sum_options(const Pipe& pipe) {
  ProcessOptions options;
  options.argv = {"sha256sum"};
  options.stdin_file = pipe.read_path();
  options.new_session = true;
  options.parent_death_signal = SIGTERM;
  return options;
}

}  // namespace

int wait_for(Process& process, const StopSource& stop) {
  const auto deadline = Deadline::after(std::chrono::hours(2));
  while (!deadline.expired()) {
    if (const auto status = process.wait(Deadline::after(std::chrono::milliseconds(100)))) return *status;
    stop.throw_if_requested();
  }
  throw Error(ErrorKind::failed, "a program of the demonstration does not end").on(Side::local);
}

Pipe::Pipe() {
  if (::pipe2(ends_.data(), O_CLOEXEC) == 0) return;
  throw Error(ErrorKind::failed, "cannot make a pipe").on(Side::local).with_errno(errno);
}

std::string Pipe::read_path() const { return fmt::format("/proc/self/fd/{}", ends_[0]); }
std::string Pipe::write_path() const { return fmt::format("/proc/self/fd/{}", ends_[1]); }

void Pipe::close() {
  for (int& fd : ends_) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
}

Digest::Digest(const std::string& psql, const Environment& environment)
    : psql_(writing_to(psql_options(psql, environment), pipe_.write_path(), errors_)),
      sha256sum_(writing_to(sha256sum_options(pipe_), output_.path(), errors_)) {
  pipe_.close();
}

std::string Digest::finish(const StopSource& stop) {
  const int digested = wait_for(sha256sum_, stop);
  const int printed = wait_for(psql_, stop);
  if (digested == 0 && printed == 0) return output_.read_all().substr(0, 64);
  throw Error(ErrorKind::failed,
              fmt::format("psql ended with {}, sha256sum with {}: {}", printed, digested, errors_.read_all()))
      .on(Side::local);
}

}  // namespace pghaul::demonstration
