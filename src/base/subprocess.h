// A child process, started without a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "pghaul/deadline.h"

namespace pghaul {

struct ProcessOptions {
  std::vector<std::string> argv;                       // argv[0] is searched in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::optional<uid_t> uid;                            // run as this user (and gid); needs root
  std::optional<gid_t> gid;
  std::string working_directory;                       // empty: ours
  std::string stdout_file, stderr_file;                // empty: ours; "/dev/null" to drop; equal names share the file
};

// Threads: one at a time. The destructor kills (SIGKILL) and reaps a child that still runs.
// Errors: failed, with errno, when the program cannot be started.
class Process {
 public:
  explicit Process(const ProcessOptions& options);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Exit code, or 128 + signal number; nothing if it still runs at the deadline.
  std::optional<int> wait(Deadline deadline);

 private:
  pid_t pid_;
  std::optional<int> status_;
};

// Runs to the end; exit code as of Process::wait, output of both streams in `output`.
struct ProcessResult { int status; std::string output; };
ProcessResult run_process(ProcessOptions options, Deadline deadline);

}  // namespace pghaul
