#include "sink/database_sink.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "database/row_codec.h"

namespace pghaul {
namespace {

std::vector<Row> rows_of(Batch& batch) {
  RowDecoder decoder;
  std::vector<Row> rows;
  std::string_view bytes;
  while (batch.next(bytes)) decoder.feed(bytes, rows);
  decoder.finish();
  const auto expected = batch.summary()->rows;
  if (static_cast<std::int64_t>(rows.size()) == expected) return rows;
  throw Error(ErrorKind::failed, fmt::format("{} rows arrived of {}", rows.size(), expected)).on(Side::local);
}

}  // namespace

DatabaseSink::DatabaseSink(std::shared_ptr<DatabaseCalls> calls, std::string dbname, RangeLedger& ledger,
                           std::size_t batch_size)
    : session_(std::move(calls), Side::target, std::move(dbname)), ledger_(ledger), batch_size_(batch_size) {}

void DatabaseSink::save(std::vector<Row> rows) {
  const auto shared = std::make_shared<const std::vector<Row>>(std::move(rows));
  for (std::size_t first = 0; first < shared->size(); first += batch_size_) {
    session_.save_rows(shared, first, std::min(batch_size_, shared->size() - first));
  }
}

WriteResult DatabaseSink::write(std::size_t, const Chunk&, const Mark& mark, Batch& batch) {
  WriteResult result;
  result.outcome = ledger_.state_of(mark);
  if (result.outcome != MarkOutcome::written) return result;
  auto rows = rows_of(batch);
  failpoint(fp::chunk_before_mark);
  save(std::move(rows));
  failpoint(fp::rows_sent);
  result.outcome = ledger_.mark_done(mark);
  failpoint(fp::chunk_after_commit);
  return result;
}

}  // namespace pghaul
