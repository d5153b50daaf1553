// A second server that follows a first one, and what becomes of both.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fault/servers_faults.h"

namespace pghaul::test {

inline void give_folder_to_owner_of(const std::filesystem::path& folder, const std::filesystem::path& model) {
  struct stat status{};
  ASSERT_EQ(::stat(model.c_str(), &status), 0);
  ASSERT_EQ(::chown(folder.c_str(), status.st_uid, status.st_gid), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    ASSERT_EQ(::lchown(entry.path().c_str(), status.st_uid, status.st_gid), 0);
  }
}

// Starts `standby`, which has not run yet, as an asynchronous standby of `primary`.
inline void follow(pg::ThrowawayServer& standby, const pg::ThrowawayServer& primary) {
  const auto data = standby.data_directory();
  std::filesystem::remove_all(data);
  ProcessOptions backup;
  backup.argv = {primary.bindir() + "/pg_basebackup",
                 "-D",
                 data,
                 "-R",
                 "-c",
                 "fast",
                 "--no-sync",
                 "-d",
                 primary.conninfo()};
  const auto result = run_program(backup);
  ASSERT_EQ(result.status, 0) << result;
  give_folder_to_owner_of(data, std::filesystem::path(data).parent_path());
  standby.start();
}

struct PrimaryAndStandby {
  PrimaryAndStandby() {
    primary.start();
    follow(standby, primary);
  }
  pg::ThrowawayServer primary, standby;
};

class Standby : public ServerFaults {
 protected:
  // Two servers of the test's own, unless it leaves those of others as they were; and the database on them.
  explicit Standby(std::shared_ptr<PrimaryAndStandby> servers = std::make_shared<PrimaryAndStandby>())
      : servers_(std::move(servers)) {
    run_psql(primary_.conninfo(), fmt::format("CREATE DATABASE {}", database()));
    wait_for_standby();
  }
  // Of all tests of a program that ask for them.
  static std::shared_ptr<PrimaryAndStandby> shared_servers() {
    static const auto servers = std::make_shared<PrimaryAndStandby>();
    return servers;
  }

  std::string on_primary() const { return primary_.conninfo(database()); }
  std::string on_standby() const { return standby_.conninfo(database()); }
  // Whichever of them may be written to.
  std::string whoever_is_primary() const {
    return fmt::format(
        "host=127.0.0.1,127.0.0.1 port={},{} dbname={} user=postgres target_session_attrs=read-write",
        primary_.port(), standby_.port(), database());
  }
  void wait_for_standby() const {
    const auto end = run_psql(primary_.conninfo(), "SELECT pg_current_wal_insert_lsn()");
    EXPECT_TRUE(wait_until([&] {
      return run_psql(standby_.conninfo(),
                      fmt::format("SELECT pg_last_wal_replay_lsn() >= '{}'::pg_lsn", end)) == "t";
    }));
  }
  // What the primary does from now on never gets to the standby.
  void cut_standby_off() const {
    run_psql(standby_.conninfo(), "ALTER SYSTEM SET primary_conninfo = ''");
    run_psql(standby_.conninfo(), "SELECT pg_reload_conf()");
    EXPECT_TRUE(wait_until(
        [&] { return run_psql(on_primary(), "SELECT count(*) FROM pg_stat_replication") == "0"; }));
  }
  void promote() const { run_psql(standby_.conninfo(), "SELECT pg_promote(true, 60)"); }
  // The primary is gone for good; the standby takes its place.
  void fail_over() {
    primary_.stop(pg::ThrowawayServer::StopMode::immediate);
    promote();
  }

 private:
  const std::shared_ptr<PrimaryAndStandby> servers_;

 protected:
  pg::ThrowawayServer &primary_ = servers_->primary, &standby_ = servers_->standby;
};

}  // namespace pghaul::test
