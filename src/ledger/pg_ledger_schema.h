// The ledger's tables and views in a PostgreSQL target.
#pragma once

#include <string>
#include <string_view>

#include "pg/connection.h"

namespace pghaul {

inline constexpr int ledger_version = 3;

// Sessions that hold a two-key advisory lock of this database; $1 and $2 are its keys, as unsigned numbers.
inline constexpr std::string_view advisory_holders_sql =
    "FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.database = "
    "(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
    "AND l.classid::bigint = $1::bigint AND l.objid::bigint = $2::bigint";

// Names of the ledger's objects, quoted for SQL.
class LedgerNames {
 public:
  explicit LedgerNames(const std::string& schema);
  const std::string& schema() const { return schema_; }
  const std::string& plain_schema() const { return plain_schema_; }  // not quoted
  std::string operator()(std::string_view object) const;  // "schema"."object"

  // First keys of the two-key advisory locks; the second key is the table copy's id (or the target's oid).
  // They differ between ledger schemas of one database.
  std::int32_t owner_lock_class() const;   // held by the owner's session
  std::int32_t fence_lock_class() const;   // shared by every chunk transaction, exclusive while the epoch is raised
  std::int32_t target_lock_class() const;  // held by the owner's session, on the target table's oid

 private:
  std::int32_t lock_class(std::string_view purpose) const;
  std::string plain_schema_, schema_;
};

// Whether the database has a schema of this name, which is not quoted.
bool schema_exists(pg::Connection& connection, const std::string& schema, Deadline deadline);

// True if the ledger is there. Errors: refused, if it was made by a version that this one does not understand.
bool ledger_exists(pg::Connection& connection, const LedgerNames& names, Deadline deadline);

// Creates the ledger unless it is there. Safe against a second process that does the same.
void create_ledger(pg::Connection& connection, const LedgerNames& names, Deadline deadline);

}  // namespace pghaul
