// Half-open peers: a connection that is there and carries nothing any more, while new ones work. Found within 30 s in
// every phase, with default options; and what is only slow is left alone.
#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fault/cutting_proxy.h"
#include "support/oracle.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

constexpr auto detection_bound = 30s;

CutRule silence(Direction direction, char type, const std::string& session, int nth = 1, const std::string& text = "") {
  CutRule rule;
  rule.direction = direction;
  rule.type = type;
  rule.session = session;
  rule.nth = nth;
  rule.text = text;
  rule.before = true;
  rule.how = Cut::silence;
  return rule;
}

// A copy of a table of its own, through proxies of its own. It waits most of the time, so many run side by side.
class HalfOpenCopy {
 public:
  HalfOpenCopy(const std::string& phase, const std::string& source, const std::string& target)
      : table_("t_" + phase), source_(source), target_(target) {
    run_psql(source_, fmt::format("CREATE TABLE {0} (id bigint PRIMARY KEY, s text NOT NULL); INSERT INTO {0} "
                                  "SELECT i * 3, repeat(md5(i::text), 4) FROM generate_series(1, 4000) i; ANALYZE {0}",
                                  table_));
  }
  CuttingProxy& at_source() { return source_proxy_; }
  CuttingProxy& at_target() { return target_proxy_; }
  const std::string& table() const { return table_; }

  void start(const Arguments& more = {}) {
    Arguments arguments{"copy", "--source", source_proxy_.through(source_), "--target", target_proxy_.through(target_),
                        "--table", "public." + table_, "--progress", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    running_.emplace(start_pghaul(arguments));
  }
  // Notes when the line fell silent, and when that was noticed. To be called again and again.
  void watch() {
    const auto now = Deadline::Clock::now();
    if (!silent_since_ && source_proxy_.cuts() + target_proxy_.cuts() > 0) silent_since_ = now;
    if (silent_since_ && !noticed_ && noticed()) noticed_ = now;
  }
  bool running() { return !running_->process().wait(Deadline::after(0s)).has_value(); }

  void expect_detection() {
    SCOPED_TRACE(table_);
    const auto result = expect_whole_copy();
    ASSERT_TRUE(silent_since_) << "the place of the cut was not met: " << result;
    ASSERT_TRUE(noticed_) << result;
    EXPECT_LE(*noticed_ - *silent_since_, detection_bound) << result;
  }
  void expect_no_detection() {
    SCOPED_TRACE(table_);
    const auto result = expect_whole_copy();
    EXPECT_FALSE(noticed()) << result;
  }

 private:
  // Everything that is lost is told.
  bool noticed() const {
    const auto err = running_->err();
    return err.find("; trying again") != std::string::npos || err.find("anchor was lost") != std::string::npos;
  }
  ProgramResult expect_whole_copy() {
    auto result = running_->finish(100s);
    EXPECT_EQ(result.status, 0) << result;
    const auto all = fmt::format("SELECT * FROM public.{} ORDER BY id", table_);
    EXPECT_EQ(table_digest(target_, all), table_digest(source_, all)) << result;
    return result;
  }

  const std::string table_, source_, target_;
  CuttingProxy source_proxy_{source_server().port()}, target_proxy_{target_server().port()};
  std::optional<RunningProgram> running_;
  std::optional<Deadline::Clock::time_point> silent_since_, noticed_;
};

class HalfOpen : public ServersTest {
 protected:
  HalfOpenCopy& add(const std::string& phase) {
    return copies_.emplace_back(phase, source_conninfo(), target_conninfo());
  }
  void start_all() {
    for (auto& copy : copies_) copy.start({"--batch-bytes", "64kB"});
  }
  void watch_all() {
    const auto left = [this] {
      bool any = false;
      for (auto& copy : copies_) copy.watch(), any = copy.running() || any;
      return any;
    };
    for (const auto end = Deadline::after(110s); left() && !end.expired();) std::this_thread::sleep_for(20ms);
  }
  void expect_detections() {
    watch_all();
    for (auto& copy : copies_) copy.expect_detection();
  }

  std::list<HalfOpenCopy> copies_;
};

TEST_F(HalfOpen, B6_Source) {
  add("login").at_source().cut(silence(Direction::to_client, 'R', "reader"));
  add("query").at_source().cut(silence(Direction::to_server, 'Q', "reader", 3));
  add("answer").at_source().cut(silence(Direction::to_client, 'C', "reader", 5));
  add("copy_out").at_source().cut(silence(Direction::to_client, 'd', "reader", 1500));
  add("control").at_source().cut(silence(Direction::to_server, 'P', "control", 1, "pg_locks"));
  start_all();
  // Anchors are asked for a sign of life every few seconds: this copy lasts for longer.
  auto& anchor = add("anchor");
  anchor.at_source().cut(silence(Direction::to_server, 'Q', "snapshot", 4));
  anchor.start({"--batch-bytes", "64kB", "--readers", "1", "--sleep", "1500ms"});
  expect_detections();
}

TEST_F(HalfOpen, B7_Target) {
  add("login").at_target().cut(silence(Direction::to_client, 'R', "writer"));
  add("mark").at_target().cut(silence(Direction::to_server, 'P', "writer", 3));
  add("copy_in").at_target().cut(silence(Direction::to_server, 'd', "writer", 3));
  add("copy_done").at_target().cut(silence(Direction::to_server, 'c', "writer", 2));
  auto commit = lose_commit(Cut::silence, "writer"), answer = lose_commit_answer(Cut::silence, "writer");
  commit.nth = answer.nth = 2;
  add("commit").at_target().cut(commit);
  add("commit_answer").at_target().cut(answer);
  add("ledger").at_target().cut(silence(Direction::to_server, 'Q', "ledger", 3));
  add("index").at_target().cut(silence(Direction::to_client, 'C', "index builder", 1, "CREATE INDEX"));
  for (auto& copy : copies_) {
    run_psql(source_conninfo(), fmt::format("CREATE INDEX ON {} (s)", copy.table()));
  }
  start_all();
  expect_detections();
}

// Silent for long, but at work: a chunk that is read for long, an index that is built for long; and bytes that trickle.
TEST_F(HalfOpen, B9_SlowIsNotSilent) {
  auto& read = add("slow_read");
  auto& index = add("slow_index");
  auto& line = add("slow_line");
  const auto slow_function = [](int seconds) {
    return fmt::format("CREATE FUNCTION public.slow(bigint) RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
                       "$$BEGIN IF $1 = 12000 THEN PERFORM pg_sleep({}); END IF; RETURN 1; END$$", seconds);
  };
  source_sql(slow_function(0) + "; CREATE INDEX ON t_slow_index (public.slow(id)); DELETE FROM t_slow_line WHERE id > 6000");
  target_sql(slow_function(28));
  Traffic traffic;
  traffic.bytes_per_second = 10'000;
  line.at_target().set_traffic(traffic);
  read.start({"--where", "(SELECT pg_catalog.pg_sleep(28)) IS NOT NULL"});
  index.start();
  line.start();
  watch_all();
  for (auto& copy : copies_) copy.expect_no_detection();
}

}  // namespace
}  // namespace pghaul::test
