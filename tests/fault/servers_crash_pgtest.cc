// C3, C4, B11: servers that crash, forget, or stand still.
#include <csignal>

#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

using StopMode = pg::ThrowawayServer::StopMode;

// The target acknowledges commits long before they are on its disk.
class ForgetfulTarget : public ServerFaults {
 protected:
  ForgetfulTarget() { set("SET wal_writer_delay = '10s'"); }
  ~ForgetfulTarget() override { set("RESET wal_writer_delay"); }
  static void crash() {
    target_server().stop(StopMode::immediate);
    target_server().start();
  }

 private:
  static void set(const std::string& what) {
    run_psql(target_server().conninfo(), "ALTER SYSTEM " + what);
    run_psql(target_server().conninfo(), "SELECT pg_reload_conf()");
  }
};

// Mark and rows are lost together, and done again. Splits are durable, and all before them with them: so only
// chunks that are done after the last one can be lost.
TEST_F(ForgetfulTarget, C3_AcknowledgedCommitsAreLost) {
  make_rows(9000);
  auto running = begin({"--batch-rows", "300", "--readers", "1", "--reconnect-timeout", "60s"});
  bool lost = false;
  for (int crashes = 0; crashes < 5 && !lost; ++crashes) {  // one that follows a split at once costs nothing
    expect_progress(running, 3);
    const auto before = chunks_done_now();
    crash();
    lost = std::stoi(admin_target("SELECT count(*) FROM pghaul.chunk WHERE state = 'done' AND done_at < "
                                  "pg_postmaster_start_time()")) < before;
  }
  EXPECT_TRUE(lost) << "nothing was lost, so nothing was tested";
  expect_success(running.finish(120s));
}

TEST_F(ForgetfulTarget, C3_NothingIsLostAfterTheEnd) {
  make_rows(6000);
  const auto result = run({"--batch-bytes", "64kB"});
  crash();
  EXPECT_EQ(admin_target("SELECT state FROM pghaul.table_copy"), "complete");
  EXPECT_EQ(admin_target("SELECT count(*) FROM pghaul.unfinished_chunks"), "0");
  expect_success(result);
  expect_completion();
}

class Crash : public ServerFaults {
 protected:
  static void kill_backend(const std::string& admin, const std::string& role) {
    const auto pid =
        run_psql(admin, fmt::format("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
                                    "application_name LIKE 'pghaul % {}%' LIMIT 1",
                                    role));
    ASSERT_NE(pid, "");
    ASSERT_EQ(::kill(std::stoi(pid), SIGKILL), 0);
  }
  // Where one backend dies like this, the server ends all the others: 57P02, and 57P03 until it has
  // recovered.
  void expect_survival(const std::string& admin, const std::string& role) const {
    make_rows(9000);
    auto running = begin({"--reconnect-timeout", "60s"});
    kill_backend(admin, role);
    expect_success(running.finish(120s));
  }
};

TEST_F(Crash, C4_OneBackendOfTheSourceIsKilled) {
  expect_survival(admin_.source, "reader");
}
TEST_F(Crash, C4_OneBackendOfTheTargetIsKilled) {
  expect_survival(admin_.target, "writer");
}
TEST_F(Crash, C4_TheBackendThatKeepsTheLedgerIsKilled) {
  expect_survival(admin_.target, "ledger");
}

// A postmaster that stands still: the kernel accepts connections, and nobody answers.
class StoppedPostmaster {
 public:
  explicit StoppedPostmaster(const pg::ThrowawayServer& server) : pid_(server.postmaster_pid()) {
    ::kill(pid_, SIGSTOP);
  }
  ~StoppedPostmaster() { go_on(); }
  void go_on() const { ::kill(pid_, SIGCONT); }

 private:
  const pid_t pid_;
};

class Standstill : public ServerFaults {
 protected:
  void expect_refusal(const pg::ThrowawayServer& server) const {
    make_rows(3000);
    ProgramResult result;
    const auto started = Deadline::Clock::now();
    {
      const StoppedPostmaster stopped(server);
      result = run({"--connect-timeout", "1s"});
      EXPECT_LT(Deadline::Clock::now() - started, 20s);
    }
    expect_failure(result, refused, {"--connect-timeout"});
    expect_completion();
  }
  // Sessions are ended over one that is open already.
  void expect_patience(const pg::ThrowawayServer& server, const std::string& admin) const {
    make_rows(9000);
    OpenSession session(as_tester(admin));
    auto running = begin({"--connect-timeout", "1s", "--reconnect-timeout", "60s"});
    const StoppedPostmaster stopped(server);
    session.run(terminate_sql());
    EXPECT_TRUE(wait_until([&] { return running.err().find("(--connect-timeout)") != std::string::npos; }))
        << running.err();
    stopped.go_on();
    expect_success(running.finish(120s));
  }
};

TEST_F(Standstill, B11_OfTheSourceAtTheStart) {
  expect_refusal(source_server());
}
TEST_F(Standstill, B11_OfTheTargetAtTheStart) {
  expect_refusal(target_server());
}
TEST_F(Standstill, B11_OfTheSourceInMidCopy) {
  expect_patience(source_server(), admin_.source);
}
TEST_F(Standstill, B11_OfTheTargetInMidCopy) {
  expect_patience(target_server(), admin_.target);
}

}  // namespace
}  // namespace pghaul::test
