#include "ledger/pg_ledger_schema.h"

#include <fmt/format.h>

#include "base/failpoint.h"
#include "pg/quote.h"
#include "pg/transaction.h"

namespace pghaul {
namespace {

// No foreign keys on purpose: with one, the xmax of a chunk's row may be a multixact, and the ghost that holds the row
// could not be found by it.
constexpr std::string_view tables_sql = R"sql(
CREATE TABLE {0}.ledger_version (
  version    integer     NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
INSERT INTO {0}.ledger_version (version) VALUES ({1});

CREATE TABLE {0}.table_copy (
  id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity_key    text    NOT NULL UNIQUE,
  source_system   text    NOT NULL,
  source_database text    NOT NULL,
  source_table    text    NOT NULL,
  target_table    text    NOT NULL,
  where_sql       text    NOT NULL,
  columns         text    NOT NULL,
  state           text    NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'copying', 'complete')),
  generation      integer NOT NULL DEFAULT 0,
  epoch           bigint  NOT NULL DEFAULT 0,
  owner_host      text,
  owner_pid       integer,
  owner_since     timestamptz,
  last_stop       text
);
COMMENT ON TABLE {0}.table_copy IS 'One source table into one target table. The epoch goes up with each owner and each generation; older ones can mark nothing.';

CREATE TABLE {0}.generation (
  table_copy      integer NOT NULL,
  generation      integer NOT NULL,
  source_oid      oid     NOT NULL,
  source_shape    text    NOT NULL,
  source_filenode oid     NOT NULL,
  source_timeline bigint  NOT NULL,
  key_column      text,
  strategy        text    NOT NULL,
  created_target  boolean NOT NULL,
  merged          boolean NOT NULL,
  target_oid      oid,
  started_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
  finished_at     timestamptz,
  PRIMARY KEY (table_copy, generation)
);
COMMENT ON COLUMN {0}.generation.source_timeline IS 'History of the source server: another one means that it was failed over or restored.';
COMMENT ON TABLE {0}.generation IS 'One full copy of a table; --full starts a new one.';

CREATE TABLE {0}.round (
  table_copy   integer NOT NULL,
  generation   integer NOT NULL,
  round        integer NOT NULL,
  high_water   bigint,
  settled      boolean NOT NULL,
  late_since   text,
  unsettled    text    NOT NULL,
  reason       text    NOT NULL,
  planned_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
  finished_at  timestamptz,
  PRIMARY KEY (table_copy, generation, round)
);
COMMENT ON COLUMN {0}.generation.merged IS 'Copied with --on-conflict into a table that may hold rows of others: nothing in it is ever deleted.';
COMMENT ON TABLE {0}.round IS 'One run that planned chunks: the first of a generation takes everything, later ones what the source has gained.';
COMMENT ON COLUMN {0}.round.high_water IS 'Key up to which the round is complete; rows above it are replaced by the next round.';
COMMENT ON COLUMN {0}.round.late_since IS 'If not settled: transactions from this xid on may have brought rows below high_water later; the next round looks for them.';

CREATE TABLE {0}.member (
  table_copy integer NOT NULL,
  generation integer NOT NULL,
  oid        oid     NOT NULL,
  name       text    NOT NULL,
  filenode   oid     NOT NULL,
  round      integer NOT NULL,
  PRIMARY KEY (table_copy, generation, oid)
);
COMMENT ON TABLE {0}.member IS 'Partitions of a source table, or tables of its inheritance tree, with the round that took them in; none: an ordinary table.';

CREATE TABLE {0}.chunk (
  table_copy      integer NOT NULL,
  generation      integer NOT NULL,
  no              bigint  NOT NULL,
  parent          bigint  NOT NULL,
  round           integer NOT NULL,
  kind            text    NOT NULL CHECK (kind IN ('key', 'null', 'ctid', 'whole', 'late')),
  lower_bound     text,
  upper_bound     text,
  since           text,
  member          oid,
  tail            boolean NOT NULL,
  replace         boolean NOT NULL,
  refined         boolean NOT NULL,
  estimated_bytes bigint  NOT NULL,
  estimated_rows  bigint  NOT NULL,
  state           text    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'split')),
  superseded      boolean NOT NULL DEFAULT false,
  rows            bigint,
  late_rows       bigint,
  bytes           bigint,
  checksum        text,
  record_format   text,
  snapshot        text,
  attempts        integer,
  read_seconds    double precision,
  done_at         timestamptz,
  PRIMARY KEY (table_copy, generation, no)
) WITH (fillfactor = 60);
COMMENT ON TABLE {0}.chunk IS 'The plan: disjoint, complete, append-only. A chunk is done in the transaction that wrote its rows.';
COMMENT ON COLUMN {0}.chunk.lower_bound IS 'First key (or page) of the chunk; empty: open.';
COMMENT ON COLUMN {0}.chunk.upper_bound IS 'First key (or page) above the chunk; empty: open.';
COMMENT ON COLUMN {0}.chunk.member IS 'The only partition or child that the chunk reads; empty: the table, with all of them that it has.';
COMMENT ON COLUMN {0}.chunk.superseded IS 'A later round replaces its rows; they no longer count.';
COMMENT ON COLUMN {0}.chunk.late_rows IS 'Of a late chunk: rows that the target did not have; the others replaced what it had.';
COMMENT ON COLUMN {0}.chunk.checksum IS 'Sum modulo 2^128 of the XXH3 128-bit hashes of the rows, in hexadecimal.';

CREATE TABLE {0}.chunk_failure (
  table_copy integer NOT NULL,
  generation integer NOT NULL,
  chunk      bigint  NOT NULL,
  failed_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  error      text    NOT NULL
);
CREATE INDEX ON {0}.chunk_failure (table_copy, generation, chunk);

CREATE TABLE {0}.step (
  table_copy integer NOT NULL,
  generation integer NOT NULL,
  step       text    NOT NULL,
  done_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (table_copy, generation, step)
);
COMMENT ON TABLE {0}.step IS 'Done once a generation and never repeated: creating, emptying, indexes, vacuum.';
)sql";

constexpr std::string_view views_sql = R"sql(
CREATE VIEW {0}.table_copy_progress AS
SELECT t.id AS table_copy, t.source_database, t.source_table, t.target_table, t.where_sql, t.columns, t.state,
       EXISTS (SELECT FROM pg_catalog.pg_locks l
               WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                 AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                   WHERE d.datname = pg_catalog.current_database())
                 AND l.classid::bigint = ({1}) AND l.objid::bigint = t.id) AS running,
       t.owner_host, t.owner_pid, t.owner_since, t.generation, g.started_at, g.finished_at,
       coalesce(c.chunks_done, 0) AS chunks_done, coalesce(c.chunks_pending, 0) AS chunks_pending,
       coalesce(c.rows_done, 0) AS rows_done, coalesce(c.bytes_done, 0) AS bytes_done,
       coalesce(c.estimated_bytes_pending, 0) AS estimated_bytes_pending, c.last_done_at, t.last_stop
FROM {0}.table_copy t
LEFT JOIN {0}.generation g ON g.table_copy = t.id AND g.generation = t.generation
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE k.state = 'done') AS chunks_done,
         count(*) FILTER (WHERE k.state = 'pending') AS chunks_pending,
         sum(CASE WHEN k.kind = 'late' THEN k.late_rows ELSE k.rows END)
           FILTER (WHERE k.state = 'done' AND NOT k.superseded)::bigint AS rows_done,
         sum(k.bytes) FILTER (WHERE k.state = 'done' AND NOT k.superseded AND k.kind <> 'late')::bigint AS bytes_done,
         sum(k.estimated_bytes) FILTER (WHERE k.state = 'pending')::bigint AS estimated_bytes_pending,
         max(k.done_at) AS last_done_at
  FROM {0}.chunk k WHERE k.table_copy = t.id AND k.generation = t.generation) c ON true
ORDER BY t.id;
COMMENT ON VIEW {0}.table_copy_progress IS 'How far every table copy is, in its newest generation.';

CREATE VIEW {0}.unfinished_chunks AS
SELECT t.source_table, k.table_copy, k.generation, k.no, k.kind, k.lower_bound, k.upper_bound, k.tail, k.estimated_bytes,
       (SELECT m.name FROM {0}.member m WHERE m.table_copy = k.table_copy AND m.generation = k.generation
        AND m.oid = k.member) AS member,
       (SELECT count(*) FROM {0}.chunk_failure f
        WHERE f.table_copy = k.table_copy AND f.generation = k.generation AND f.chunk = k.no) AS failures,
       (SELECT f.error FROM {0}.chunk_failure f
        WHERE f.table_copy = k.table_copy AND f.generation = k.generation AND f.chunk = k.no
        ORDER BY f.failed_at DESC LIMIT 1) AS last_error
FROM {0}.chunk k JOIN {0}.table_copy t ON t.id = k.table_copy AND t.generation = k.generation
WHERE k.state = 'pending' ORDER BY k.table_copy, k.no;
COMMENT ON VIEW {0}.unfinished_chunks IS 'What the next run of each table copy will do first.';

CREATE VIEW {0}.finished_chunks AS
SELECT t.source_table, k.table_copy, k.generation, k.round, k.no, k.kind, k.lower_bound, k.upper_bound, k.rows, k.bytes,
       k.attempts, k.read_seconds, k.done_at, k.checksum, k.record_format, k.snapshot,
       (SELECT m.name FROM {0}.member m WHERE m.table_copy = k.table_copy AND m.generation = k.generation
        AND m.oid = k.member) AS member
FROM {0}.chunk k JOIN {0}.table_copy t ON t.id = k.table_copy AND t.generation = k.generation
WHERE k.state = 'done' AND NOT k.superseded ORDER BY k.table_copy, k.no;
COMMENT ON VIEW {0}.finished_chunks IS 'Chunks whose rows are in the target, with the checksum and snapshot of each.';
)sql";

// FNV-1a; any stable hash would do.
std::uint32_t hash32(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// Both read the catalog as a table. to_regclass() looks into a cache that may still hold the "there is none" of a moment
// ago while another session's ledger is committed already.
bool schema_has_version_table(pg::Connection& connection, const LedgerNames& names, Deadline deadline) {
  return connection
             .query("SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE n.nspname = $1 AND c.relname = 'ledger_version'",
                    {names.plain_schema()}, deadline)
             .rows() > 0;
}

}  // namespace

bool schema_exists(pg::Connection& connection, const std::string& schema, Deadline deadline) {
  return connection.query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {schema}, deadline).rows() > 0;
}

LedgerNames::LedgerNames(const std::string& schema)
    : plain_schema_(schema), schema_(pg::quote_identifier(schema)) {}

std::string LedgerNames::operator()(std::string_view object) const {
  return schema_ + "." + pg::quote_identifier(object);
}

std::int32_t LedgerNames::lock_class(std::string_view purpose) const {
  return static_cast<std::int32_t>(hash32(fmt::format("pghaul {} {}", purpose, plain_schema_)));
}
std::int32_t LedgerNames::owner_lock_class() const { return lock_class("owner"); }
std::int32_t LedgerNames::fence_lock_class() const { return lock_class("fence"); }
std::int32_t LedgerNames::target_lock_class() const { return lock_class("target"); }

bool ledger_exists(pg::Connection& connection, const LedgerNames& names, Deadline deadline) {
  if (!schema_has_version_table(connection, names, deadline)) return false;
  const auto version =
      connection.run(fmt::format("SELECT version FROM {}", names("ledger_version")), deadline).int64(0, 0);
  if (version == ledger_version) return true;
  throw Error(ErrorKind::refused,
              fmt::format("the ledger has version {}, this pghaul understands version {}", version, ledger_version))
      .on(Side::target)
      .about(names.schema())
      .advise("use the pghaul that made it, or another --ledger-schema");
}

void create_ledger(pg::Connection& connection, const LedgerNames& names, Deadline deadline) {
  if (ledger_exists(connection, names, deadline)) return;
  pg::Transaction transaction(connection, deadline);
  connection.query("SELECT pg_catalog.pg_advisory_xact_lock($1, 0)", {std::to_string(names.fence_lock_class())},
                   deadline);
  if (!schema_has_version_table(connection, names, deadline)) {
    const auto lock_class = std::to_string(static_cast<std::uint32_t>(names.owner_lock_class()));
    // Not IF NOT EXISTS: that asks for the right to create even where the schema is there.
    if (!schema_exists(connection, names.plain_schema(), deadline)) {
      connection.run("CREATE SCHEMA " + names.schema(), deadline);
    }
    connection.run(fmt::format(fmt::runtime(tables_sql), names.schema(), ledger_version), deadline);
    connection.run(fmt::format(fmt::runtime(views_sql), names.schema(), lock_class), deadline);
  }
  failpoint(fp::ledger_before_create);
  transaction.commit(deadline);
  failpoint(fp::ledger_created);
}

}  // namespace pghaul
