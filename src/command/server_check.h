// Every session of a job has to be on the servers that it began with.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/duration.h"
#include "catalog/catalog.h"

namespace pghaul {

struct ExpectedServer {
  catalog::ServerFacts facts;
  bool any_timeline = false;
  // A standby must have replayed the WAL up to here; empty: nothing is asked of it.
  std::string replayed;
};

// For pg::SessionOptions; null if nothing is expected yet. What it throws: failed, if the session is on
// another server or database, or (unless any will do) on another timeline; connection_lost, if it is on a
// standby where a primary was meant, or on one that is behind: a later session may be on the right one.
std::function<void(pg::Connection&)> server_check(const std::optional<ExpectedServer>& expected,
                                                  Duration patience);

// What is said of a source on another timeline than the copy's.
std::string failover_text(std::int64_t before, std::int64_t now);
inline constexpr auto failover_advice =
    "--full copies it anew; if no commit can have been lost (a planned switchover, a synchronous standby): "
    "--allow "
    "failover continues";

}  // namespace pghaul
