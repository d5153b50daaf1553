// A password given in a connection string shows up nowhere: argv, output, logs of either side, ledger, errors.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

// Every form of it that anybody could print has the word in it.
constexpr auto canary = "c4nary";
constexpr auto password = R"(c4nary ' " \ %41 @:/?#&= ü$(id))";
constexpr auto in_uri = "c4nary%20%27%20%22%20%5C%20%2541%20%40%3A%2F%3F%23%26%3D%20%C3%BC%24%28id%29";
constexpr auto in_keywords = R"('c4nary \' " \\ %41 @:/?#&= ü$(id)')";

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// One server that wants passwords, with databases prod and stats.
class Secrets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pg::ThrowawayOptions options;
    options.superuser_password = password;
    options.settings = {"log_statement=all", "log_connections=on", "log_min_messages=log"};
    server = std::make_unique<pg::ThrowawayServer>(options);
    server->start();
    run_psql(server->conninfo(), "CREATE DATABASE prod; CREATE DATABASE stats");
    run_psql(prod(), "CREATE TABLE t (id bigserial PRIMARY KEY, v text); "
                     "INSERT INTO t SELECT g, repeat('v', 200) FROM generate_series(1, 5000) g; ANALYZE t");
  }
  static void TearDownTestSuite() { server.reset(); }

  static std::string prod() { return server->conninfo("prod"); }
  static std::string stats() { return server->conninfo("stats"); }
  static std::string uri(const std::string& database, const std::string& secret = in_uri) {
    return fmt::format("postgresql://postgres:{}@127.0.0.1:{}/{}", secret, server->port(), database);
  }
  static std::string keywords(const std::string& database, const std::string& secret = in_keywords) {
    return fmt::format("host=127.0.0.1 port={} user=postgres dbname={} password={}", server->port(), database, secret);
  }
  static Arguments copy(const std::string& source, const std::string& target, const Arguments& more = {}) {
    Arguments arguments{"copy", "--source", source, "--target", target, "--table", "t"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static void expect_silence(const std::string& where, const std::string& text) {
    // Logs are too long to be shown.
    const auto found = text.find(canary);
    EXPECT_EQ(found, std::string::npos) << where << ": …" << text.substr(found - std::min<std::size_t>(found, 80), 160);
  }
  static void expect_failure(const Arguments& arguments, int status, const std::string& words) {
    for (const char* output : {"--verbose", "--json"}) {
      auto all = arguments;
      all.insert(all.begin() + 1, output);
      const auto result = run_pghaul(all);
      EXPECT_EQ(result.status, status) << result;
      EXPECT_THAT(result.err, HasSubstr(words));
      expect_silence("stdout", result.out);
      expect_silence("stderr", result.err);
    }
  }
  static std::string ledger() {
    return run_psql(stats(), "SELECT schema_to_xml('pghaul', true, false, '')");
  }

  static std::unique_ptr<pg::ThrowawayServer> server;
};
std::unique_ptr<pg::ThrowawayServer> Secrets::server;

// The one thing that could fail all the others: that it is a password at all.
TEST_F(Secrets, TheServerWantsThePassword) {
  EXPECT_EQ(run_psql(uri("prod"), "SELECT 1"), "1");
  EXPECT_EQ(run_psql(keywords("prod"), "SELECT 1"), "1");
  EXPECT_NE(try_psql(uri("prod", "other"), "SELECT 1").status, 0);
}

TEST_F(Secrets, ACopyWhileItRunsAndAfterwards) {
  auto running = start_pghaul(copy(uri("prod"), keywords("stats"),
                                   {"--verbose", "--batch-bytes", "64kB", "--sleep", "50ms", "--progress", "json"}));
  ASSERT_TRUE(wait_until([&] { return running.err().find("copying") != std::string::npos; }));
  const auto folder = fmt::format("/proc/{}/", running.process().pid());
  const auto command_line = content_of(folder + "cmdline");
  EXPECT_THAT(command_line, HasSubstr("--source"));
  expect_silence("argv", command_line);
  expect_silence("comm", content_of(folder + "comm"));
  expect_silence("activity", run_psql(prod(), "SELECT query, application_name FROM pg_stat_activity"));
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_silence("stdout", result.out);
  expect_silence("stderr", result.err);
  EXPECT_EQ(table_digest(prod(), "SELECT * FROM public.t ORDER BY id"),
            table_digest(stats(), "SELECT * FROM public.t ORDER BY id"));
  EXPECT_THAT(ledger(), HasSubstr("public.t"));
  expect_silence("ledger", ledger());
}

TEST_F(Secrets, OtherSpellingsOfOptions) {
  auto running = start_pghaul({"copy", "--source=" + uri("prod"), "--target=" + keywords("stats"), "--table", "t",
                               "--full", "--batch-bytes", "64kB", "--sleep", "200ms"});
  const auto path = fmt::format("/proc/{}/cmdline", running.process().pid());
  ASSERT_TRUE(wait_until([&] {
    return run_psql(stats(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'pghaul%'") == "t";
  }));
  expect_silence("argv", content_of(path));
}

TEST_F(Secrets, WrongPasswords) {
  const std::string wrong = "postgresql://postgres:c4nary-wrong@127.0.0.1:" + std::to_string(server->port());
  expect_failure(copy(wrong + "/prod", keywords("stats")), 3, "[SQLSTATE 28P01]");
  expect_failure(copy(uri("prod"), wrong + "/stats"), 3, "[SQLSTATE 28P01]");
  const auto result = run_pghaul(copy(wrong + "/prod", keywords("stats")));
  EXPECT_THAT(result.err, HasSubstr(fmt::format("pghaul: source: 127.0.0.1:{}/prod: cannot connect: ", server->port())));
  EXPECT_THAT(result.err, HasSubstr("correct the connection string, ~/.pgpass"));
  expect_failure({"status", "--target", wrong + "/stats"}, 3, "[SQLSTATE 28P01]");
}

TEST_F(Secrets, NoPasswordAtAll) {
  const auto bare = fmt::format("host=127.0.0.1 port={} user=postgres dbname=prod passfile=/dev/null", server->port());
  expect_failure(copy(bare, keywords("stats")), 3, "no password supplied");
}

TEST_F(Secrets, StringsThatAreNotUnderstood) {
  for (const auto& broken : {"host=h password='c4nary", "c4nary", "password=c4nary no_such_keyword=1",
                             "postgresql://u:c4nary%zz@h/db",
                             // What follows an @ or / that is not encoded would be taken for host or database.
                             "postgresql://u:half@c4nary@h/db", "postgres://u:half/c4nary@h/db",
                             "postgresql://u:half/@c4nary@h/db"}) {
    expect_failure(copy(broken, keywords("stats")), 2, "source: the connection string is not valid");
    expect_failure(copy(uri("prod"), broken), 2, "target: the connection string is not valid");
  }
}

TEST_F(Secrets, MistypedOptions) {
  expect_failure({"copy", "--sorce", uri("prod"), "--target", keywords("stats")}, 2, "unknown option --sorce");
  expect_failure({"copy", "--sorce=" + uri("prod")}, 2, "unknown option --sorce");
  expect_failure({"copy", uri("prod"), keywords("stats")}, 2, "unexpected argument");
  expect_failure({"copy", "--source", uri("prod"), "--target"}, 2, "--target");
  const auto result = run_pghaul({uri("prod")});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("unknown command"));
  expect_silence("stderr", result.err);
}

TEST_F(Secrets, ErrorsAfterConnecting) {
  expect_failure(copy(uri("nowhere"), keywords("stats")), 3, "[SQLSTATE 3D000]");
  expect_failure(copy(uri("prod"), keywords("stats"), {"--where", "no_such_column"}), 3, "[SQLSTATE 42703]");
}

TEST_F(Secrets, LogsOfTheServer) {
  const auto log = content_of(server->log_file());
  EXPECT_THAT(log, HasSubstr("COPY "));
  expect_silence("server log", log);
}

}  // namespace
}  // namespace pghaul::test
