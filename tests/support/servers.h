// Two real servers per test program, and a fresh pair of databases per test.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "pg/throwaway_server.h"
#include "support/program.h"

namespace pghaul::test {

// Started on first use, stopped when the program ends. No server to be had is an Error, and so a failed test.
// A test that stops one has to start it again. $PGHAUL_TEST_SOURCE_BINDIR and $PGHAUL_TEST_TARGET_BINDIR are folders of
// other PostgreSQL versions' programs for either side.
pg::ThrowawayServer& source_server();
pg::ThrowawayServer& target_server();

// An empty database of this name on each of them, and its end. A server that is stopped is passed over at the end: it has
// to be missed by what comes after it.
void make_databases(const std::string& name);
void drop_databases(const std::string& name);

// What psql prints for the statements (unaligned, tuples only, fields between '|'), without the last newline. Each
// statement is a transaction of its own unless `sql` says BEGIN. Errors: failed, at the first statement that fails.
std::string run_psql(const std::string& conninfo, const std::string& sql);
// The same without judging.
ProgramResult try_psql(const std::string& conninfo, const std::string& sql);
ProcessOptions psql_options(const std::string& conninfo);

// Derives from it: a test has an empty database on each server, named after the test and dropped at its end.
class ServersTest : public testing::Test {
 protected:
  ServersTest();
  ~ServersTest() override;

  const std::string& database() const { return database_; }
  // As the superuser, over TCP.
  std::string source_conninfo() const { return source_server().conninfo(database_); }
  std::string target_conninfo() const { return target_server().conninfo(database_); }
  std::string source_sql(const std::string& sql) const { return run_psql(source_conninfo(), sql); }
  std::string target_sql(const std::string& sql) const { return run_psql(target_conninfo(), sql); }
  // Both servers are of one major version, so that rows may travel in binary.
  bool same_version() const;

 private:
  std::string database_;
};

}  // namespace pghaul::test
