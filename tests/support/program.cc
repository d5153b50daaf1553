#include "support/program.h"

#include <ostream>

#include <signal.h>

#include <gtest/gtest.h>

namespace pghaul::test {
namespace {

ProcessOptions redirected(ProcessOptions options, const MemoryFile& out, const MemoryFile& err) {
  options.stdout_file = out.path();
  options.stderr_file = err.path();
  return options;
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const ProgramResult& result) {
  return stream << "exit " << result.status << "\n--- stdout\n" << result.out << "--- stderr\n" << result.err << "---\n";
}

RunningProgram::RunningProgram(ProcessOptions options, std::string name)
    : name_(std::move(name)), process_(redirected(std::move(options), out_, err_)) {}

ProgramResult RunningProgram::finish(std::chrono::milliseconds timeout) {
  auto status = process_.wait(Deadline::after(timeout));
  if (!status) {
    ADD_FAILURE() << name_ << " still ran after " << timeout.count() << " ms\n" << ProgramResult{-1, out(), err()};
    process_.signal(SIGKILL);
    status = process_.wait(Deadline::never());
  }
  return {*status, out(), err()};
}

ProgramResult run_program(ProcessOptions options, std::chrono::milliseconds timeout) {
  const auto name = options.argv.at(0);
  return RunningProgram(std::move(options), name).finish(timeout);
}

RunningProgram start_pghaul(const Arguments& arguments, const Environment& environment) {
  ProcessOptions options;
  options.argv = {PGHAUL_BINARY};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.environment = environment;
  return RunningProgram(std::move(options), "pghaul " + (arguments.empty() ? "" : arguments.front()));
}

ProgramResult run_pghaul(const Arguments& arguments, const Environment& environment,
                         std::chrono::milliseconds timeout) {
  return start_pghaul(arguments, environment).finish(timeout);
}

}  // namespace pghaul::test
