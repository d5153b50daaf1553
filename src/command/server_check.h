// Every session of a job has to be on the servers that it began with.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/duration.h"
#include "catalog/catalog.h"

namespace pghaul {

// For pg::SessionOptions; null if nothing is expected yet. What it throws: failed, if the session is on
// another server or database, or (unless any will do) on another timeline.
std::function<void(pg::Connection&)> server_check(const std::optional<catalog::ServerFacts>& expected,
                                                  bool any_timeline, Duration patience);

// What is said of a source on another timeline than the copy's.
std::string failover_text(std::int64_t before, std::int64_t now);
inline constexpr auto failover_advice =
    "--full copies it anew; if no commit can have been lost (a planned switchover, a synchronous standby): "
    "--allow "
    "failover continues";

}  // namespace pghaul
