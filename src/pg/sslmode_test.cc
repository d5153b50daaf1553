#include "pg/sslmode.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace pghaul::pg {
namespace {

std::string chosen(const std::string& conninfo) {
  const char* mode = default_sslmode(parse_endpoint(Side::source, conninfo));
  return mode == nullptr ? "" : mode;
}

class DefaultSslmodeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"PGSSLMODE", "PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGREQUIREAUTH"}) {
      ::unsetenv(name);
    }
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

TEST_F(DefaultSslmodeTest, S1_ANameIsNoAddressHoweverItBegins) {
  for (const char* conninfo :
       {"host=127.0.0.1.example.com", "host=127.evil.example", "host=127.1", "host=2130706433",
        "host=localhost.example.com", "host=Localhost", "host=::2", "host=fe80::1"}) {
    EXPECT_EQ(chosen(conninfo), "require") << conninfo;
  }
  EXPECT_EQ(chosen("host=db.example hostaddr=127.0.0.1"), "")
      << "nothing is looked up, nothing leaves the machine";
}

TEST_F(DefaultSslmodeTest, S1_EveryHostOfAListCounts) {
  EXPECT_EQ(chosen("host=db.example,localhost hostaddr=,127.0.0.1"), "require") << "the first has no address";
  EXPECT_EQ(chosen("host=localhost,db.example hostaddr=127.0.0.1,"), "require");
  EXPECT_EQ(chosen("host=db.example,other.example hostaddr=127.0.0.1,127.0.0.2"), "");
}

// A service may say host and sslmode: both count, wherever the service is named.
TEST_F(DefaultSslmodeTest, S54_AServiceWeakensNothing) {
  const std::string file = testing::TempDir() + "/pg_service.conf";
  std::ofstream(file)
      << "[far]\nhost=db.example\n[plain]\nhost=db.example\nsslmode=disable\n[near]\nhost=/run\n"
         "[checked]\nhost=db.example\nsslmode=verify-full\n";
  ::setenv("PGSERVICEFILE", file.c_str(), 1);
  EXPECT_EQ(chosen("service=far"), "require");
  EXPECT_EQ(chosen("postgresql:///x?service=far"), "require");
  EXPECT_EQ(chosen("service=near"), "");
  EXPECT_EQ(chosen("service=plain"), "") << "chosen there";
  EXPECT_EQ(chosen("service=checked"), "") << "and not lowered to require";
  ::setenv("PGSERVICE", "far", 1);
  EXPECT_EQ(chosen("dbname=x"), "require");
  EXPECT_EQ(parse_endpoint(Side::source, "service=far dbname=x").label, "db.example:5432/x");
}

TEST_F(DefaultSslmodeTest, S5_OnlyAVerifiedOrLocalServerIsHandedThePassword) {
  const auto method = [](const std::string& conninfo, int version = 160'000) {
    const char* found = default_require_auth(parse_endpoint(Side::source, conninfo), version);
    return std::string(found == nullptr ? "" : found);
  };
  EXPECT_EQ(method("host=db.example"), "!password");
  EXPECT_EQ(method("host=db.example sslmode=require"), "!password");
  EXPECT_EQ(method("host=db.example sslmode=verify-full"), "");
  EXPECT_EQ(method("host=localhost"), "");
  EXPECT_EQ(method("host=db.example", 150'020), "") << "libpq does not know the keyword";
  ::setenv("PGREQUIREAUTH", "scram-sha-256", 1);
  EXPECT_EQ(method("host=db.example"), "");
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
