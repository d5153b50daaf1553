// The built program, without servers.
#include <fstream>
#include <iterator>
#include <sstream>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "support/program.h"

namespace pghaul::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Takes connections and never answers.
class SilentServer {
 public:
  SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(fd_); }
  bool has_client() const {
    pollfd waiting{fd_, POLLIN, 0};
    return ::poll(&waiting, 1, 20'000) == 1;
  }
  std::string conninfo() const {
    return fmt::format("host=127.0.0.1 port={} user=u dbname=d password=hunter2", port_);
  }

 private:
  int fd_;
  int port_ = 0;
};

std::string command_line(const Process& process) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", process.pid()));
  return {std::istreambuf_iterator<char>(file), {}};
}

const Environment quiet{{"PGHAUL_SOURCE", ""}, {"PGHAUL_TARGET", ""}};

TEST(Program, TellsItsVersionFailpointsAndHelp) {
  EXPECT_THAT(run_pghaul({"--version"}).out, testing::MatchesRegex("pghaul [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(run_pghaul({"--list-failpoints"}).out, HasSubstr("\nchunk.before_commit\n"));
  const auto help = run_pghaul({"copy", "--help"});
  EXPECT_EQ(help.status, 0) << help;
  EXPECT_THAT(help.out, HasSubstr("Exit codes"));
}

TEST(Program, HelpFitsTheTerminal) {
  int terminal = -1, ours = -1;
  winsize size{};
  size.ws_row = 25, size.ws_col = 60;
  ASSERT_EQ(::openpty(&ours, &terminal, nullptr, nullptr, &size), 0);
  ProcessOptions options;
  options.argv = {PGHAUL_BINARY, "demo", "--help"};
  options.stdout_file = ::ttyname(terminal);
  Process process(options);
  EXPECT_EQ(process.wait(Deadline::after(std::chrono::seconds(20))), 0);
  std::string text(100'000, '\0');
  const auto got = ::read(ours, text.data(), text.size());
  ASSERT_GT(got, 0);
  text.resize(static_cast<std::size_t>(got));
  EXPECT_THAT(text, StartsWith("usage: pghaul demo [OPTION...]\r\n"));
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size() - 1);
  EXPECT_LE(widest, 60u);
  EXPECT_GT(widest, 50u);
  ::close(ours), ::close(terminal);
}

TEST(Program, UsageErrorsGoToStandardErrorWithCodeTwo) {
  const auto result = run_pghaul({"copy", "--readers", "0"}, quiet);
  EXPECT_EQ(result.status, 2) << result;
  EXPECT_EQ(result.err, "pghaul: --readers: '0' is not a whole number from 1 to 64\n");
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(run_pghaul({}).status, 2);
  EXPECT_THAT(run_pghaul({"status"}, quiet).err, HasSubstr("\n  next:   give --target URI, or set PGHAUL_TARGET"));
}

TEST(Program, UsageErrorsAsJson) {
  const auto result = run_pghaul({"copy", "--json", "--where", ""}, quiet);
  EXPECT_EQ(result.status, 2) << result;
  const auto document = json::parse(result.out);
  EXPECT_EQ(document["exit_code"], 2);
  EXPECT_EQ(document["error"]["kind"], "usage");
  EXPECT_THAT(result.err, StartsWith("pghaul: --where"));
}

TEST(Program, ControlCharactersOfArgumentsAreShownAsText) {
  const auto result = run_pghaul({"copy", "--readers", "\x1b[31m"}, quiet);
  EXPECT_THAT(result.err, HasSubstr("\\x1b[31m"));
}

TEST(Program, UnknownFailpointsAreRefusedBeforeAnythingElse) {
  const auto result = run_pghaul({"status", "--target", "host=127.0.0.1 port=1"}, {{"PGHAUL_FAILPOINTS", "x=error"}});
  EXPECT_EQ(result.status, 2) << result;
  EXPECT_THAT(result.err, HasSubstr("unknown name 'x'"));
}

TEST(Program, PasswordLeavesTheCommandLineAndASignalStopsTheProgram) {
  const SilentServer server;
  auto running = start_pghaul({"status", "--target", server.conninfo(), "--connect-timeout", "60s"}, quiet);
  ASSERT_TRUE(server.has_client());
  EXPECT_THAT(command_line(running.process()), Not(HasSubstr("hunter2")));
  EXPECT_THAT(command_line(running.process()),
              HasSubstr("--target" + std::string(1, '\0') + std::string(server.conninfo().size(), 'x')));
  running.process().signal(SIGTERM);
  const auto result = running.finish(std::chrono::seconds(10));
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
}

TEST(Program, AFullDiskUnderTheReportIsAnError) {
  ProcessOptions options;
  options.argv = {PGHAUL_BINARY, "--help"};
  options.stdout_file = "/dev/full";
  options.stderr_file = "/dev/null";
  Process process(options);
  EXPECT_EQ(process.wait(Deadline::after(std::chrono::seconds(20))), 5);
}

}  // namespace
}  // namespace pghaul::test
