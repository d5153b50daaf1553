// Copies whose lines fall silent, or are slow: they wait most of the time, so many run side by side.
#pragma once

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

using namespace std::chrono_literals;

inline constexpr auto detection_bound = 30s;

inline CutRule silence(Direction direction, char type, const std::string& session, int nth = 1, const std::string& text = "") {
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

// A copy of a table of its own, through proxies of its own.
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

}  // namespace pghaul::test
