// Runs programs, above all the built pghaul, and catches what they say.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "base/subprocess.h"

namespace pghaul::test {

using Arguments = std::vector<std::string>;
using Environment = std::vector<std::pair<std::string, std::string>>;

struct ProgramResult {
  int status = -1;  // exit code, or 128 + signal number
  std::string out, err;
};
// For failed expectations: `EXPECT_EQ(result.status, 0) << result;`
std::ostream& operator<<(std::ostream& stream, const ProgramResult& result);

// A program in the background; killed when this is destroyed.
class RunningProgram {
 public:
  RunningProgram(ProcessOptions options, std::string name);

  Process& process() { return process_; }
  // What it has said so far.
  std::string out() const { return out_.read_all(); }
  std::string err() const { return err_.read_all(); }
  // Waits for its end. One that is still running after `timeout` is killed, and the test has failed.
  ProgramResult finish(std::chrono::milliseconds timeout = std::chrono::seconds(60));

 private:
  std::string name_;
  MemoryFile out_, err_;
  Process process_;
};

ProgramResult run_program(ProcessOptions options, std::chrono::milliseconds timeout = std::chrono::seconds(60));

// pghaul with these arguments; `environment` is added to ours.
RunningProgram start_pghaul(const Arguments& arguments, const Environment& environment = {});
ProgramResult run_pghaul(const Arguments& arguments, const Environment& environment = {},
                         std::chrono::milliseconds timeout = std::chrono::seconds(60));

}  // namespace pghaul::test
