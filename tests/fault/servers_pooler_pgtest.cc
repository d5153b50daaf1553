// B16: PgBouncer between pghaul and a server.
#include <filesystem>

#include "fault/servers_faults.h"
#include "fault/tcp.h"

namespace pghaul::test {
namespace {

// A pooler before the server, in the given mode.
class PgBouncer {
 public:
  PgBouncer(const pg::ThrowawayServer& server, const std::string& mode) {
    port_ = port_of(listen_on_free_port());
    if (::mkdtemp(folder_.data()) == nullptr)
      throw Error(ErrorKind::failed, "cannot make a folder").with_errno(errno);
    std::ofstream(folder_ + "/users") << "\"postgres\" \"\"\n";
    std::ofstream(folder_ + "/ini") << fmt::format(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = "
        "{}\nunix_socket_dir =\n"
        "auth_type = trust\nauth_file = {}/users\npool_mode = {}\nlogfile = {}/log\nserver_reset_query = "
        "DISCARD ALL\n"
        "server_reset_query_always = 0\n",
        server.port(), port_, folder_, mode, folder_);
    ProcessOptions options;
    options.argv = {"pgbouncer", folder_ + "/ini"};
    if (::geteuid() == 0) {  // it does not run as root
      options.argv = {"setpriv",        "--reuid=47111", "--regid=47111",
                      "--clear-groups", "pgbouncer",     folder_ + "/ini"};
      for (const auto& path : {folder_, folder_ + "/users", folder_ + "/ini"}) {
        if (::chown(path.c_str(), 47111, 47111) != 0)
          throw Error(ErrorKind::failed, "chown").with_errno(errno);
      }
    }
    options.environment = {{"PATH", std::string(std::getenv("PATH")) + ":/usr/sbin"}};
    options.stdout_file = options.stderr_file = "/dev/null";
    process_.emplace(options);
  }
  ~PgBouncer() {
    process_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string conninfo(const std::string& database) const {
    return fmt::format("host=127.0.0.1 port={} dbname={} user=postgres", port_, database);
  }

 private:
  std::string folder_ = (std::filesystem::temp_directory_path() / "pghaul-pooler-XXXXXX").string();
  int port_ = 0;
  std::optional<Process> process_;
};

class Pooler : public ServerFaults {
 protected:
  static void expect_refused(const ProgramResult& result, const std::string& name) {
    EXPECT_EQ(result.status, refused) << result;
    EXPECT_THAT(result.err,
                HasSubstr(fmt::format("a connection pooler stands between pghaul and the {} server", name)));
    EXPECT_THAT(result.err, HasSubstr("connect to the PostgreSQL server itself"));
  }
  void expect_refusal(const pg::ThrowawayServer& server, const std::string& mode, std::string& side,
                      const std::string& name) {
    make_rows(3000);
    const PgBouncer pooler(server, mode);
    const auto direct = side;
    side = pooler.conninfo(database());
    ASSERT_TRUE(wait_until([&] { return try_psql(side, "SELECT 1").status == 0; }))
        << "pgbouncer does not run";
    // Sessions of the pooler stay with the server: ours are gone all the same.
    expect_refused(run(), name);
    expect_refused(
        run_pghaul({"verify", "--source", copier_.source, "--target", copier_.target, "--table", profiles}),
        name);
    if (name == "target") {
      expect_refused(run_pghaul({"verify", "--from-ledger", "--target", copier_.target, "--table", profiles}),
                     name);
    }
    EXPECT_EQ(admin_target("SELECT count(*) FROM pg_class WHERE oid >= 16384"), "0")
        << "something was written";
    side = direct;
    EXPECT_EQ(run_psql(server.conninfo(),
                       fmt::format("SELECT count(pg_terminate_backend(pid)) >= 0 FROM pg_stat_activity "
                                   "WHERE datname = '{}'",
                                   database())),
              "t");
  }
};

TEST_F(Pooler, B16_TransactionModeBeforeTheSource) {
  expect_refusal(source_server(), "transaction", copier_.source, "source");
  expect_completion();
}
TEST_F(Pooler, B16_TransactionModeBeforeTheTarget) {
  expect_refusal(target_server(), "transaction", copier_.target, "target");
  expect_completion();
}
TEST_F(Pooler, B16_SessionModeBeforeTheSource) {
  expect_refusal(source_server(), "session", copier_.source, "source");
  expect_completion();
}
TEST_F(Pooler, B16_StatementModeBeforeTheTarget) {
  expect_refusal(target_server(), "statement", copier_.target, "target");
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
