// What is found out about servers before anything begins. Versions that there are no servers of are made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/check_servers.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using testing::HasSubstr;
using Severity = Finding::Severity;

class CheckServers : public test::ServersTest {
 protected:
  CheckServers() : server_(pg::parse_endpoint(Side::source, source_conninfo()), {}) {
    facts_ = catalog::read_server_facts(server_, soon());
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }
  std::vector<Finding> found(int version, bool allowed = false) {
    facts_.version_num = version;
    Allowed all;
    all.untested_version = allowed;
    std::vector<Finding> findings;
    check_server_and_line(server_, "source", facts_, all, soon(), findings);
    return findings;
  }

  pg::Connection server_;
  catalog::ServerFacts facts_;
};

TEST_F(CheckServers, NothingOfAServerThatWillDo) {
  EXPECT_TRUE(found(server_.server_version()).empty());
}

TEST_F(CheckServers, VersionsThatWereNotTested) {
  for (const int version : {130'022, 190'000}) {
    const auto refused = found(version);
    ASSERT_EQ(refused.size(), 1);
    EXPECT_EQ(refused[0].severity, Severity::error);
    EXPECT_EQ(refused[0].side, Side::source);
    EXPECT_THAT(refused[0].text, HasSubstr("pghaul is made for 14 to 18"));
    EXPECT_THAT(refused[0].advice, HasSubstr("--untested-version"));
    const auto allowed = found(version, true);
    ASSERT_EQ(allowed.size(), 1);
    EXPECT_EQ(allowed[0].severity, Severity::warning);
  }
}

TEST_F(CheckServers, NoVersionIsRefusedInAnyCase) {
  const auto refused = found(0, true);
  ASSERT_EQ(refused.size(), 1);
  EXPECT_EQ(refused[0].severity, Severity::error);
  EXPECT_THAT(refused[0].text, HasSubstr("gives no version that could be read"));
}

TEST_F(CheckServers, OneServerIsToldFromOthers) {
  pg::Connection again(pg::parse_endpoint(Side::target, test::source_server().socket_conninfo(database())),
                       {});
  pg::Connection other(pg::parse_endpoint(Side::target, target_conninfo()), {});
  EXPECT_TRUE(is_one_server(server_, again, soon()));
  EXPECT_FALSE(is_one_server(server_, other, soon()));
  EXPECT_TRUE(is_same_database(facts_, catalog::read_server_facts(again, soon())));
  EXPECT_FALSE(is_same_database(facts_, catalog::read_server_facts(other, soon())));
}

}  // namespace
}  // namespace pghaul
