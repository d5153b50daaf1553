#include "support/oracle.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "pghaul/error.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

// Start-up options; a space inside a value is escaped with a backslash.
constexpr auto kPinnedSettings =
    "-c search_path= -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=1 "
    "-c bytea_output=hex -c xmloption=content -c lc_monetary=C -c lc_numeric=C -c lc_time=C -c lc_messages=C "
    "-c row_security=off -c statement_timeout=0 -c default_transaction_isolation=repeatable\\ read";

std::string path_of(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(ErrorKind::failed, "cannot make a pipe").with_errno(errno);
  }
  ~Pipe() { close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  // Ours; the children keep theirs, and the reader meets the end when the writer is gone.
  void close() {
    for (int& fd : ends) {
      if (fd >= 0) ::close(fd);
      fd = -1;
    }
  }
  std::array<int, 2> ends{};
};

void expect_success(const ProgramResult& result, const std::string& program, const std::string& sql) {
  if (result.status == 0) return;
  throw Error(ErrorKind::failed, fmt::format("{} ended with {}: {}for: {}", program, result.status, result.err, sql));
}

}  // namespace

std::string table_digest(const std::string& conninfo, const std::string& select_sql) {
  Pipe pipe;
  auto psql_to_pipe = psql_options(conninfo);
  const auto sql = fmt::format("COPY ({}) TO STDOUT", select_sql);
  psql_to_pipe.argv.insert(psql_to_pipe.argv.end(), {"-c", sql});
  psql_to_pipe.environment.emplace_back("PGOPTIONS", kPinnedSettings);
  psql_to_pipe.stdout_file = path_of(pipe.ends[1]);
  const MemoryFile errors;
  psql_to_pipe.stderr_file = errors.path();
  Process psql(psql_to_pipe);

  ProcessOptions sha256sum;
  sha256sum.argv = {"sha256sum"};
  sha256sum.stdin_file = path_of(pipe.ends[0]);
  RunningProgram digest(sha256sum, "sha256sum");
  pipe.close();

  const auto digested = digest.finish(std::chrono::minutes(10));
  expect_success({psql.wait(Deadline::after(std::chrono::seconds(10))).value_or(-1), "", errors.read_all()}, "psql", sql);
  expect_success(digested, "sha256sum", sql);
  return digested.out.substr(0, 64);
}

}  // namespace pghaul::test
