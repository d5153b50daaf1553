// One snapshot that outlives its sessions, as long as one of them is left.
#include "source/snapshot_keeper.h"

#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class SnapshotKeeperTest : public test::ServersTest {
 protected:
  SnapshotKeeperTest() : watcher_(open("watcher")) {
    run("CREATE TABLE public.t (id bigint PRIMARY KEY); INSERT INTO public.t VALUES (1), (2), (3)");
    SourceTable table;
    table.shape = *catalog::read_table_shape(watcher_, {"public", "t"}, soon());
    tables_ = {table};
  }

  pg::SessionOptions session(const std::string& name) const {
    pg::SessionOptions options;
    options.application_name = name;
    options.settings = {{"search_path", ""}};
    return options;
  }
  pg::Endpoint endpoint() const { return pg::parse_endpoint(Side::source, source_conninfo()); }
  pg::Connection open(const std::string& name) const { return pg::Connection(endpoint(), session(name)); }
  static Deadline soon() { return Deadline::after(30s); }

  std::unique_ptr<SnapshotKeeper> keeper(SnapshotKeeper::Options options) {
    auto made = std::make_unique<SnapshotKeeper>(endpoint(), session("anchor"), options, 30s);
    made->open(tables_);
    return made;
  }
  std::unique_ptr<SnapshotKeeper> keeper() { return keeper({}); }

  pg::Result run(const std::string& sql) { return watcher_.run(sql, soon()); }
  std::vector<int> anchors() {
    const auto rows = run(
        "SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.application_name = 'anchor' ORDER BY a.backend_start");
    std::vector<int> pids;
    for (int row = 0; row < rows.rows(); ++row) pids.push_back(static_cast<int>(rows.int64(row, 0)));
    return pids;
  }
  void kill(int pid) { run(fmt::format("SELECT pg_catalog.pg_terminate_backend({}, 5000)", pid)); }
  void kill_all_anchors() {
    for (const int pid : anchors()) kill(pid);
  }
  static std::int64_t rows_seen(pg::Connection& connection) {
    return connection.run("SELECT pg_catalog.count(*) FROM public.t", soon()).int64(0, 0);
  }
  static std::string snapshot_of(pg::Connection& connection) {
    return std::string(connection.run("SELECT pg_catalog.pg_current_snapshot()", soon()).text(0, 0));
  }

  pg::Connection watcher_;
  std::vector<SourceTable> tables_;
};

TEST_F(SnapshotKeeperTest, TwoConnectionsSeeTheSame) {
  const auto keeps = keeper();
  EXPECT_EQ(anchors().size(), 2U);
  run("INSERT INTO public.t VALUES (4)");
  auto a = open("a"), b = open("b");
  const auto in_a = keeps->begin_in_snapshot(a, soon());
  run("INSERT INTO public.t VALUES (5)");
  const auto in_b = keeps->begin_in_snapshot(b, soon());
  EXPECT_EQ(in_a.text, in_b.text);
  EXPECT_EQ(snapshot_of(a), in_a.text);
  EXPECT_EQ(snapshot_of(b), in_a.text);
  EXPECT_EQ(rows_seen(a), 3);
  EXPECT_EQ(rows_seen(b), 3);
  EXPECT_EQ(keeps->snapshots_taken(), 1);
}

TEST_F(SnapshotKeeperTest, TransactionsAreReadOnly) {
  const auto keeps = keeper();
  auto reader = open("reader");
  keeps->begin_in_snapshot(reader, soon());
  try {
    reader.run("INSERT INTO public.t VALUES (9)", soon());
    ADD_FAILURE() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "25006");
  }
}

TEST_F(SnapshotKeeperTest, KnowsTheFilesOfItsTables) {
  run("CREATE TABLE public.other ()");
  SourceTable other;
  other.shape = *catalog::read_table_shape(watcher_, {"public", "other"}, soon());
  tables_.push_back(other);
  run("TRUNCATE public.t");  // after the plan and before the snapshot: the snapshot's file counts
  const auto keeps = keeper();
  auto reader = open("reader");
  const auto snapshot = keeps->begin_in_snapshot(reader, soon());
  const auto node = run("SELECT pg_catalog.pg_relation_filenode('public.t')").int64(0, 0);
  EXPECT_NE(node, tables_[0].shape.filenode);
  EXPECT_EQ(snapshot.filenodes, (std::map<std::uint32_t, std::uint32_t>{{tables_[0].shape.oid, static_cast<std::uint32_t>(node)},
                                                              {other.shape.oid, other.shape.filenode}}));
}

// The snapshot may be older than the TRUNCATE, or the file newer than the snapshot; but then they must not pass as one:
// 0 rows would be read without an error.
TEST_F(SnapshotKeeperTest, ATruncateNextToTheSnapshotIsNotMissed) {
  const auto others = run("CREATE TABLE public.other (); SELECT 'public.other'::pg_catalog.regclass::pg_catalog.oid");
  SourceTable other;
  other.shape.oid = static_cast<std::uint32_t>(others.int64(0, 0));
  tables_.insert(tables_.begin(), 100, other);  // looking at all the files takes a while
  auto rival = open("rival");
  for (int i = 0; i < 20; ++i) {
    std::thread truncate([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2 * i));
      rival.run("BEGIN; TRUNCATE public.t; INSERT INTO public.t VALUES (1), (2), (3); COMMIT", soon());
    });
    const auto keeps = keeper({.anchors = 1, .require_one = true});
    truncate.join();
    auto reader = open("reader");
    const auto snapshot = keeps->begin_in_snapshot(reader, soon());
    const auto node = run("SELECT pg_catalog.pg_relation_filenode('public.t')").int64(0, 0);
    if (snapshot.filenodes.at(tables_[0].shape.oid) == node) {
      EXPECT_EQ(rows_seen(reader), 3) << i;
    }
  }
}

TEST_F(SnapshotKeeperTest, EachAnchorIsEnough) {
  for (const std::size_t survivor : {0U, 1U, 2U}) {
    const auto keeps = keeper({.anchors = 3, .require_one = true});
    run("INSERT INTO public.t SELECT pg_catalog.max(t.id) + 1 FROM public.t");
    const auto pids = anchors();
    ASSERT_EQ(pids.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != survivor) kill(pids[i]);
    }
    auto reader = open("reader");
    keeps->begin_in_snapshot(reader, soon());
    EXPECT_EQ(rows_seen(reader), static_cast<std::int64_t>(3 + survivor));
    EXPECT_EQ(keeps->snapshots_taken(), 1);
  }
}

TEST_F(SnapshotKeeperTest, WhenAllAreLostANewSnapshotIsTaken) {
  const auto keeps = keeper();
  auto before = open("before");
  const auto old = keeps->begin_in_snapshot(before, soon());
  run("INSERT INTO public.t VALUES (4)");
  kill_all_anchors();
  auto reader = open("reader");
  const auto now = keeps->begin_in_snapshot(reader, soon());
  EXPECT_EQ(keeps->snapshots_taken(), 2);
  EXPECT_NE(now.text, old.text);
  EXPECT_EQ(rows_seen(reader), 4);
  EXPECT_EQ(anchors().size(), 2U);
  auto other = open("other");
  EXPECT_EQ(keeps->begin_in_snapshot(other, soon()).text, now.text);
  EXPECT_EQ(keeps->snapshots_taken(), 2);
}

TEST_F(SnapshotKeeperTest, ANewSnapshotKnowsTheNewFiles) {
  const auto keeps = keeper();
  kill_all_anchors();
  run("TRUNCATE public.t");
  auto reader = open("reader");
  EXPECT_NE(keeps->begin_in_snapshot(reader, soon()).filenodes.at(tables_[0].shape.oid), tables_[0].shape.filenode);
}

TEST_F(SnapshotKeeperTest, OneSnapshotWasAskedFor) {
  const auto keeps = keeper({.anchors = 2, .require_one = true});
  kill_all_anchors();
  auto reader = open("reader");
  for (int i = 0; i < 2; ++i) {
    try {
      keeps->begin_in_snapshot(reader, soon());
      ADD_FAILURE() << "another snapshot";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::failed);
      EXPECT_EQ(error.side(), Side::source);
      EXPECT_THAT(error.what(), HasSubstr("--require-one-snapshot"));
      EXPECT_FALSE(error.advice().empty());
    }
    EXPECT_TRUE(reader.usable());
    EXPECT_FALSE(reader.in_transaction());
  }
  EXPECT_EQ(keeps->snapshots_taken(), 1);
}

// Some session of someone else takes the very id that our first anchor had: ids are numbers of process slots and of
// transactions in them, and both start again.
std::unique_ptr<pg::Connection> export_under(const std::string& id, const pg::Endpoint& endpoint) {
  std::vector<std::unique_ptr<pg::Connection>> sessions;
  for (int i = 0; i < 20; ++i) {
    auto session = std::make_unique<pg::Connection>(endpoint, pg::SessionOptions{});
    for (int transaction = 0; transaction < 1000; ++transaction) {
      const auto row = session->run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_catalog.pg_export_snapshot()",
                                    Deadline::after(30s));
      if (row.text(0, 0) == id) return session;
      session->run("ROLLBACK", Deadline::after(30s));
      if (row.text(0, 0).substr(0, 8) != id.substr(0, 8)) break;  // another slot
    }
    sessions.push_back(std::move(session));  // keeps its slot
  }
  return nullptr;
}

TEST_F(SnapshotKeeperTest, AfterARestartAForeignSnapshotIsNotTaken) {
  const auto keeps = keeper({.anchors = 1, .require_one = false});
  const auto id = run("SELECT pg_catalog.pg_ls_dir('pg_snapshots')");
  ASSERT_EQ(id.rows(), 1);
  const std::string first_id(id.text(0, 0));
  test::source_server().restart();
  watcher_ = open("watcher");
  run("INSERT INTO public.t VALUES (4)");
  const auto foreign = export_under(first_id, endpoint());
  ASSERT_NE(foreign, nullptr) << "no session got the id " << first_id;
  run("INSERT INTO public.t VALUES (5)");

  auto reader = open("reader");
  const auto snapshot = keeps->begin_in_snapshot(reader, soon());
  EXPECT_NE(snapshot.text, snapshot_of(*foreign));
  EXPECT_EQ(rows_seen(*foreign), 4);
  EXPECT_EQ(rows_seen(reader), 5);
  EXPECT_EQ(keeps->snapshots_taken(), 2);
}

TEST_F(SnapshotKeeperTest, ServerThatIsAwayIsALostConnectionAndNotTheEnd) {
  const auto keeps = keeper();
  auto reader = open("reader");
  kill_all_anchors();
  test::source_server().stop(pg::ThrowawayServer::StopMode::immediate);
  try {
    keeps->begin_in_snapshot(reader, soon());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  }
  EXPECT_NO_THROW(keeps->keep_alive());
  test::source_server().start();
  watcher_ = open("watcher");
  reader = open("reader");
  keeps->begin_in_snapshot(reader, soon());
  EXPECT_EQ(rows_seen(reader), 3);
  EXPECT_EQ(keeps->snapshots_taken(), 2);
}

TEST_F(SnapshotKeeperTest, KeepAliveReplacesALostAnchor) {
  const auto keeps = keeper({.anchors = 2, .require_one = true});
  run("INSERT INTO public.t VALUES (4)");
  for (int i = 0; i < 3; ++i) {
    kill(anchors().front());
    EXPECT_EQ(anchors().size(), 1U);
    keeps->keep_alive();
    EXPECT_EQ(anchors().size(), 2U);
  }
  auto reader = open("reader");
  keeps->begin_in_snapshot(reader, soon());
  EXPECT_EQ(rows_seen(reader), 3) << "none of the first anchors is left, their snapshot is";
  EXPECT_EQ(keeps->snapshots_taken(), 1);
}

TEST_F(SnapshotKeeperTest, KeepAliveIsHeardByTheServer) {
  auto options = session("anchor");
  options.settings.emplace_back("idle_in_transaction_session_timeout", "3000");
  SnapshotKeeper keeps(endpoint(), options, {.anchors = 2, .require_one = true}, 30s);
  keeps.open(tables_);
  const auto pids = anchors();
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(800ms);
    keeps.keep_alive();
  }
  EXPECT_EQ(anchors(), pids);
}

TEST_F(SnapshotKeeperTest, KeepAliveWithoutAnchorsLeft) {
  const auto keeps = keeper();
  kill_all_anchors();
  EXPECT_NO_THROW(keeps->keep_alive());
  EXPECT_TRUE(anchors().empty()) << "a new snapshot is not its business";
  EXPECT_EQ(keeps->snapshots_taken(), 1);
}

TEST_F(SnapshotKeeperTest, ReleaseFreesTheServer) {
  const auto held = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.backend_xmin IS NOT NULL "
                    "AND a.application_name = 'anchor'";
  const auto keeps = keeper();
  EXPECT_EQ(run(held).int64(0, 0), 2);
  keeps->release();
  for (int i = 0; i < 1000 && !anchors().empty(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(run(held).int64(0, 0), 0);
  EXPECT_TRUE(anchors().empty());
}

// Nobody asks for it meanwhile.
TEST_F(SnapshotKeeperTest, OneThatGetsTooOldIsLetGo) {
  const auto begun = std::chrono::steady_clock::now();
  const auto keeps = keeper({.max_age = 2s});
  EXPECT_EQ(anchors().size(), 2U);
  while (!anchors().empty()) {
    ASSERT_LT(std::chrono::steady_clock::now() - begun, 2s);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_GT(std::chrono::steady_clock::now() - begun, 1s);
  run("INSERT INTO public.t VALUES (4)");
  auto reader = open("reader");
  const auto snapshot = keeps->begin_in_snapshot(reader, soon());
  EXPECT_EQ(rows_seen(reader), 4);
  EXPECT_EQ(snapshot.number, 2);
  EXPECT_EQ(keeps->snapshots_taken(), 2);
  EXPECT_LE(snapshot.until.remaining(), 2s);
  EXPECT_GT(snapshot.until.remaining(), 500ms);
}

TEST_F(SnapshotKeeperTest, AChunkThatWouldOutlastItBeginsInANewOne) {
  const auto keeps = keeper({.max_age = 10s});
  auto reader = open("reader");
  const auto number = [&] {
    const auto snapshot = keeps->begin_in_snapshot(reader, soon());
    reader.run("COMMIT", soon());
    return snapshot.number;
  };
  keeps->note_read(5s);
  EXPECT_EQ(number(), 1);
  std::this_thread::sleep_for(1500ms);  // 7.5 s are left
  EXPECT_EQ(number(), 1);
  keeps->note_read(100s);
  EXPECT_EQ(number(), 2);
  EXPECT_EQ(number(), 2) << "a fresh one is the best there is";
}

TEST_F(SnapshotKeeperTest, StopIsPassedOn) {
  StopSource stop;
  auto options = session("anchor");
  options.stop = &stop;
  SnapshotKeeper keeps(endpoint(), options, {}, 30s);
  keeps.open(tables_);
  stop.request(StopReason::signal);
  try {
    keeps.keep_alive();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::stopped);
  }
}

}  // namespace
}  // namespace pghaul
