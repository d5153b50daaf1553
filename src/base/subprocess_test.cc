#include "base/subprocess.h"

#include <filesystem>
#include <thread>

#include <signal.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;

ProcessOptions command(std::vector<std::string> argv) {
  ProcessOptions options;
  options.argv = std::move(argv);
  return options;
}

ProcessResult run(const ProcessOptions& options) { return run_process(options, Deadline::after(20s)); }

TEST(RunProcess, GivesStatusAndBothStreams) {
  const auto result = run(command({"sh", "-c", "echo out; echo err >&2; exit 3"}));
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "out\nerr\n");
}

TEST(RunProcess, ArgumentsMeetNoShell) {
  EXPECT_EQ(run(command({"printf", "%s|", "$HOME; `id`", "", "a b"})).output, "$HOME; `id`||a b|");
}

TEST(RunProcess, LargeOutputBlocksNobody) {
  EXPECT_EQ(run(command({"head", "-c", "3000000", "/dev/zero"})).output.size(), 3'000'000U);
}

TEST(RunProcess, AChildThatHangsIsKilled) {
  const auto begin = Deadline::Clock::now();
  EXPECT_THROW(run_process(command({"sleep", "60"}), Deadline::after(100ms)), Error);
  EXPECT_LT(Deadline::Clock::now() - begin, 10s);
}

TEST(RunProcess, EnvironmentIsAddedAndReplaced) {
  ::setenv("PGHAUL_TEST_KEPT", "kept", 1);
  ::setenv("PGHAUL_TEST_REPLACED", "old", 1);
  auto options = command({"sh", "-c", "echo $PGHAUL_TEST_KEPT $PGHAUL_TEST_REPLACED $PGHAUL_TEST_NEW"});
  options.environment = {{"PGHAUL_TEST_REPLACED", "new"}, {"PGHAUL_TEST_NEW", "added"}};
  EXPECT_EQ(run(options).output, "kept new added\n");
}

TEST(RunProcess, ReadsItsInputFromAFile) {
  const MemoryFile input("three little words");
  auto options = command({"wc", "-w"});
  options.stdin_file = input.path();
  EXPECT_EQ(run(options).output, "3\n");
  options.stdin_file.clear();
  EXPECT_EQ(run(options).output, "0\n");
}

TEST(RunProcess, WorkingDirectory) {
  auto options = command({"pwd"});
  options.working_directory = "/usr";
  EXPECT_EQ(run(options).output, "/usr\n");
}

TEST(RunProcess, AsAnotherUser) {
  auto options = command({"sh", "-c", "id -u; id -g; id -G"});
  options.uid = ::geteuid() == 0 ? 65534 : ::geteuid();
  options.gid = ::geteuid() == 0 ? 65534 : ::getegid();
  if (::geteuid() != 0) {
    EXPECT_THROW(run(options), Error);
  } else {
    EXPECT_EQ(run(options).output, "65534\n65534\n65534\n");
  }
}

TEST(Process, AMissingProgramIsAnError) {
  try {
    Process process(command({"pghaul-no-such-program"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_number(), ENOENT);
    EXPECT_EQ(error.object(), "pghaul-no-such-program");
    EXPECT_EQ(error.kind(), ErrorKind::failed);
  }
  EXPECT_THROW(Process(command({})), Error);
}

TEST(Process, AMissingDirectoryNamesTheStep) {
  auto options = command({"true"});
  options.working_directory = "/no/such/directory";
  try {
    Process process(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot start the program (chdir)");
    EXPECT_EQ(error.error_number(), ENOENT);
  }
}

TEST(Process, ASignalShowsInTheStatus) {
  Process process(command({"sleep", "60"}));
  EXPECT_EQ(process.wait(Deadline::after(20ms)), std::nullopt);
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(Deadline::after(20s)), 128 + SIGTERM);
  EXPECT_EQ(process.wait(Deadline::never()), 128 + SIGTERM) << "the status is kept";
}

TEST(Process, TheDestructorKillsAndReaps) {
  pid_t pid = 0;
  {
    Process process(command({"sleep", "60"}));
    pid = process.pid();
    Process moved(std::move(process));
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Process, BlockedSignalsAreNotInherited) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Process process(command({"sleep", "60"}));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(Deadline::after(20s)), 128 + SIGTERM);
}

TEST(Process, NewSession) {
  auto options = command({"sleep", "60"});
  options.new_session = true;
  const Process process(options);
  EXPECT_EQ(::getsid(process.pid()), process.pid());
}

TEST(Process, DiesWithTheThreadThatStartedIt) {
  std::optional<Process> process;
  std::thread([&process] {
    auto options = command({"sleep", "60"});
    options.parent_death_signal = SIGTERM;
    if (::geteuid() == 0) options.uid = options.gid = 65534;  // the setting must outlive the change of user
    process.emplace(options);
  }).join();
  EXPECT_EQ(process->wait(Deadline::after(20s)), 128 + SIGTERM);
}

TEST(Process, FilesAreAppendedTo) {
  const auto path = std::filesystem::temp_directory_path() / ("pghaul_subprocess_test_" + std::to_string(::getpid()));
  auto options = command({"sh", "-c", "echo out; echo err >&2"});
  options.stdout_file = options.stderr_file = path;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Process(options).wait(Deadline::after(20s)), 0);
  EXPECT_EQ(run(command({"cat", path})).output, "out\nerr\nout\nerr\n");
  std::filesystem::remove(path);
}

TEST(Process, AFileThatCannotBeOpenedIsAnError) {
  auto options = command({"true"});
  options.stdin_file = "/no/such/file";
  EXPECT_THROW(Process{options}, Error);
}

}  // namespace
}  // namespace pghaul
