// A server compared with its standby: one system identifier, two servers.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

class VerifyStandby : public Standby {
 protected:
  VerifyStandby() : Standby(shared_servers()) {
    admin_.source = on_primary();
    make_rows(3000);
    wait_for_standby();
  }
  static ProgramResult compare(const std::string& source, const std::string& target) {
    return run_pghaul({"verify", "--source", source, "--target", target, "--table", profiles, "--settle",
                       "1ms", "--batch-bytes", "64kB"},
                      {}, 120s);
  }
};

TEST_F(VerifyStandby, EitherMayBeTheSource) {
  EXPECT_EQ(compare(on_primary(), on_standby()).status, 0);
  EXPECT_EQ(compare(on_standby(), on_primary()).status, 0);
}

TEST_F(VerifyStandby, WhatItHasNotReplayedIsMissing) {
  run_psql(on_standby(), "SELECT pg_wal_replay_pause()");
  run_psql(on_primary(), "UPDATE public.profiles SET data = '{}' WHERE id = 300");
  const auto result = compare(on_primary(), on_standby());
  run_psql(on_standby(), "SELECT pg_wal_replay_resume()");
  EXPECT_EQ(result.status, 1) << result;
  EXPECT_THAT(result.out, HasSubstr("id = 300: differs in data")) << result;
}

TEST_F(VerifyStandby, TheSameStandbyTwiceIsRefused) {
  const auto result = compare(on_standby(), standby_.socket_conninfo(database()));
  EXPECT_EQ(result.status, 3) << result;
  EXPECT_THAT(result.err, HasSubstr("source and target are the same database")) << result;
}

}  // namespace
}  // namespace pghaul::test
