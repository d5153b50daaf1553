#include "support/servers.h"

#include <filesystem>
#include <thread>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include "pghaul/error.h"
#include "support/oracle.h"

namespace pghaul::test {
namespace {

using pg::ThrowawayServer;
using testing::HasSubstr;
using testing::Not;

class Servers : public ServersTest {};

TEST_F(Servers, AreTwoAndAccept) {
  const auto identity = "SELECT system_identifier FROM pg_control_system()";
  EXPECT_NE(source_sql(identity), target_sql(identity));
  EXPECT_EQ(source_sql("SELECT current_database()"), database());
  EXPECT_EQ(run_psql(source_server().socket_conninfo(database()), "SELECT inet_server_addr() IS NULL"), "t");
  EXPECT_EQ(source_sql("SHOW fsync; SHOW server_encoding; SHOW lc_collate"), "off\nUTF8\nC.UTF-8");
}

TEST_F(Servers, DatabasesAreFreshA) { source_sql("CREATE TABLE only_once()"); }
TEST_F(Servers, DatabasesAreFreshB) { source_sql("CREATE TABLE only_once()"); }

TEST_F(Servers, PsqlStopsAtTheFirstError) {
  EXPECT_THROW(source_sql("CREATE TABLE before(); SELECT 1/0; CREATE TABLE after()"), Error);
  EXPECT_EQ(source_sql("SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                       "'public'::regnamespace"),
            "before");
}

TEST_F(Servers, TheFolderIsPrivate) {
  struct stat found {};
  ASSERT_EQ(::stat(source_server().socket_directory().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700U);
  EXPECT_NE(found.st_uid, 0U);
}

TEST_F(Servers, AKilledServerComesBackWithItsData) {
  target_sql("CREATE TABLE kept(); CHECKPOINT;");
  const auto before = target_conninfo();
  target_server().restart(ThrowawayServer::StopMode::immediate);
  EXPECT_EQ(target_conninfo(), before);
  ASSERT_EQ(::kill(target_server().postmaster_pid(), SIGKILL), 0);
  while (target_server().running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  target_server().start();
  EXPECT_EQ(target_sql("SELECT count(*) FROM kept"), "0");
}

TEST(ThrowawayServer, PasswordsSettingsAndCleaningUp) {
  pg::ThrowawayOptions options;
  options.superuser_password = "it's \\ secret";
  options.settings = {"max_connections=17", "fsync=on", "search_path=a, b"};
  std::string folder;
  {
    ThrowawayServer server(options);
    server.start();
    folder = server.socket_directory();
    EXPECT_EQ(run_psql(server.conninfo(), "SHOW max_connections; SHOW fsync; SHOW search_path"), "17\non\na, b");
    EXPECT_EQ(run_psql(server.socket_conninfo(), "SELECT 1"), "1");
    run_psql(server.conninfo(), "CREATE ROLE other LOGIN PASSWORD 'x'");
    const auto refused = try_psql(server.conninfo("postgres", "other") + " password=wrong", "SELECT 1");
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("password authentication failed"));
    EXPECT_FALSE(std::filesystem::exists(folder + "/password"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(ThrowawayServer, AWrongSettingShowsTheServersWords) {
  pg::ThrowawayOptions options;
  options.settings = {"no_such_setting=1"};
  ThrowawayServer server(options);
  try {
    server.start();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("unrecognized configuration parameter \"no_such_setting\""));
  }
  EXPECT_EQ(server.postmaster_pid(), 0);
}

TEST(ThrowawayServer, TakesAnotherPortWhenItsOwnIsTaken) {
  ThrowawayServer server;
  const int taken = server.port();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(taken));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  server.start();
  ::close(listener);
  EXPECT_NE(server.port(), taken);
  EXPECT_EQ(run_psql(server.conninfo(), "SHOW port"), std::to_string(server.port()));
}

TEST(ThrowawayServer, StopsWithTheThreadThatStartedIt) {
  ThrowawayServer server;
  std::thread([&server] { server.start(); }).join();
  const auto deadline = Deadline::after(std::chrono::seconds(30));
  while (server.running() && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(server.running());
}

class Oracle : public ServersTest {
 protected:
  std::string digest(const std::string& sql) { return table_digest(source_conninfo(), sql); }
};

TEST_F(Oracle, IsTheSha256OfWhatCopyPrints) {
  // printf '1\t\\N\n2\tb\n' | sha256sum
  EXPECT_EQ(digest("VALUES (1, NULL), (2, 'b')"), "671b8a27133b62ec18e5eaec0450972d49a1e586965232524247359c4b12a0e8");
  EXPECT_EQ(digest("SELECT 1 WHERE false"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(Oracle, SeesEveryDifference) {
  EXPECT_NE(digest("VALUES (1), (2)"), digest("VALUES (2), (1)"));
  EXPECT_NE(digest("SELECT NULL"), digest("SELECT ''"));
  EXPECT_NE(digest("SELECT 0.1::float8"), digest("SELECT 0.10000000000000002::float8"));
}

TEST_F(Oracle, SettingsOfTheDatabaseDoNotMatter) {
  const auto sql = "SELECT now() - now(), '2026-08-09 10:11+00'::timestamptz, 1/3::float8, '\\x00ff'::bytea";
  const auto before = digest(sql);
  for (const char* setting : {"TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'",
                              "extra_float_digits = -5", "bytea_output = 'escape'", "client_encoding = 'LATIN1'"}) {
    source_sql("ALTER DATABASE " + database() + " SET " + setting);
  }
  EXPECT_EQ(digest(sql), before);
}

TEST_F(Oracle, AnErrorIsNoDigest) {
  EXPECT_THROW(digest("SELECT 1/0"), Error);
  EXPECT_THROW(digest("SELECT * FROM no_such_table"), Error);
  EXPECT_THROW(table_digest(source_server().conninfo("no_such_database"), "SELECT 1"), Error);
}

TEST(Program, OneThatHangsIsAFailure) {
  ProcessOptions options;
  options.argv = {"sh", "-c", "echo started; exec sleep 60"};
  ProgramResult result;
  EXPECT_NONFATAL_FAILURE(result = run_program(options, std::chrono::seconds(2)), "sh still ran after 2000 ms");
  EXPECT_EQ(result.status, 128 + SIGKILL);
  EXPECT_EQ(result.out, "started\n");
}

}  // namespace
}  // namespace pghaul::test
