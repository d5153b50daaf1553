// Late rows: making sure that whatever was drawn below the high-water mark is visible before a snapshot is taken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/duration.h"
#include "base/stop.h"
#include "catalog/table_shape.h"
#include "pg/connection.h"

namespace pghaul {

// A look at a table: first the mark, then who may still write below it. A value.
struct Observation {
  std::optional<std::int64_t> high_water;  // nothing: no rows, or no key
  std::vector<std::string> writers;        // virtual transactions that held a row-writing lock, then
  std::string oldest_xid;                  // no later commit of these brings a row version older than this xid
  bool decidable = true;                   // false on a standby: the locks of the primary cannot be seen
  std::vector<std::string> cautions;       // what this rule cannot see here, in whole sentences
};

// nextval() and INSERT keep a RowExclusiveLock on sequence or table until their transaction ends, whether it has an xid
// or not. So once the transactions seen here are gone, every row with a key up to the mark is visible or was rolled
// back. (Tried on PostgreSQL 15: see docs/guarantees.md.)
Observation observe_writers(pg::Connection& connection, const catalog::TableShape& shape,
                            const std::optional<catalog::IntegerKey>& key, bool in_recovery, Deadline deadline);

// All transactions before this one have ended as this server sees it. 32 bits, as rows have them.
std::string oldest_running_xid(pg::Connection& connection, Deadline deadline);

// Those of the observed transactions that still hold a lock.
std::vector<std::string> writers_left(pg::Connection& connection, const catalog::TableShape& shape,
                                      const Observation& observation, Deadline deadline);

}  // namespace pghaul
