// Whether both sides hold the same, judged by PostgreSQL's own COPY and coreutils' sha256sum, nothing of ours.
#pragma once

#include <array>
#include <string>

#include "base/stop.h"
#include "base/subprocess.h"
#include "command/demo_servers.h"

namespace pghaul::demonstration {

inline constexpr auto kDigestedCopy = "COPY (SELECT id, data FROM public.profiles ORDER BY id) TO STDOUT";

// Exit code, as of Process::wait. Errors: stopped; failed, if it runs longer than the demonstration may.
int wait_for(Process& process, const StopSource& stop);

// Two ends of a pipe that children open by their paths.
class Pipe {
 public:
  Pipe();
  ~Pipe() { close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string read_path() const;
  std::string write_path() const;
  // Ours; the children keep theirs, and the reader meets the end when the writer is gone.
  void close();

 private:
  std::array<int, 2> ends_{-1, -1};
};

// psql on one side, its output piped into sha256sum; both run from the construction on.
// Threads: one. The destructor ends them. Errors: failed, stopped.
class Digest {
 public:
  Digest(const std::string& psql, const Environment& environment);

  // SHA-256, in hexadecimal, of what kDigestedCopy prints.
  std::string finish(const StopSource& stop);

 private:
  Pipe pipe_;
  MemoryFile errors_, output_;
  Process psql_, sha256sum_;
};

}  // namespace pghaul::demonstration
