// A child process, started without a shell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  std::string stdin_file;                              // empty: /dev/null
  // Appended to, made if missing. Empty: ours; "/dev/null" to drop.
  std::string stdout_file, stderr_file;
  // Sent to the child when the thread that started it ends, however that comes about; 0: none. A child that changes
  // its user by itself loses it.
  int parent_death_signal = 0;
  bool new_session = false;                            // Ctrl-C on our terminal does not reach the child
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

// A file without a name that a child can write to or read from by its path. Threads: one at a time.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = {});
  ~MemoryFile();
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&&) = delete;

  // For ProcessOptions; only this process can open it.
  std::string path() const;
  std::string read_all() const;

 private:
  int fd_;
};

// Runs to the end; exit code as of Process::wait, output of both streams in `output`.
// Errors: as of Process, and failed when the child still runs at the deadline; it is killed then.
struct ProcessResult { int status; std::string output; };
ProcessResult run_process(ProcessOptions options, Deadline deadline);

}  // namespace pghaul
