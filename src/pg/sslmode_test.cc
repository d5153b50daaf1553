#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "pg/sslmode.h"

namespace pghaul::pg {
namespace {

std::string chosen(const std::string& conninfo) {
  const char* mode = default_sslmode(parse_endpoint(Side::source, conninfo));
  return mode == nullptr ? "" : mode;
}

class DefaultSslmodeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"PGSSLMODE", "PGHOST", "PGHOSTADDR", "PGSERVICE"}) ::unsetenv(name);
  }
};

TEST_F(DefaultSslmodeTest, ToALocalHostLibpqDecides) {
  for (const char* conninfo : {"", "host=/run/postgresql", "host=localhost", "host=127.0.0.2", "host=::1",
                               "postgresql://u@localhost:5433/db"}) {
    EXPECT_EQ(chosen(conninfo), "") << conninfo;
  }
}

TEST_F(DefaultSslmodeTest, ToAnotherHostEncryptionIsRequired) {
  for (const char* conninfo : {"host=db.example", "postgresql://u@db.example/x", "host=localhost,db.example",
                               "host=localhost hostaddr=192.0.2.1"}) {
    EXPECT_EQ(chosen(conninfo), "require") << conninfo;
  }
}

TEST_F(DefaultSslmodeTest, WhatTheUserChoseStays) {
  EXPECT_EQ(chosen("host=db.example sslmode=disable"), "");
  EXPECT_EQ(chosen("postgresql://u@db.example/x?sslmode=verify-full"), "");
  ::setenv("PGSSLMODE", "prefer", 1);
  EXPECT_EQ(chosen("host=db.example"), "");
}

TEST_F(DefaultSslmodeTest, AHostFromTheEnvironmentCountsToo) {
  ::setenv("PGHOST", "db.example", 1);
  EXPECT_EQ(chosen("dbname=x"), "require");
}

}  // namespace
}  // namespace pghaul::pg
