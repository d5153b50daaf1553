#include <set>
#include <string_view>

#include <fmt/format.h>

#include "catalog/table_shape.h"
#include "command/copy_options.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

void require(bool right, std::string_view text) {
  if (!right) throw Error(ErrorKind::usage, fmt::format("PgCopyOptions: {}", text));
}

void check_names(const PgCopyOptions& options) {
  require(!options.source.empty() && !options.target.empty(), "source and target are needed");
  require(!options.tables.empty(), "at least one table is needed");
  std::set<std::string> tables;
  for (const auto& text : options.tables) {
    const auto name = catalog::parse_table_name(text).display();
    require(tables.insert(name).second, fmt::format("table {} is named twice", name));
  }
  const std::set<std::string> columns(options.columns.begin(), options.columns.end());
  require(columns.size() == options.columns.size(), "a column is named twice");
  const auto& schema = options.ledger_schema;
  require(!schema.empty() && schema != "information_schema" && !schema.starts_with("pg_"),
          "ledger_schema must be the name of a schema of your own");
}

void check_numbers(const PgCopyOptions& options) {
  require(options.readers >= 1 && options.writers >= 1, "readers and writers must be at least 1");
  require(options.max_workers.value_or(1) >= 1, "max_workers must be at least 1");
  require(options.plan.batch_bytes >= 1 && options.plan.batch_rows.value_or(1) >= 1, "a batch must hold something");
  require(options.max_retries >= 0, "max_retries must not be negative");
  require(options.max_rate.value_or(1) >= 1 && options.max_chunks.value_or(1) >= 1,
          "max_rate and max_chunks must be at least 1");
  for (const auto span : {options.timeout, options.statement_timeout, options.connect_timeout}) {
    require(span.count() >= 1, "timeouts must be above 0");
  }
  require(options.max_snapshot_age.value_or(std::chrono::seconds(1)) >= std::chrono::seconds(1),
          "max_snapshot_age must be at least a second");
  require(options.reconnect_timeout.count() >= 0 && options.late_wait.count() >= 0 && options.sleep.count() >= 0,
          "reconnect_timeout, late_wait and sleep must not be negative");
}

}  // namespace

void check_options(const PgCopyOptions& options) {
  check_names(options);
  check_numbers(options);
  require(!options.full || options.on_conflict == OnConflict::error,
          "full and on_conflict contradict each other: a table that was just emptied has no rows to meet");
  require(!options.require_one_snapshot || options.snapshot == SnapshotMode::shared,
          "require_one_snapshot and one snapshot for each chunk contradict each other");
  require(options.plan.chunk_by != ChunkBy::ctid || options.snapshot == SnapshotMode::shared,
          "pages and one snapshot for each chunk contradict each other: pages mean something inside one snapshot only");
  require(!options.max_snapshot_age || (options.snapshot == SnapshotMode::shared && !options.require_one_snapshot),
          "max_snapshot_age is for shared snapshots of which there may be several");
}

}  // namespace pghaul
