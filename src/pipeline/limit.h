// What keeps a pipeline from being faster.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pipeline/stages.h"

namespace pghaul {

// What sessions of a job did whenever their server was asked: how often they were seen at each kind of work.
// Kinds are those of wait_event_type; "CPU" where there is none, "Client" for a session that waits for a
// query, too. A value.
class SessionLooks {
 public:
  void add(const std::string& kind, std::int64_t sessions) { by_kind_[kind] += sessions; }
  std::int64_t all() const;
  // What was added after `before`.
  SessionLooks since(const SessionLooks& before) const;
  // We waited for these sessions for such a share of the time, and they, for half of that at least, for us:
  // so it was the line.
  bool show_the_line(double waited) const;
  // "20 times at CPU, 4 idle or at the line", the most frequent first; empty: never seen.
  std::string text() const;

 private:
  std::map<std::string, std::int64_t> by_kind_;
};

// `by` is "source server", "network from the source", "pghaul", "this machine", "target server", "network to
// the target", "--max-rate",
// "--sleep", "retries" or "connecting"; empty where nothing was done. Pure.
LimitReport what_limits(const StageTimes& readers, const StageTimes& writers, const SessionLooks& source,
                        const SessionLooks& target);

}  // namespace pghaul
