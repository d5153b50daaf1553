// D1: the target's disk is full, of rows, of an index, of its write-ahead log.
#include <optional>

#include "fault/disks_small.h"
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

class TargetDisk : public ServerFaults {
 protected:
  void SetUp() override {
    if (!SmallDisk::possible()) GTEST_SKIP() << "a tmpfs may not be mounted here";
  }
  // What is created in the test's database from now on is on a disk of that size.
  void use_small_disk(const std::string& size) {
    disk_.emplace(size, target_server().data_directory());
    run_psql(target_server().conninfo(),
             fmt::format("CREATE TABLESPACE {} LOCATION '{}'", database(), disk_->folder()));
  }
  void put_new_tables_on_it() const {
    run_psql(target_server().conninfo(),
             fmt::format("ALTER DATABASE {0} SET default_tablespace = {0}", database()));
  }
  void TearDown() override {
    if (!disk_) return;
    run_psql(target_server().conninfo(),
             fmt::format("ALTER DATABASE {} RESET default_tablespace", database()));
    admin_target("DROP TABLE IF EXISTS public.profiles; DROP SCHEMA IF EXISTS pghaul CASCADE");
    run_psql(target_server().conninfo(), "CHECKPOINT");
    run_psql(target_server().conninfo(), fmt::format("DROP TABLESPACE {}", database()));
  }

  std::optional<SmallDisk> disk_;
};

const std::vector<std::string> disk_full{"pghaul: target: public.profiles: ", "SQLSTATE 53100"};

TEST_F(TargetDisk, D1_FullOfRows) {
  use_small_disk("1m");
  make_rows(20'000);
  admin_target(fmt::format("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb) TABLESPACE {}",
                           database()));
  auto result = run({"--batch-bytes", "64kB"});
  expect_failure(result, failed, disk_full);
  const auto done = chunks_done_now();
  EXPECT_GT(done, 0);
  expect_failure(run({"--batch-bytes", "64kB"}), failed, disk_full);  // no worse the second time
  EXPECT_GE(chunks_done_now(), done);
  disk_->resize("64m");
  expect_completion();
}

// Rows, ledger and all.
TEST_F(TargetDisk, D1_FullOfRowsAndLedger) {
  use_small_disk("2m");
  put_new_tables_on_it();
  make_rows(20'000);
  expect_failure(run({"--batch-bytes", "64kB"}), failed, {"pghaul: target: ", "SQLSTATE 53100"});
  disk_->resize("64m");
  expect_completion();
}

TEST_F(TargetDisk, D1_FullWhileAnIndexIsBuilt) {
  use_small_disk("12m");
  put_new_tables_on_it();
  make_rows(20'000);
  // Several times as large as the table, as nothing in it can be made smaller.
  std::string key;
  for (int i = 0; i < 30; ++i) key += fmt::format("{}md5((id + {})::text)", i == 0 ? "" : " || ", i);
  admin_source(fmt::format("CREATE INDEX wide ON public.profiles (({}))", key));
  const auto result = run();
  expect_failure(
      result, failed,
      {"pghaul: target: public.profiles: index wide", "SQLSTATE 53100", "all rows are on the target"});
  EXPECT_TRUE(compare_rows(admin_.source, admin_.target, {"profiles"}).equal());
  disk_->resize("256m");
  expect_completion();
  EXPECT_EQ(target_indexes(), "profiles_pkey,wide");
}

// A server that cannot write its log panics; nothing is acknowledged that it had not written.
TEST_F(TargetDisk, D1_FullOfWal) {
  pg::ThrowawayServer server([] {
    pg::ThrowawayOptions options;
    options.settings = {"min_wal_size=32MB", "max_wal_size=32MB", "checkpoint_timeout=1h"};
    return options;
  }());
  const auto wal = std::filesystem::path(server.data_directory()) / "pg_wal";
  const SmallDisk disk("128m", server.data_directory());
  std::filesystem::copy(wal, disk.folder(), std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(wal);
  std::filesystem::create_symlink(disk.folder(), wal);
  struct stat owner{};
  ASSERT_EQ(::stat(server.data_directory().c_str(), &owner), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(disk.folder())) {
    ASSERT_EQ(::chown(entry.path().c_str(), owner.st_uid, owner.st_gid), 0);
  }
  server.start();
  run_psql(server.conninfo(), fmt::format("CREATE DATABASE {}", database()));
  admin_.target = copier_.target = server.conninfo(database());
  make_rows(12'000);
  auto running = begin({"--reconnect-timeout", "90s"});
  disk.fill();
  // Until there is no file left to begin.
  EXPECT_TRUE(wait_until([&] {
    return try_psql(server.conninfo(), "SELECT pg_switch_wal() FROM pg_logical_emit_message(true, 'a', 'b')")
               .status != 0;
  }));
  EXPECT_TRUE(wait_until([&] { return log_of(server).find("PANIC") != std::string::npos; }))
      << log_of(server);
  disk.give_room();
  server.stop(pg::ThrowawayServer::StopMode::immediate);
  server.start();
  expect_success(running.finish(120s));
}

}  // namespace
}  // namespace pghaul::test
