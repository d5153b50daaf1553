// C14, C15: a server that has no room for more sessions.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

// Nine sessions of ordinary roles at most, three for superusers.
pg::ThrowawayServer& small_server() {
  static pg::ThrowawayServer server([] {
    pg::ThrowawayOptions options;
    options.settings = {"max_connections=12", "superuser_reserved_connections=3"};
    return options;
  }());
  server.start();
  return server;
}

class Connections : public ServerFaults {
 protected:
  static constexpr std::size_t room = 9;

  // The small server is one side, with a role that has no reserved connection; the role may do what a copy
  // needs.
  void use_small_source() {
    make_database(admin_.source);
    make_rows(6000);
    admin_source("GRANT SELECT ON public.profiles TO copier");
    copier_.source = with_role(small_server(), database(), "copier");
  }
  void use_small_target() {
    make_rows(6000);
    make_database(admin_.target);
    copier_.target = with_role(small_server(), database(), "copier");
  }

  // As many sessions as leave `left` to others; all there are if it is 0.
  void fill(std::size_t left = 0) {
    const auto filler = small_server().conninfo("postgres", "filler");
    for (;;) {
      try {
        if (left > 0 && fillers_.size() == room - left) return;
        fillers_.push_back(std::make_unique<OpenSession>(filler));
      } catch (const Error& error) {
        ASSERT_EQ(error.sqlstate(), "53300") << error.what();
        return;
      }
    }
  }
  void make_room() { fillers_.clear(); }
  // Ends one session of pghaul and takes its place before it comes back.
  void take_place_of(const std::string& admin, const std::string& role) {
    fill();
    const auto before = fillers_.size();
    run_psql(admin, terminate_sql(role));
    EXPECT_TRUE(wait_until([&] {
      fill();
      return fillers_.size() > before;
    }));
  }

 private:
  void make_database(std::string& admin) {
    run_psql(small_server().conninfo(),
             fmt::format("DROP DATABASE IF EXISTS {0} WITH (FORCE); DROP ROLE IF EXISTS copier, filler;"
                         "CREATE ROLE copier LOGIN; CREATE ROLE filler LOGIN",
                         database()));
    run_psql(small_server().conninfo(), fmt::format("CREATE DATABASE {} OWNER copier", database()));
    admin = small_server().conninfo(database());
  }
  void TearDown() override {
    make_room();
    run_psql(small_server().conninfo(), fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", database()));
  }

  std::vector<std::unique_ptr<OpenSession>> fillers_;
};

const std::vector<std::string> no_room{"SQLSTATE 53300"};

TEST_F(Connections, C14_SourceIsFullAtTheStart) {
  use_small_source();
  fill();
  expect_failure(run(), refused, no_room);
  make_room();
  expect_completion();
}

TEST_F(Connections, C14_TargetIsFullAtTheStart) {
  use_small_target();
  fill();
  expect_failure(run(), refused, no_room);
  make_room();
  expect_completion();
}

TEST_F(Connections, C14_SourceHasRoomForOneReader) {
  use_small_source();
  fill(4);  // one looks after the job, two hold the snapshot
  const auto result = run({"--readers", "4", "--batch-bytes", "64kB", "--reconnect-timeout", "5s"});
  EXPECT_THAT(result.err, HasSubstr("going on with fewer readers")) << result;
  expect_success(result);
}

TEST_F(Connections, C14_TargetHasRoomForOneWriter) {
  use_small_target();
  fill(3);  // one looks at the target, one keeps the ledger
  const auto result = run({"--writers", "4", "--batch-bytes", "64kB", "--reconnect-timeout", "5s"});
  EXPECT_THAT(result.err, HasSubstr("going on with fewer writers")) << result;
  expect_success(result);
}

TEST_F(Connections, C14_SourceHasRoomForNoReader) {
  use_small_source();
  fill(3);
  expect_failure(run({"--reconnect-timeout", "1s"}), failed, no_room);
  make_room();
  expect_completion();
}

TEST_F(Connections, C14_TargetHasRoomForNoWriter) {
  use_small_target();
  fill(2);
  expect_failure(run({"--reconnect-timeout", "1s"}), failed, no_room);
  make_room();
  expect_completion();
}

TEST_F(Connections, C14_AReaderLosesItsPlaceInMidCopy) {
  use_small_source();
  auto running = begin({"--readers", "2", "--reconnect-timeout", "2s"});
  take_place_of(admin_.source, "reader 2");
  expect_success(running.finish());
}

TEST_F(Connections, C14_AWriterLosesItsPlaceInMidCopy) {
  use_small_target();
  auto running = begin({"--writers", "2", "--reconnect-timeout", "2s"});
  take_place_of(admin_.target, "writer 2");
  expect_success(running.finish());
}

// Nobody can read any more: waited for as long as was said, and then for the next run.
TEST_F(Connections, C14_AllReadersLoseTheirPlaceInMidCopy) {
  use_small_source();
  auto running = begin({"--readers", "1", "--reconnect-timeout", "1s"});
  take_place_of(admin_.source, "reader");
  expect_failure(running.finish(), failed, no_room);
  make_room();
  expect_completion();
}

TEST_F(Connections, C14_ThePlaceBecomesFreeInTime) {
  use_small_source();
  auto running = begin({"--readers", "1", "--reconnect-timeout", "60s"});
  take_place_of(admin_.source, "reader");
  EXPECT_TRUE(wait_until([&] { return running.err().find("53300") != std::string::npos; })) << running.err();
  make_room();
  expect_success(running.finish());
}

TEST_F(Connections, C15_TheRolesOwnLimit) {
  use_small_source();
  admin_source("ALTER ROLE copier CONNECTION LIMIT 4");
  const auto result = run({"--readers", "4", "--batch-bytes", "64kB", "--reconnect-timeout", "5s"});
  EXPECT_THAT(result.err, HasSubstr("going on with fewer readers")) << result;
  expect_success(result);
}

TEST_F(Connections, C15_TheLimitIsLoweredInMidCopy) {
  use_small_target();
  auto running = begin({"--writers", "2", "--reconnect-timeout", "2s"});
  admin_target("ALTER ROLE copier CONNECTION LIMIT 3");
  admin_target(terminate_sql("writer 1"));
  expect_success(running.finish());
}

TEST_F(Connections, C15_TheDatabaseAllowsNone) {
  use_small_target();
  const auto allow = [&](const std::string& yes) {
    run_psql(small_server().conninfo(),
             fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS {}", database(), yes));
  };
  auto running = begin();
  allow("false");
  run_psql(
      small_server().conninfo(),
      fmt::format("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", database()));
  const auto result = running.finish();
  allow("true");
  expect_failure(result, failed, {"SQLSTATE 55000"});
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
