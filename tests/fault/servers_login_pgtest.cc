// C16, C17: the role may no longer log in, in mid-copy.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

constexpr auto password = "old-secret";

pg::ThrowawayServer& guarded_server() {
  static pg::ThrowawayServer server([] {
    pg::ThrowawayOptions options;
    options.superuser_password = "of-the-superuser";
    options.settings = {"log_connections=on"};
    return options;
  }());
  server.start();
  return server;
}

class Login : public ServerFaults {
 protected:
  Login() {
    run_psql(guarded_server().conninfo(),
             fmt::format("DROP ROLE IF EXISTS copier; CREATE ROLE copier LOGIN PASSWORD '{}'", password));
    run_psql(guarded_server().conninfo(), fmt::format("CREATE DATABASE {} OWNER copier", database()));
  }
  ~Login() override {
    run_psql(guarded_server().conninfo(), fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", database()));
  }
  void guard_source() {
    admin_.source = guarded_server().conninfo(database());
    copier_.source = with_role(guarded_server(), database(), "copier", password);
    make_rows(9000);
    admin_source("GRANT SELECT ON public.profiles TO copier");
  }
  void guard_target() {
    make_rows(9000);
    admin_.target = guarded_server().conninfo(database());
    copier_.target = with_role(guarded_server(), database(), "copier", password);
  }
  // The door is shut in mid-copy. Sessions that are open go on; once they are ended, the run ends at once and
  // does not knock again and again.
  void expect_end(const std::string& admin, const std::string& shut_sql, const std::string& sqlstate,
                  const std::string& logged) {
    auto running = begin({"--reconnect-timeout", "60s"});
    const auto log_before = log_of(guarded_server()).size();
    run_psql(admin, shut_sql);
    expect_progress(running);
    run_psql(admin, terminate_sql());
    const auto ended = Deadline::Clock::now();
    const auto result = running.finish();
    EXPECT_LT(Deadline::Clock::now() - ended, 30s);
    expect_failure(result, failed, {"SQLSTATE " + sqlstate});
    const auto log = log_of(guarded_server()).substr(log_before);
    EXPECT_GE(count_of(log, logged), 1) << log;
    EXPECT_LE(count_of(log, logged), 8) << log;
    expect_failure(run(), refused, {"SQLSTATE " + sqlstate});
  }
};

TEST_F(Login, C16_PasswordOfTheSourceChanged) {
  guard_source();
  expect_end(admin_.source, "ALTER ROLE copier PASSWORD 'new-secret'", "28P01",
             "password authentication failed");
  copier_.source = with_role(guarded_server(), database(), "copier", "new-secret");
  expect_completion();
}

TEST_F(Login, C16_PasswordOfTheTargetChanged) {
  guard_target();
  expect_end(admin_.target, "ALTER ROLE copier PASSWORD 'new-secret'", "28P01",
             "password authentication failed");
  copier_.target = with_role(guarded_server(), database(), "copier", "new-secret");
  expect_completion();
}

TEST_F(Login, C16_RoleOfTheSourceLocked) {
  guard_source();
  expect_end(admin_.source, "ALTER ROLE copier NOLOGIN", "28000", "is not permitted to log in");
  admin_source("ALTER ROLE copier LOGIN");
  expect_completion();
}

TEST_F(Login, C16_PasswordOfTheTargetExpired) {
  guard_target();
  expect_end(admin_.target, "ALTER ROLE copier VALID UNTIL '2001-01-01'", "28P01",
             "password authentication failed");
  admin_target("ALTER ROLE copier VALID UNTIL 'infinity'");
  expect_completion();
}

// As often as a server is told to read it again, pg_hba.conf counts for new sessions only.
TEST_F(Login, C17_RulesOfTheSourceReject) {
  guard_source();
  const auto file = guarded_server().data_directory() + "/pg_hba.conf";
  std::ifstream old(file);
  const std::string rules{std::istreambuf_iterator<char>(old), {}};
  std::ofstream(file) << "host all copier 127.0.0.1/32 reject\n" << rules;
  expect_end(admin_.source, "SELECT pg_reload_conf()", "28000", "pg_hba.conf rejects connection");
  std::ofstream(file) << rules;
  admin_source("SELECT pg_reload_conf()");
  EXPECT_TRUE(wait_until([&] { return try_psql(copier_.source, "SELECT 1").status == 0; }));
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
