// Servers that cannot be reached, command lines that make no sense: told in time, and nothing is written.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenario/bad_input.h"

namespace pghaul::test {
namespace {

std::string dead_end(const std::string& host, int port) {
  return fmt::format("host={} port={} user=postgres dbname=postgres connect_timeout=5", host, port);
}

// Of a socket that was bound and closed again.
int closed_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

TEST_F(BadInput, UnknownHost) {
  const auto nowhere = dead_end("no-such-host.invalid", 5432);
  const std::vector<std::string> words{"no-such-host.invalid:5432/postgres", "could not translate host name",
                                       "next:", "see whether the server runs"};
  auto of_source = words, of_target = words;
  of_source.emplace_back("pghaul: source: ");
  of_target.emplace_back("pghaul: target: ");
  expect_refused_between(nowhere, target_conninfo(), of_source);
  expect_refused_between(source_conninfo(), nowhere, of_target);
}

TEST_F(BadInput, ClosedPort) {
  const int port = closed_port();
  const auto nobody = dead_end("127.0.0.1", port);
  const auto place = fmt::format("127.0.0.1:{}/postgres", port);
  expect_refused_between(nobody, target_conninfo(), {"pghaul: source: " + place, "Connection refused", "next:"});
  expect_refused_between(source_conninfo(), nobody, {"pghaul: target: " + place, "Connection refused", "next:"});
}

TEST_F(BadInput, WrongDatabase) {
  expect_refused_between(source_server().conninfo("no_such_database"), target_conninfo(),
                         {"pghaul: source: ", "no_such_database", "[SQLSTATE 3D000]", "correct the connection string"});
  expect_refused_between(source_conninfo(), target_server().conninfo("no_such_database"),
                         {"pghaul: target: ", "no_such_database", "[SQLSTATE 3D000]", "correct the connection string"});
}

TEST_F(BadInput, UnknownRole) {
  expect_refused_between(source_as("nobody_of_that_name"), target_conninfo(),
                         {"pghaul: source: ", "nobody_of_that_name", "[SQLSTATE 28000]"});
}

TEST_F(BadInput, SameTableOfTheSameServer) {
  make_profiles(3);
  expect_refused_between(source_conninfo(), source_conninfo(),
                         {"source and target are the same database " + database(), "check --source and --target"});
  // However it is written.
  expect_refused_between(source_conninfo(), source_server().socket_conninfo(database()), {"the same database"});
  EXPECT_EQ(source_sql("SELECT to_regnamespace('pghaul') IS NULL, (SELECT count(*) FROM public.profiles)"), "t|3");
}

TEST_F(BadInput, SizesWithWrongUnits) {
  make_profiles(1);
  for (const char* size : {"8", "8M", "8mb", "8 parsecs", "-8MB", "1e3MB", "MB", "0MB", "9999999999999999999GB"}) {
    expect_usage({"--batch-bytes", size}, {"--batch-bytes", size});
  }
  expect_usage({"--batch-bytes", "8M"}, {"kB", "MiB"});
  for (const char* rate : {"50", "50MB", "50MB/min", "0MB/s"}) expect_usage({"--max-rate", rate}, {"--max-rate", rate});
}

TEST_F(BadInput, TimesWithWrongUnits) {
  make_profiles(1);
  for (const char* option : {"--timeout", "--statement-timeout", "--connect-timeout", "--reconnect-timeout", "--sleep",
                             "--late-wait"}) {
    for (const char* time : {"5", "5m", "5 weeks", "-5s", "s"}) expect_usage({option, time}, {option, time});
  }
  expect_usage({"--timeout", "5m"}, {"min"});
}

TEST_F(BadInput, NumbersOutOfTheirBounds) {
  make_profiles(1);
  for (const char* option : {"--readers", "--writers"}) {
    for (const char* number : {"0", "-1", "65", "two", "1.5"}) expect_usage({option, number}, {option});
  }
  expect_usage({"--max-retries", "4"}, {"--max-retries", "3"});
  expect_usage({"--max-chunks", "0"}, {"--max-chunks"});
  expect_usage({"--batch-rows", "0"}, {"--batch-rows"});
}

TEST_F(BadInput, WordsThatAreNone) {
  make_profiles(1);
  expect_usage({"--chunk-by", "moon"}, {"--chunk-by", "key", "ctid", "whole"});
  expect_usage({"--snapshot", "none"}, {"--snapshot", "shared", "chunk"});
  expect_usage({"--on-conflict", "panic"}, {"--on-conflict", "error", "skip", "update"});
  expect_usage({"--late-rows", "never"}, {"--late-rows", "wait", "scan", "ignore"});
  expect_usage({"--after-copy", "freeze"}, {"--after-copy", "vacuum", "analyze", "none"});
  expect_usage({"--progress", "loud"}, {"--progress", "json"});
  expect_usage({"--allow", "everything"}, {"--allow", "triggers", "foreign-keys"});
  expect_usage({"--no-such-option"}, {"unknown option --no-such-option", "pghaul copy --help"});
}

TEST_F(BadInput, OptionsThatContradictEachOther) {
  make_profiles(1);
  expect_usage({"--full", "--on-conflict", "skip"}, {"--full and --on-conflict skip contradict", "leave one of them out"});
  expect_usage({"--full", "--on-conflict", "update"}, {"--full and --on-conflict update contradict"});
  expect_usage({"--require-one-snapshot", "--snapshot", "chunk"}, {"--require-one-snapshot and --snapshot chunk"});
  expect_usage({"--late-rows", "ignore", "--late-wait", "5s"}, {"--late-rows ignore and --late-wait"});
  expect_usage({"--table", profiles, "--table", "profiles"}, {"public.profiles is given twice"});
  expect_usage({"--columns", "id,id"}, {"--columns: id is given twice"});
}

TEST_F(BadInput, SomethingIsMissing) {
  expect_error(2, {"copy", "--target", target_conninfo(), "--table", profiles}, {"--source is missing", "PGHAUL_SOURCE"});
  expect_error(2, {"copy", "--source", source_conninfo(), "--table", profiles}, {"--target is missing", "PGHAUL_TARGET"});
  expect_error(2, {"copy", "--source", source_conninfo(), "--target", target_conninfo()}, {"--table is missing"});
  expect_error(2, {}, {"no command", "pghaul --help"});
  expect_error(2, {"move"}, {"unknown command move"});
}

TEST_F(BadInput, TheErrorAsJson) {
  make_profiles(1);
  const auto result = copy({"--columns", "id,colour", "--json"});
  EXPECT_EQ(result.status, 3) << result;
  const auto document = json_of(result);
  EXPECT_EQ(document["exit_code"], 3);
  EXPECT_EQ(document["error"]["kind"], "refused");
  EXPECT_EQ(document["error"]["object"], profiles);
  EXPECT_THAT(document["error"]["message"].get<std::string>(), HasSubstr("there is no column colour"));
  EXPECT_EQ(target_sql("SELECT to_regnamespace('pghaul') IS NULL"), "t");
}

}  // namespace
}  // namespace pghaul::test
