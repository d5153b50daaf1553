#include "base/subprocess.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

Error local_error(const std::string& message, int number) {
  return Error(ErrorKind::failed, message).on(Side::local).with_errno(number);
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void open(const std::string& path, int flags) {
    if (path.empty()) return;
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd_ < 0) throw local_error("cannot open the file", errno).about(path);
  }

 private:
  int fd_;
};

std::vector<std::string> merged_environment(const ProcessOptions& options) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    const bool replaced = std::ranges::any_of(options.environment, [&](const auto& own) { return own.first == name; });
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment) merged.push_back(fmt::format("{}={}", name, value));
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Everything the child needs, made before fork(): after it only async-signal-safe calls are allowed, as other threads
// of ours may have held any lock.
struct Launch {
  explicit Launch(const ProcessOptions& given)
      : options(given), arguments(given.argv), variables(merged_environment(given)), argv(pointers(arguments)),
        envp(pointers(variables)), parent(::getpid()) {
    in.open(given.stdin_file.empty() ? "/dev/null" : given.stdin_file, O_RDONLY);
    out.open(given.stdout_file, O_WRONLY | O_CREAT | O_APPEND);
    err.open(given.stderr_file, O_WRONLY | O_CREAT | O_APPEND);
  }

  const ProcessOptions& options;
  std::vector<std::string> arguments, variables;
  std::vector<char*> argv, envp;
  pid_t parent;
  Descriptor in, out, err;
};

bool put_in_place(int fd, int place) { return fd < 0 || ::dup2(fd, place) == place; }

void reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) ::signal(number, SIG_DFL);
}

// In the child. Returns only with the reason in errno.
const char* change_user(const ProcessOptions& options) {
  if (options.uid && ::setgroups(0, nullptr) != 0) return "setgroups";
  if (options.gid && ::setgid(*options.gid) != 0) return "setgid";
  if (options.uid && ::setuid(*options.uid) != 0) return "setuid";
  return nullptr;
}

const char* run_child(const Launch& launch) {
  const auto& options = launch.options;
  reset_signals();
  if (options.new_session && ::setsid() < 0) return "setsid";
  if (!put_in_place(launch.in.get(), 0) || !put_in_place(launch.out.get(), 1) || !put_in_place(launch.err.get(), 2)) {
    return "dup2";
  }
  if (const char* step = change_user(options)) return step;
  if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) return "chdir";
  // After setuid(), which clears it; and the parent may have died before.
  if (options.parent_death_signal != 0) {
    if (::prctl(PR_SET_PDEATHSIG, options.parent_death_signal) != 0) return "prctl";
    if (::getppid() != launch.parent) ::_exit(128 + SIGKILL);
  }
  ::execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  return "exec";
}

struct StartFailure {
  int number;
  char step[16];
};

[[noreturn]] void child_main(const Launch& launch, int report_fd) {
  StartFailure failure{};
  const char* const step = run_child(launch);
  failure.number = errno;
  std::strncpy(failure.step, step, sizeof failure.step - 1);
  [[maybe_unused]] const auto written = ::write(report_fd, &failure, sizeof failure);
  ::_exit(127);
}

void wait_for_exec(int report_fd, pid_t pid, const std::string& program) {
  StartFailure failure{};
  ssize_t got;
  do got = ::read(report_fd, &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof failure)) return;  // closed by exec
  ::waitpid(pid, nullptr, 0);
  throw local_error(fmt::format("cannot start the program ({})", failure.step), failure.number).about(program);
}

pid_t start(const ProcessOptions& options) {
  if (options.argv.empty()) throw Error(ErrorKind::failed, "no program to start").on(Side::local);
  const Launch launch(options);
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) throw local_error("cannot make a pipe", errno);
  Descriptor read_end(report[0]), write_end(report[1]);
  const pid_t pid = ::fork();
  if (pid < 0) throw local_error("cannot fork", errno).about(options.argv[0]);
  if (pid == 0) child_main(launch, write_end.get());
  write_end.close();
  wait_for_exec(read_end.get(), pid, options.argv[0]);
  return pid;
}

int exit_status(int raw) { return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw); }

}  // namespace

Process::Process(const ProcessOptions& options) : pid_(start(options)) {}

Process::~Process() {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

void Process::signal(int number) const {
  if (pid_ > 0 && !status_) ::kill(pid_, number);  // a reaped pid may belong to somebody else by now
}

std::optional<int> Process::wait(Deadline deadline) {
  auto pause = std::chrono::milliseconds(1);
  while (!status_) {
    int raw = 0;
    const auto pid = ::waitpid(pid_, &raw, deadline.is_never() ? 0 : WNOHANG);
    if (pid == pid_) {
      status_ = exit_status(raw);
    } else if (pid < 0 && errno != EINTR) {
      throw local_error("cannot wait for a child process", errno);
    } else if (deadline.expired()) {
      return std::nullopt;
    } else if (pid == 0) {
      std::this_thread::sleep_for(std::min<Deadline::Clock::duration>(pause, deadline.remaining()));
      pause = std::min(pause * 2, std::chrono::milliseconds(20));
    }
  }
  return status_;
}

MemoryFile::MemoryFile(std::string_view content) : fd_(::memfd_create("pghaul", MFD_CLOEXEC)) {
  if (fd_ < 0) throw local_error("cannot make a file in memory", errno);
  while (!content.empty()) {
    const auto written = ::write(fd_, content.data(), content.size());
    if (written < 0) throw local_error("cannot fill a file in memory", errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", fd_); }

std::string MemoryFile::read_all() const {
  std::string content;
  std::array<char, 65536> buffer;
  while (true) {
    const auto got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(content.size()));
    if (got < 0) throw local_error("cannot read a file in memory", errno);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

ProcessResult run_process(ProcessOptions options, Deadline deadline) {
  const MemoryFile output;
  options.stdout_file = options.stderr_file = output.path();
  Process process(options);
  const auto status = process.wait(deadline);
  if (!status) throw Error(ErrorKind::failed, "the program did not end in time").on(Side::local).about(options.argv[0]);
  return {*status, output.read_all()};
}

}  // namespace pghaul
