#include "source/settle.h"

#include <fmt/format.h>

#include "base/sqlstate.h"
#include "catalog/catalog.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

using catalog::Sequence;
using catalog::TableShape;

// The table, its partitions and children, and the sequences that feed them: $1 is the table's oid.
constexpr std::string_view related_oids =
    "(WITH RECURSIVE r(oid) AS (SELECT $1::pg_catalog.oid UNION "
    "SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN r ON i.inhparent = r.oid) "
    "SELECT r.oid FROM r UNION "
    "SELECT d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S' "
    "JOIN r ON d.refobjid = r.oid WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND d.deptype IN ('a', 'i') UNION "
    "SELECT d.refobjid FROM pg_catalog.pg_attrdef a JOIN r ON a.adrelid = r.oid "
    "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = a.oid "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'S')";

// '-1/…' is a transaction that was prepared before the server's last restart.
constexpr std::string_view writers_sql =
    "SELECT DISTINCT l.virtualtransaction FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted "
    "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
    "AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') "
    "AND l.relation IN ";

const Sequence* feeding_sequence(const TableShape& shape, const std::string& column) {
  for (const auto& sequence : shape.sequences) {
    if (sequence.column == column && sequence.increment > 0 && !sequence.cycle) return &sequence;
  }
  return nullptr;
}

// What the sequence has given out last; nothing if it was never used or may not be read.
std::optional<std::int64_t> last_drawn(pg::Connection& connection, const Sequence& sequence, Deadline deadline) {
  try {
    const auto row = connection.run(
        fmt::format("SELECT last_value, is_called FROM {}", pg::quote_qualified(sequence.schema, sequence.name)),
        deadline);
    if (row.boolean(0, 1)) return row.int64(0, 0);
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::insufficient_privilege) throw;
  }
  return std::nullopt;
}

void add_cautions(Observation& observation, const TableShape& shape, const std::string& column) {
  const auto* sequence = feeding_sequence(shape, column);
  if (sequence == nullptr) {
    observation.cautions.push_back(fmt::format(
        "the key {} is not fed by an ascending sequence: keys given by hand or by clients may appear below the "
        "high-water mark later without being seen; --late-rows scan looks for them in every run",
        column));
  } else if (sequence->cache > 1) {
    observation.cautions.push_back(fmt::format(
        "sequence {}.{} has CACHE {}: sessions keep numbers between transactions, and rows may appear below the "
        "high-water mark later without being seen; --late-rows scan looks for them in every run",
        sequence->schema, sequence->name, sequence->cache));
  }
}

// Sequences that feed the key of a partition or child and are not those of the table: $1 is its oid, $2 the key, $3 its
// own sequences.
constexpr std::string_view other_sequences_sql =
    "WITH RECURSIVE r(oid) AS (SELECT $1::pg_catalog.oid UNION "
    "SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN r ON i.inhparent = r.oid), "
    "k AS (SELECT a.attrelid, a.attnum FROM pg_catalog.pg_attribute a JOIN r ON r.oid = a.attrelid "
    "WHERE a.attname = $2::pg_catalog.text) "
    "SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, s.relname) FROM ("
    "SELECT d.objid AS oid FROM k JOIN pg_catalog.pg_depend d ON d.refobjid = k.attrelid AND d.refobjsubid = k.attnum "
    "WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') UNION "
    "SELECT d.refobjid FROM k JOIN pg_catalog.pg_attrdef f ON f.adrelid = k.attrelid AND f.adnum = k.attnum "
    "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) u "
    "JOIN pg_catalog.pg_class s ON s.oid = u.oid AND s.relkind = 'S' "
    "JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace WHERE s.oid <> ALL ($3::pg_catalog.oid[]) ORDER BY 1";

void caution_of_other_sequences(pg::Connection& connection, const TableShape& shape, const std::string& key,
                                Observation& observation, Deadline deadline) {
  std::string own;
  for (const auto& sequence : shape.sequences) own += fmt::format("{}{}", own.empty() ? "" : ",", sequence.oid);
  const auto rows = connection.query(std::string(other_sequences_sql), {std::to_string(shape.oid), key, "{" + own + "}"}, deadline);
  if (rows.rows() == 0) return;
  observation.cautions.push_back(fmt::format(
      "{} sequence(s) other than the table's own feed the key of partitions or children ({}): numbers that they give out "
      "below the high-water mark later will not be seen; --late-rows scan looks for them in every run",
      rows.rows(), rows.text(0, 0)));
}

std::vector<std::string> first_column(const pg::Result& rows) {
  std::vector<std::string> values;
  for (int row = 0; row < rows.rows(); ++row) values.emplace_back(rows.text(row, 0));
  return values;
}

}  // namespace

std::string oldest_running_xid(pg::Connection& connection, Deadline deadline) {
  const auto row = connection.run("SELECT pg_catalog.mod(pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())"
                                  "::pg_catalog.text::pg_catalog.numeric, 4294967296)",
                                  deadline);
  return std::string(row.text(0, 0));
}

Observation observe_writers(pg::Connection& connection, const TableShape& shape,
                            const std::optional<catalog::IntegerKey>& key, bool in_recovery, Deadline deadline) {
  Observation observation;
  observation.decidable = !in_recovery;
  observation.oldest_xid = oldest_running_xid(connection, deadline);
  if (key) {
    // On a standby a sequence runs ahead of what was replayed.
    const auto* sequence = in_recovery ? nullptr : feeding_sequence(shape, key->column);
    if (sequence != nullptr) observation.high_water = last_drawn(connection, *sequence, deadline);
    const bool drawn = observation.high_water.has_value();
    if (!drawn) {
      const auto all = shape.is_tree() ? catalog::Descendants::read : catalog::Descendants::ignore;
      observation.high_water = catalog::read_key_bounds(connection, shape.name, key->column, deadline, all).highest;
    }
    add_cautions(observation, shape, key->column);
    if (shape.is_tree()) caution_of_other_sequences(connection, shape, key->column, observation, deadline);
    if (sequence != nullptr && !drawn && observation.high_water) {
      observation.cautions.push_back(fmt::format(
          "sequence {}.{} was never used, or may not be read, while the table has keys: numbers that it gives out below "
          "the highest key later will not be seen; --late-rows scan looks for them in every run",
          sequence->schema, sequence->name));
    }
  }
  observation.writers = first_column(
      connection.query(fmt::format("{}{}", writers_sql, related_oids), {std::to_string(shape.oid)}, deadline));
  return observation;
}

std::vector<std::string> writers_left(pg::Connection& connection, const TableShape& shape,
                                      const Observation& observation, Deadline deadline) {
  if (observation.writers.empty()) return {};
  std::string list;
  for (const auto& writer : observation.writers) list += (list.empty() ? "" : ", ") + pg::quote_literal(writer);
  return first_column(connection.query(
      fmt::format("{}{} AND (l.virtualtransaction IN ({}) OR l.virtualtransaction LIKE '-1/%')", writers_sql,
                  related_oids, list),
      {std::to_string(shape.oid)}, deadline));
}

}  // namespace pghaul
