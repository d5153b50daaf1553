#include "command/stage_watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"

namespace pghaul {
namespace {

constexpr auto look_interval = std::chrono::milliseconds(250);
constexpr auto longest_look = std::chrono::seconds(1);
constexpr auto recent = std::chrono::seconds(5);

// Of this process alone. An idle session waits for us as well.
std::string looks_sql(const char* roles) {
  return fmt::format(
      "SELECT CASE WHEN a.state = 'active' THEN coalesce(a.wait_event_type, 'CPU') ELSE 'Client' END, "
      "pg_catalog.count(*) "
      "FROM pg_catalog.pg_stat_activity AS a WHERE a.application_name ~ '^pghaul {} ({}) ' GROUP BY 1",
      ::getpid(), roles);
}

}  // namespace

StageWatch::StageWatch(bool on) : stages_(on ? std::make_unique<Stages>() : nullptr) {}

void StageWatch::look_at(pg::Connection& server, const char* roles, Looks& looks) {
  if (!looks.possible) return;
  try {
    const auto kinds = server.run(looks_sql(roles), Deadline::after(longest_look));
    for (int row = 0; row < kinds.rows(); ++row)
      looks.seen.add(std::string(kinds.text(row, 0)), kinds.int64(row, 1));
  } catch (const Error& error) {
    log_debug("what sessions do is not asked any more: {}", error.headline());
    looks.possible = false;
  }
}

void StageWatch::look(pg::Connection& source, pg::Connection& target) {
  const auto time = Deadline::Clock::now();
  if (!stages_ || time < next_look_) return;
  next_look_ = time + look_interval;
  look_at(source, "reader", source_);
  look_at(target, "writer|comparer", target_);
  moments_.push_back(now());
  while (moments_.size() > 2 && moments_[1].time < time - recent) moments_.pop_front();
}

StageWatch::Moment StageWatch::now() const {
  return {Deadline::Clock::now(), stages_->times(Stage::reading), stages_->times(Stage::writing),
          source_.seen, target_.seen};
}

std::vector<StageReport> StageWatch::report() const {
  if (!stages_) return {};
  return {report_of(Stage::reading, stages_->times(Stage::reading)),
          report_of(Stage::writing, stages_->times(Stage::writing))};
}

LimitReport StageWatch::limit() const {
  if (!stages_) return {};
  const auto all = now();
  return what_limits(all.readers, all.writers, all.source, all.target);
}

std::string StageWatch::recent_limit() const {
  if (moments_.size() < 2) return "";
  const auto &first = moments_.front(), &last = moments_.back();
  return what_limits(last.readers.since(first.readers), last.writers.since(first.writers),
                     last.source.since(first.source), last.target.since(first.target))
      .by;
}

}  // namespace pghaul
