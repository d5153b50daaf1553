// Opening sessions: what fails, as what, and how soon.
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

#include "pg/connection.h"
#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Clock = Deadline::Clock;

// The kernel still accepts connections for a postmaster that is frozen, but nobody answers.
class FrozenPostmaster {
 public:
  explicit FrozenPostmaster(const ThrowawayServer& server) : pid_(server.postmaster_pid()) { ::kill(pid_, SIGSTOP); }
  ~FrozenPostmaster() { ::kill(pid_, SIGCONT); }
  FrozenPostmaster(const FrozenPostmaster&) = delete;
  FrozenPostmaster& operator=(const FrozenPostmaster&) = delete;

 private:
  const pid_t pid_;
};

class Connect : public testing::Test {
 protected:
  Connect() {
    ::unsetenv("PGPASSWORD");
    ::setenv("PGPASSFILE", "/no/such/file", 1);
    options_.connect_timeout = 5s;
  }

  static Endpoint endpoint(const std::string& conninfo) { return parse_endpoint(Side::source, conninfo); }
  static Deadline soon() { return Deadline::after(30s); }

  // The error of a session that must not come about, and how long it took to say so.
  Error failure(const std::string& conninfo) {
    const auto begin = Clock::now();
    try {
      const Connection connection(endpoint(conninfo), options_);
    } catch (const Error& error) {
      took_ = Clock::now() - begin;
      EXPECT_FALSE(error.advice().empty() && error.kind() != ErrorKind::stopped);
      return error;
    }
    ADD_FAILURE() << "connected";
    return Error(ErrorKind::usage, "");
  }

  SessionOptions options_;
  Clock::duration took_{};
};

std::string setting(Connection& connection, const std::string& name) {
  return std::string(
      connection.query("SELECT pg_catalog.current_setting($1)", {name}, Deadline::after(10s)).text(0, 0));
}

TEST_F(Connect, Passwords) {
  ThrowawayOptions server_options;
  server_options.superuser_password = "it's \\ right";
  ThrowawayServer server(server_options);
  server.start();
  EXPECT_TRUE(Connection(endpoint(server.conninfo()), options_).usable());

  const auto wrong = failure(server.conninfo() + " password=wr0ng");
  EXPECT_EQ(wrong.kind(), ErrorKind::failed);
  EXPECT_EQ(wrong.sqlstate(), "28P01");
  EXPECT_EQ(wrong.side(), Side::source);
  EXPECT_EQ(wrong.object(), fmt::format("127.0.0.1:{}/postgres", server.port()));
  EXPECT_THAT(wrong.what(), HasSubstr("FATAL:  password authentication failed"));
  EXPECT_THAT(wrong.story(true), Not(HasSubstr("wr0ng")));
  EXPECT_THAT(wrong.story(true), Not(HasSubstr("auth.c"))) << "the place in the server's source is of no use";

  // libpq gives up by itself; there is no code of the server's then.
  const auto none = failure(fmt::format("host=127.0.0.1 port={} dbname=postgres user=postgres", server.port()));
  EXPECT_EQ(none.kind(), ErrorKind::failed);
  EXPECT_THAT(none.what(), HasSubstr("no password supplied"));
}

TEST_F(Connect, UnknownDatabaseIsFailed) {
  const auto error = failure(test::source_server().conninfo("no_such_database"));
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.sqlstate(), "3D000");
  EXPECT_THAT(error.what(), HasSubstr("database \"no_such_database\" does not exist"));
  EXPECT_THAT(error.object(), HasSubstr("/no_such_database"));
}

TEST_F(Connect, TooManyConnectionsMayPass) {
  test::run_psql(test::source_server().conninfo(), "CREATE ROLE shut_out LOGIN CONNECTION LIMIT 0");
  const auto error = failure(test::source_server().conninfo("postgres", "shut_out"));
  test::run_psql(test::source_server().conninfo(), "DROP ROLE shut_out");
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "53300");
}

// libpq gives no code for what it was told wrongly; to wait for that to pass would be in vain.
TEST_F(Connect, WhatIsToldWronglyIsFailed) {
  for (const auto* wrong : {"host=127.0.0.1 port=99999", "host=127.0.0.1 port=1 sslmode=certainly",
                            "host=127.0.0.1 port=1 target_session_attrs=good"}) {
    EXPECT_EQ(failure(wrong).kind(), ErrorKind::failed) << wrong;
  }
  EXPECT_EQ(failure("host=no-such-host.invalid port=1").kind(), ErrorKind::connection_lost);
}

TEST_F(Connect, RefusedPort) {
  const auto error = failure("host=127.0.0.1 port=1 dbname=d user=u");
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "");
  EXPECT_EQ(error.object(), "127.0.0.1:1/d");
  EXPECT_THAT(error.what(), HasSubstr("refused"));
  EXPECT_LT(took_, 5s);
}

TEST_F(Connect, UnknownHost) {
  const auto error = failure("host=no-such-host.invalid dbname=d user=u");
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_THAT(error.object(), HasSubstr("no-such-host.invalid"));
  EXPECT_LT(took_, options_.connect_timeout + 1s);
}

TEST_F(Connect, ControlCharactersOfTheServersAnswerAreEscaped) {
  const auto error = failure(test::source_server().conninfo("no\x1b[31m\adatabase"));
  EXPECT_EQ(error.sqlstate(), "3D000");
  EXPECT_THAT(error.what(), HasSubstr("no\\x1b[31m\\x07database"));
}

TEST_F(Connect, B11_ServerThatDoesNotAnswer) {
  auto& server = test::source_server();
  options_.connect_timeout = 1500ms;
  {
    const FrozenPostmaster frozen(server);
    const auto error = failure(server.conninfo());
    EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
    EXPECT_THAT(error.what(), HasSubstr("no connection within 1.50 s"));
    EXPECT_GE(took_, 1400ms);
    EXPECT_LT(took_, 10s);
  }
  EXPECT_TRUE(Connection(endpoint(server.conninfo()), options_).usable());
}

TEST_F(Connect, StopInterrupts) {
  auto& server = test::source_server();
  const FrozenPostmaster frozen(server);
  StopSource stop;
  options_.stop = &stop;
  options_.connect_timeout = 20s;
  std::thread stopper([&] {
    std::this_thread::sleep_for(300ms);
    stop.request(StopReason::signal);
  });
  EXPECT_EQ(failure(server.conninfo()).kind(), ErrorKind::stopped);
  EXPECT_LT(took_, 10s);
  stopper.join();
  EXPECT_EQ(failure(server.conninfo()).kind(), ErrorKind::stopped);
  EXPECT_LT(took_, 10s);
}

TEST_F(Connect, SettingsAreMade) {
  options_.settings = {{"search_path", ""}, {"work_mem", "1234kB"}, {"my.setting", "it's \\ \"odd\" €"}};
  Connection connection(endpoint(test::source_server().conninfo()), options_);
  EXPECT_EQ(setting(connection, "search_path"), "");
  EXPECT_EQ(setting(connection, "work_mem"), "1234kB");
  EXPECT_EQ(setting(connection, "my.setting"), "it's \\ \"odd\" €");
  EXPECT_FALSE(connection.in_transaction());
}

TEST_F(Connect, WrongSettingsAreErrors) {
  const auto attempt = [&] { const Connection connection(endpoint(test::source_server().conninfo()), options_); };
  for (const auto& [name, value, code] : {std::tuple{"work_mem", "much", "22023"}, {"no_such", "1", "42704"}}) {
    options_.settings = {{name, value}};
    try {
      attempt();
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::failed);
      EXPECT_EQ(error.sqlstate(), code);
    }
  }
}

TEST_F(Connect, PinnedSettingsWinOverTheDatabases) {
  auto& server = test::source_server();
  options_.settings = pinned_text_settings();
  test::run_psql(server.conninfo(),
                 "CREATE DATABASE odd_settings; ALTER DATABASE odd_settings SET DateStyle = 'German';"
                 "ALTER DATABASE odd_settings SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE odd_settings SET "
                 "IntervalStyle = 'iso_8601'; ALTER DATABASE odd_settings SET extra_float_digits = -9; "
                 "ALTER DATABASE odd_settings SET bytea_output = 'escape'");
  {
    Connection connection(endpoint(server.conninfo("odd_settings")), options_);
    EXPECT_EQ(connection
                  .run("SELECT ROW('2026-02-03 04:05:06+00'::timestamptz, '1 day 2 h'::interval, 0.1::float8 + 0.2, "
                       "'\\x00ff'::bytea)",
                       soon())
                  .text(0, 0),
              "(\"2026-02-03 04:05:06+00\",\"1 day 02:00:00\",0.30000000000000004,\"\\\\x00ff\")");
  }
  test::run_psql(server.conninfo(), "DROP DATABASE odd_settings WITH (FORCE)");
}

TEST_F(Connect, ApplicationName) {
  const auto conninfo = test::source_server().conninfo();
  Connection unnamed(endpoint(conninfo), options_);
  EXPECT_EQ(setting(unnamed, "application_name"), "pghaul");
  options_.application_name = "pghaul 1 reader 2";
  Connection named(endpoint(conninfo + " application_name=users"), options_);
  EXPECT_EQ(setting(named, "application_name"), "pghaul 1 reader 2");
}

// What the kernel was told about our socket to this port.
int tcp_option(int port, int level, int option) {
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
    int value = -1;
    length = sizeof value;
    ::getsockopt(fd, level, option, &value, &length);
    return value;
  }
  return -1;
}

TEST_F(Connect, DeadHostsAreNoticedUnlessTheUserSaysOtherwise) {
  const auto& server = test::source_server();
  {
    const Connection connection(endpoint(server.conninfo()), options_);
    EXPECT_EQ(tcp_option(server.port(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(tcp_option(server.port(), IPPROTO_TCP, TCP_KEEPIDLE), 10);
    EXPECT_EQ(tcp_option(server.port(), IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(tcp_option(server.port(), IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(tcp_option(server.port(), IPPROTO_TCP, TCP_USER_TIMEOUT), 120'000);
  }
  const Connection connection(endpoint(server.conninfo() + " keepalives_idle=77"), options_);
  EXPECT_EQ(tcp_option(server.port(), IPPROTO_TCP, TCP_KEEPIDLE), 77);
}

TEST_F(Connect, OverTheSocket) {
  Connection connection(endpoint(test::source_server().socket_conninfo()), options_);
  EXPECT_EQ(connection.run("SELECT pg_catalog.inet_server_addr() IS NULL", soon()).text(0, 0), "t");
  EXPECT_THAT(connection.label(), HasSubstr(test::source_server().socket_directory()));
}

}  // namespace
}  // namespace pghaul::pg
