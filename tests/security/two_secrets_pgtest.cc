// S10 to S12, S17, S24, S20, S40: two servers with a password each. Neither password shows up anywhere, nor
// at the other server; nobody starts a child; every session on the source is read only from its first
// statement on.
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "fault/hostile_server.h"
#include "pghaul/error.h"
#include "scenario/copy_test.h"
#include "security/secrets.h"

namespace pghaul::test {
namespace {

const Password source_password{R"(s0urce ' " \ %41 @:/?#&= ü$(id) {} %s)"};
const Password target_password{R"(t4rget ' " \ %42 @:/?#&= ö`id` {0} %n)"};

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::unique_ptr<pg::ThrowawayServer> make_server(const Password& password) {
  pg::ThrowawayOptions options;
  options.superuser_password = password.plain;
  options.settings = {"log_statement=all", "log_connections=on", "log_min_messages=log",
                      "log_line_prefix=%p|%a|"};
  auto server = std::make_unique<pg::ThrowawayServer>(options);
  server->start();
  return server;
}

class TwoSecrets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    source = make_server(source_password);
    target = make_server(target_password);
    run_psql(source->conninfo(),
             "CREATE TABLE t (id bigserial PRIMARY KEY, v text); INSERT INTO t (v) SELECT repeat('v', 200) "
             "FROM generate_series(1, 5000) g; ANALYZE t; CREATE INDEX ON t (v)");
  }
  static void TearDownTestSuite() {
    source.reset();
    target.reset();
  }
  void SetUp() override {
    run_psql(target->conninfo(), "DROP TABLE IF EXISTS t; DROP SCHEMA IF EXISTS pghaul CASCADE");
    source_log_ = content_of(source->log_file()).size();
  }
  static std::string uri(const pg::ThrowawayServer& server, const Password& password) {
    return fmt::format("postgresql://postgres:{}@127.0.0.1:{}/postgres", percent_encoded(password.plain),
                       server.port());
  }
  static Arguments copy(const Arguments& more = {}) {
    Arguments arguments{"copy",    "--source", uri(*source, source_password), "--target", target->conninfo(),
                        "--table", "t"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static void expect_no_secret(const std::string& where, const std::string& text) {
    expect_silence(where, text, source_password);
    expect_silence(where, text, target_password);
  }
  // Lines of the source's log since the test began, by the session of ours that made them:
  // "pid|application|".
  std::map<std::string, std::vector<std::string>> source_sessions() const {
    std::map<std::string, std::vector<std::string>> sessions;
    std::istringstream lines(content_of(source->log_file()).substr(source_log_));
    for (std::string line; std::getline(lines, line);) {
      const auto name = line.find("|pghaul ");
      if (name == std::string::npos || line.find_first_not_of("0123456789") != name) continue;
      const auto end = line.find('|', name + 1) + 1;
      sessions[line.substr(0, end)].push_back(line.substr(end));
    }
    return sessions;
  }

  static std::unique_ptr<pg::ThrowawayServer> source, target;
  std::size_t source_log_ = 0;
};
std::unique_ptr<pg::ThrowawayServer> TwoSecrets::source, TwoSecrets::target;

TEST_F(TwoSecrets, S12_NowhereWhileItRunsAndAfterwards) {
  auto running =
      start_pghaul(copy({"--verbose", "--batch-bytes", "64kB", "--sleep", "50ms", "--progress", "json"}),
                   {{"PGPASSFILE", "/nonexistent"}});
  ASSERT_TRUE(wait_until([&] { return running.err().find("copying") != std::string::npos; }));
  const auto folder = fmt::format("/proc/{}/", running.process().pid());
  expect_no_secret("argv", content_of(folder + "cmdline"));
  expect_no_secret("environment", content_of(folder + "environ"));
  for (const auto& server : {source.get(), target.get()}) {
    expect_no_secret("activity", run_psql(server->conninfo(),
                                          "SELECT application_name, query FROM pg_stat_activity "
                                          "WHERE application_name LIKE 'pghaul%'"));
  }
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_no_secret("output", result.out + result.err);
  expect_no_secret("ledger", run_psql(target->conninfo(), "SELECT schema_to_xml('pghaul', true, false, '')"));
  expect_no_secret("plan", run_pghaul({"plan", "--source", uri(*source, source_password), "--target",
                                       target->conninfo(), "--table", "t", "--json"})
                               .out);
  expect_no_secret("status", run_pghaul({"status", "--target", target->conninfo(), "--json"}).out);
}

TEST_F(TwoSecrets, S17_NeitherServerLearnsTheOthers) {
  const auto result = run_pghaul(copy());
  EXPECT_EQ(result.status, 0) << result;
  expect_no_secret("log of the source", content_of(source->log_file()));
  expect_no_secret("log of the target", content_of(target->log_file()));
}

// Also in the clear: a server that asks for the password itself gets its own.
TEST_F(TwoSecrets, S17_AServerIsGivenItsOwnPassword) {
  std::mutex mutex;
  std::string heard;
  const HostileServer eavesdropper([&](Client& client) {
    auto bytes = client.expect_startup();
    client.send(authentication(3));
    bytes += client.expect('p');
    client.send(authentication(0) + ready_for_query());
    bytes += client.expect('P');
    const std::lock_guard lock(mutex);
    heard += bytes;
  });
  const auto at = [&](const Password& password) {
    return eavesdropper.conninfo() + " " + password.keyword();
  };
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    return std::exchange(heard, "");
  };
  run_pghaul({"copy", "--source", at(source_password), "--target", target->conninfo(), "--table", "t"});
  const auto as_source = take();
  EXPECT_THAT(as_source, HasSubstr(source_password.plain));
  expect_silence("as source", as_source, target_password);
  run_pghaul(
      {"copy", "--source", uri(*source, source_password), "--target", at(target_password), "--table", "t"});
  const auto as_target = take();
  EXPECT_THAT(as_target, HasSubstr(target_password.plain));
  expect_silence("as target", as_target, source_password);
}

TEST_F(TwoSecrets, S12_NoErrorTellsThem) {
  const auto wrong = Password{source_password.plain + "!"};
  const auto bare = fmt::format("host=127.0.0.1 port={} user=postgres dbname=postgres ", source->port());
  for (const auto& bad :
       {uri(*source, wrong), bare + wrong.keyword(), bare + source_password.keyword() + " sslmode=nonsense",
        bare + source_password.keyword() + " host=nowhere.invalid",
        "host=127.0.0.1 port=1 " + source_password.keyword(),
        fmt::format("postgresql://postgres:{}@nowhere.invalid/postgres",
                    percent_encoded(source_password.plain)),
        bare + source_password.keyword() + " nonsense", bare + "nonsense=1 " + source_password.keyword()}) {
    for (const auto* how : {"--verbose", "--json"}) {
      const auto result = run_pghaul({"copy", "--source", bad, "--target", target->conninfo(), "--table", "t",
                                      how, "--connect-timeout", "3s"});
      EXPECT_TRUE(result.status == 2 || result.status == 3) << result;
      expect_no_secret("error", result.out + result.err);
    }
  }
}

// S24, S11: no program is started, so nothing can be handed to one.
TEST_F(TwoSecrets, S24_NobodyStartsAChild) {
  const auto file = testing::TempDir() + fmt::format("pghaul-strace-{}", ::getpid());
  ProcessOptions options;
  options.argv = {"strace", "-f", "-qq", "-e", "trace=execve,execveat,fork,vfork", "-o", file, PGHAUL_BINARY};
  for (const auto& argument : copy({"--batch-bytes", "64kB"})) options.argv.push_back(argument);
  ProgramResult result;
  try {
    result = run_program(options);
  } catch (const Error& error) {
    GTEST_SKIP() << "strace is not installed: " << error.what();
  }
  const auto trace = content_of(file);
  std::filesystem::remove(file);
  if (trace.empty()) GTEST_SKIP() << "no process may be traced here: " << result;
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(trace.find("exec"), trace.rfind("execve(")) << trace;
  EXPECT_THAT(trace, Not(HasSubstr("fork"))) << trace;
}

TEST_F(TwoSecrets, S24_NorIsOneSeenWhileItRuns) {
  auto running = start_pghaul(copy({"--batch-bytes", "64kB", "--sleep", "20ms"}));
  const auto tasks = fmt::format("/proc/{}/task", running.process().pid());
  while (!running.process().wait(Deadline::after(5ms))) {
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
      EXPECT_EQ(content_of(task.path().string() + "/children"), "");
    }
  }
  EXPECT_EQ(running.finish().status, 0);
}

TEST_F(TwoSecrets, S20_EverySessionOnTheSourceIsReadOnlyFromTheFirst) {
  EXPECT_EQ(run_pghaul(copy({"--batch-bytes", "64kB", "--max-chunks", "1"})).status, 4);
  EXPECT_EQ(run_pghaul(copy({"--batch-bytes", "64kB", "--snapshot", "chunk"})).status, 0);
  const auto sessions = source_sessions();
  EXPECT_GE(sessions.size(), 6U);
  for (const auto& [name, lines] : sessions) {
    std::vector<std::string> said;
    for (const auto& line : lines) {
      if (line.find("connection ") == std::string::npos) said.push_back(line);
    }
    ASSERT_GE(said.size(), 2U) << name;
    EXPECT_THAT(said[0], HasSubstr("SELECT pg_catalog.set_config(")) << name;
    EXPECT_THAT(said[1], HasSubstr("parameters: $1 = 'search_path', $2 = '', ")) << name;
    EXPECT_THAT(said[1], testing::ContainsRegex("'default_transaction_read_only', [$][0-9]+ = 'on'")) << name;
  }
}

// S40: nothing but reading, and settings of the session.
TEST_F(TwoSecrets, S40_OnlyReadingStatementsReachTheSource) {
  EXPECT_EQ(run_pghaul(copy({"--batch-bytes", "64kB"})).status, 0);
  run_psql(source->conninfo(), "INSERT INTO t (v) VALUES ('gained')");
  EXPECT_EQ(run_pghaul(copy({"--late-rows", "scan"})).status, 0);
  int statements = 0;
  for (const auto& [name, lines] : source_sessions()) {
    for (const auto& line : lines) {
      for (const auto* begin : {"LOG:  statement: ", "LOG:  execute <unnamed>: "}) {
        if (!line.starts_with(begin)) continue;
        ++statements;
        const auto sql = line.substr(std::string_view(begin).size());
        const auto word = sql.substr(0, sql.find_first_of(" ;\n"));
        EXPECT_THAT(word, testing::AnyOf("SELECT", "BEGIN", "COMMIT", "ROLLBACK", "SET", "WITH", "COPY", ""))
            << name << sql;
        EXPECT_TRUE(word != "COPY" || sql.find(") TO STDOUT") != std::string::npos) << sql;
      }
    }
  }
  EXPECT_GT(statements, 50);
}

}  // namespace
}  // namespace pghaul::test
