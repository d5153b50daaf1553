#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pg/connection.h"

namespace pghaul::pg {
namespace {

using testing::HasSubstr;
using testing::Not;

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() {
    for (const char* name : {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"}) {
      ::unsetenv(name);
    }
    ::setenv("PGPORT", "5432", 1);
    ::setenv("PGUSER", "somebody", 1);
  }
  static std::string label(const std::string& conninfo) { return parse_endpoint(Side::source, conninfo).label; }
};

TEST_F(EndpointTest, LabelOfAUri) {
  EXPECT_EQ(label("postgresql://reader:s3cret@prod.example:6432/shop"), "prod.example:6432/shop");
  EXPECT_EQ(label("postgres://prod.example/shop"), "prod.example:5432/shop");
  EXPECT_EQ(label("postgresql://[2001:db8::1]:6432/shop?sslmode=require"), "2001:db8::1:6432/shop");
  EXPECT_EQ(label("postgresql://a:1,b:2/shop"), "a,b:1,2/shop");
  EXPECT_EQ(label("postgresql://u:s3%23cret@h/a%20b"), "h:5432/a b");
}

TEST_F(EndpointTest, LabelOfKeywords) {
  EXPECT_EQ(label("host=prod.example port=6432 dbname=shop user=reader password=s3cret"), "prod.example:6432/shop");
  EXPECT_EQ(label("host='/run/my sockets' dbname='my \\'shop\\'' password='s3\\'cret'"),
            "/run/my sockets:5432/my 'shop'");
  EXPECT_EQ(label("hostaddr=192.0.2.7 dbname=shop"), "192.0.2.7:5432/shop");
}

TEST_F(EndpointTest, WhatTheStringLeavesOutComesFromTheEnvironment) {
  EXPECT_EQ(label("dbname=shop"), "local socket:5432/shop");
  EXPECT_EQ(label(""), "local socket:5432/somebody");
  EXPECT_EQ(label("postgresql://"), "local socket:5432/somebody");
  ::setenv("PGHOST", "other.example", 1);
  ::setenv("PGPORT", "7", 1);
  ::setenv("PGDATABASE", "db", 1);
  EXPECT_EQ(label(""), "other.example:7/db");
  EXPECT_EQ(label("user=anybody host=h"), "h:7/db");
}

TEST_F(EndpointTest, NoPasswordInTheLabel) {
  ::setenv("PGPASSWORD", "s3cret", 1);
  for (const char* conninfo : {"postgresql://u:s3cret@h:1/d", "postgresql://u@h/d?password=s3cret",
                               "host=h user=u password=s3cret", "sslpassword=s3cret host=h", "user=u"}) {
    EXPECT_THAT(label(conninfo), Not(HasSubstr("s3cret"))) << conninfo;
  }
}

TEST_F(EndpointTest, KeepsSideAndString) {
  const auto endpoint = parse_endpoint(Side::target, "host=h password=s3cret");
  EXPECT_EQ(endpoint.side, Side::target);
  EXPECT_EQ(endpoint.conninfo.reveal(), "host=h password=s3cret");
}

class BadEndpoint : public testing::TestWithParam<const char*> {};

TEST_P(BadEndpoint, IsAUsageErrorThatTellsNoPassword) {
  try {
    parse_endpoint(Side::target, GetParam());
    FAIL() << "accepted: " << GetParam();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(error.side(), Side::target);
    EXPECT_FALSE(error.advice().empty());
    EXPECT_THAT(error.story(true), Not(HasSubstr("s3cret")));
  }
}

INSTANTIATE_TEST_SUITE_P(Strings, BadEndpoint,
                         testing::Values("s3cret", "password s3cret", "host=h passwort=s3cret", "password='s3cret",
                                         "postgresql://u:s3cret@[h/d", "postgresql://u:s3cret@h/d?s3cret",
                                         "postgresql://u:s3cret%zz@h/d", "postgresql://u:s3cret%00@h/d",
                                         "postgresql://u:s3cret@h/d?password=s3cret&x=s3cret"));

TEST_F(EndpointTest, AnAddressThatIsNotTheNamesIsShown) {
  EXPECT_EQ(label("host=db.example hostaddr=192.0.2.7 dbname=shop"), "db.example (192.0.2.7):5432/shop");
  ::setenv("PGHOSTADDR", "192.0.2.8", 1);
  EXPECT_EQ(label("host=db.example dbname=shop"), "db.example (192.0.2.8):5432/shop");
  ::unsetenv("PGHOSTADDR");
}

// libpq takes a dbname for a whole connection string only where it is asked to, and only once.
TEST_F(EndpointTest, S16_ADatabaseNameIsANameWhateverItSays) {
  EXPECT_EQ(label("host=h dbname='host=evil port=1'"), "h:5432/host=evil port=1");
  EXPECT_EQ(label("postgresql://h/host%3Devil%20port%3D1"), "h:5432/host=evil port=1");
  EXPECT_EQ(label("host=h dbname='postgresql://evil:1/x'"), "h:5432/postgresql://evil:1/x");
}

TEST_F(EndpointTest, S54_WhatSteersBothSidesIsNamed) {
  for (const char* name : {"PGHOSTADDR", "PGOPTIONS"}) ::unsetenv(name);
  EXPECT_THAT(steering_environment(), testing::IsEmpty());
  ::setenv("PGOPTIONS", "-c search_path=evil", 1);
  EXPECT_THAT(steering_environment(), testing::ElementsAre("PGOPTIONS"));
  ::unsetenv("PGOPTIONS");
}

}  // namespace
}  // namespace pghaul::pg
