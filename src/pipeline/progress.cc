#include "pipeline/progress.h"

namespace pghaul {
namespace {

PgTableProgress values_of(const TableProgress& table) {
  return {.name = table.name,
          .rows_before = table.rows_before,
          .bytes_before = table.bytes_before,
          .chunks_before = table.chunks_before,
          .rows = table.rows.load(),
          .bytes = table.bytes.load(),
          .chunks = table.chunks.load(),
          .bytes_expected = table.bytes_expected.load(),
          .chunks_pending = table.chunks_pending.load(),
          .retries = table.retries.load(),
          .late_rows = table.late_rows.load()};
}

}  // namespace

PgCopyProgress values_of(const Progress& progress) {
  PgCopyProgress values;
  values.phase = progress.phase.load();
  for (const auto& table : progress.tables) values.tables.push_back(values_of(table));
  return values;
}

}  // namespace pghaul
