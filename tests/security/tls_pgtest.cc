// The line: who may listen, and who may pose as the server. The host is one that does not count as local.
#include <atomic>

#include "fault/hostile_server.h"
#include "scenario/copy_test.h"
#include "security/certificates.h"
#include "security/stuffing_proxy.h"

namespace pghaul::test {
namespace {

constexpr auto words_to_type = "sslmode=verify-full sslrootcert=";

int count_of(const std::string& text, const std::string& word) {
  int count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// One server with the databases prod and stats, plain or with a certificate.
class Line : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const char* name : {"PGSSLMODE", "PGSSLROOTCERT", "PGREQUIREAUTH"}) ::unsetenv(name);
    ::setenv("HOME", "/nonexistent", 1);  // no ~/.postgresql/root.crt
    certificates = std::make_unique<Certificates>();
    server = std::make_unique<pg::ThrowawayServer>();
    server->start();
    run_psql(server->conninfo(), "CREATE DATABASE prod; CREATE DATABASE stats");
    run_psql(server->conninfo("prod"),
             "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9)");
  }
  static void TearDownTestSuite() {
    server.reset();
    certificates.reset();
  }
  void SetUp() override {
    run_psql(server->conninfo("stats"), "DROP SCHEMA IF EXISTS pghaul CASCADE; DROP TABLE IF EXISTS t");
  }

  static void use_certificate(const std::string& name) {
    server->stop(pg::ThrowawayServer::StopMode::fast);
    if (name.empty())
      std::ofstream(server->data_directory() + "/postgresql.auto.conf");
    else
      certificates->install(*server, name);
    server->start();
  }
  static std::string far(const std::string& database, const std::string& more = "") {
    return fmt::format("host={} port={} user=postgres dbname={} {}", far_host, server->port(), database,
                       more);
  }
  static std::string verifying() { return "sslmode=verify-full sslrootcert=" + certificates->authority(); }
  // To a name of our choice, without a resolver.
  static std::string named(const std::string& host) {
    return fmt::format("host={} hostaddr=127.0.0.1 port={} user=postgres dbname=prod {}", host,
                       server->port(), verifying());
  }
  static ProgramResult run(const std::string& verb, const std::string& source, const std::string& target,
                           const Environment& environment = {}) {
    return run_pghaul({verb, "--source", source, "--target", target, "--table", "t", "--progress", "none"},
                      environment);
  }
  static bool nothing_written() {
    return run_psql(server->conninfo("stats"),
                    "SELECT to_regnamespace('pghaul') IS NULL AND to_regclass('t') IS NULL") == "t";
  }
  static void expect_refused(const std::string& source, const std::string& words) {
    const auto result = run("copy", source, server->conninfo("stats"));
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_TRUE(nothing_written());
  }

  static std::unique_ptr<Certificates> certificates;
  static std::unique_ptr<pg::ThrowawayServer> server;
};
std::unique_ptr<Certificates> Line::certificates;
std::unique_ptr<pg::ThrowawayServer> Line::server;

TEST_F(Line, S1_WithoutEncryptionAFarServerIsRefused) {
  use_certificate("");
  expect_refused(far("prod"), "server does not support SSL, but SSL was required");
  const auto result = run("copy", server->conninfo("prod"), far("stats"));
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_TRUE(nothing_written());
  EXPECT_EQ(run_pghaul({"status", "--target", far("stats")}).status, 3);
}

TEST_F(Line, S1_WhoAsksForNoEncryptionIsWarnedOncePerSide) {
  use_certificate("");
  for (const char* verb : {"plan", "copy"}) {
    const auto result = run(verb, far("prod", "sslmode=disable"), far("stats", "sslmode=prefer"));
    EXPECT_EQ(result.status, 0) << result;
    const auto said = std::string_view(verb) == "plan" ? result.out : result.err;
    EXPECT_EQ(count_of(said, "warning: source: the line to 2130706433 is not encrypted (sslmode=disable)"), 1)
        << result;
    EXPECT_EQ(count_of(said, "warning: target: the line to 2130706433 is not encrypted (sslmode=prefer)"), 1)
        << result;
    EXPECT_EQ(count_of(said, "is not encrypted"), 2) << result;
  }
  const auto compared = run("verify", far("prod", "sslmode=disable"), far("stats", "sslmode=prefer"));
  EXPECT_EQ(compared.status, 0) << compared;
  for (const char* side : {"source", "target"}) {
    EXPECT_EQ(
        count_of(compared.err, fmt::format("warning: {}: the line to 2130706433 is not encrypted", side)), 1)
        << compared;
  }
  const auto from_ledger =
      run_pghaul({"verify", "--from-ledger", "--target", far("stats", "sslmode=disable"), "--table", "t"});
  EXPECT_EQ(from_ledger.status, 0) << from_ledger;
  EXPECT_EQ(count_of(from_ledger.err, "warning: target: the line to 2130706433 is not encrypted"), 1)
      << from_ledger;
  const auto plan = run("plan", far("prod", "sslmode=disable"), server->conninfo("stats"));
  EXPECT_THAT(plan.out, HasSubstr(words_to_type));
  const auto status = run_pghaul({"status", "--target", far("stats", "sslmode=disable")});
  EXPECT_EQ(status.status, 0) << status;
  EXPECT_EQ(count_of(status.err, "target: the line to 2130706433 is not encrypted"), 1) << status;
}

// S54: the environment is the user's, but what it weakens is said.
TEST_F(Line, S54_TheEnvironmentWeakensNothingInSilence) {
  use_certificate("");
  const auto result = run("copy", far("prod"), server->conninfo("stats"), {{"PGSSLMODE", "disable"}});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("the line to 2130706433 is not encrypted (sslmode=disable)"));
}

TEST_F(Line, S1_ALocalServerNeedsNoEncryption) {
  use_certificate("");
  for (const auto& source : {server->conninfo("prod"), server->socket_conninfo("prod")}) {
    const auto result = run("copy", source, server->conninfo("stats"));
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_THAT(result.err, Not(HasSubstr("the line to")));
  }
}

TEST_F(Line, S1_WithoutVerificationTheUserIsWarnedOncePerSide) {
  use_certificate("self_signed");
  const auto result = run("copy", far("prod"), far("stats", "sslmode=require"));
  EXPECT_EQ(result.status, 0) << result;
  for (const char* side : {"source", "target"}) {
    EXPECT_EQ(count_of(result.err,
                       fmt::format("warning: {}: the line to 2130706433 is encrypted, but the server is not "
                                   "verified (sslmode=require)",
                                   side)),
              1)
        << result;
  }
  EXPECT_EQ(run_psql(server->conninfo("stats"), "SELECT count(*) FROM t"), "9");
}

TEST_F(Line, S1_VerifyCaComparesNoName) {
  use_certificate("wrong_name");
  const auto result = run("copy", far("prod", "sslmode=verify-ca sslrootcert=" + certificates->authority()),
                          server->conninfo("stats"));
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("the certificate's host name is not compared (sslmode=verify-ca)"));
}

TEST_F(Line, S1_AVerifiedServerIsServedWithoutAWord) {
  use_certificate("good");
  const auto result = run("copy", far("prod", verifying()), far("stats", verifying()));
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, Not(HasSubstr("the line to")));
  EXPECT_EQ(run("copy", named("db.example"), server->conninfo("stats")).status, 0);
}

TEST_F(Line, S1_EveryBadCertificateIsRefused) {
  use_certificate("good");
  expect_refused(named("other.example"), "does not match host name \"other.example\"");
  for (const auto& [name, words] : {std::pair{"wrong_name", "does not match host name"},
                                    {"expired", "certificate verify failed"},
                                    {"unknown_authority", "certificate verify failed"},
                                    {"self_signed", "certificate verify failed"}}) {
    SCOPED_TRACE(name);
    use_certificate(name);
    expect_refused(far("prod", verifying()), words);
  }
}

TEST_F(Line, S3_WhatIsStuffedBeforeTheEncryptionIsRefused) {
  use_certificate("good");
  const StuffingProxy proxy(server->port());
  const auto target =
      fmt::format("host={} port={} user=postgres dbname=stats {}", far_host, proxy.port(), verifying());
  const auto result = run_pghaul({"status", "--target", target});
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("received unencrypted data after SSL response"));
}

// What stands on the way answers in the server's place, before anything is encrypted.
class OnTheWay : public testing::Test {
 protected:
  static std::string conninfo(const HostileServer& server) {
    return fmt::format("host={} port={} user=u dbname=d password=canary", far_host, server.port());
  }
  static ProgramResult status(const HostileServer& server) {
    return run_pghaul({"status", "--target", conninfo(server), "--connect-timeout", "3s"});
  }
};

TEST_F(OnTheWay, S2_ANoToEncryptionEndsItAndNothingIsSent) {
  std::atomic<bool> went_on{false};
  const HostileServer server([&](Client& client) {
    client.expect_startup();  // comes back only if the client goes on without encryption
    went_on = true;
  });
  const auto result = status(server);
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("server does not support SSL, but SSL was required"));
  EXPECT_FALSE(went_on);
}

TEST_F(OnTheWay, S4_AnErrorBeforeTheEncryptionIsNotTheServers) {
  const HostileServer server([](Client& client) {
    client.send(
        error_response({{'S', "FATAL"}, {'V', "FATAL"}, {'C', "28P01"}, {'M', "please call 555-0100"}}));
    client.keep_silent();
  });
  const auto result = status(server);
  EXPECT_NE(result.status, 0) << result;
  EXPECT_THAT(result.err, Not(HasSubstr("555-0100")));
  EXPECT_THAT(result.err, Not(HasSubstr("28P01")));
}

TEST_F(OnTheWay, S5_ThePasswordGoesToNobodyUnencrypted) {
  std::atomic<bool> asked{false};
  const HostileServer server([&](Client& client) {
    client.send("N" + authentication(3));  // as if the question had come
    client.expect('p');
    asked = true;
  });
  const auto result = status(server);
  EXPECT_NE(result.status, 0) << result;
  EXPECT_FALSE(asked);
  EXPECT_THAT(result.err, Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace pghaul::test
