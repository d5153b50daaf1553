#include "command/reread_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ledger/pg_mark.h"
#include "pg/copy.h"
#include "pg/quote.h"
#include "pg/transaction.h"
#include "source/table_query.h"

namespace pghaul {
namespace {

constexpr int most_keys = 10'000;

std::string columns_of(const std::vector<std::string>& names, std::string_view alias) {
  std::string list;
  for (const auto& name : names) list += fmt::format("{}{}.{}", list.empty() ? "" : ", ", alias, pg::quote_identifier(name));
  return list;
}

// As an array literal; integers need no quotes in it.
std::string clashing_keys(const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                          std::int64_t& count, Deadline deadline) {
  const auto key = "t." + pg::quote_identifier(job.key->column);
  const auto rows = target.run(
      fmt::format("SELECT DISTINCT {0}::pg_catalog.text FROM {1} AS t WHERE {0} IS NOT NULL AND ({2}) IN "
                  "(SELECT {3} FROM {1} AS d GROUP BY {3} HAVING pg_catalog.count(*) > 1) LIMIT {4}",
                  key, job.name.sql(), columns_of(build.columns, "t"), columns_of(build.columns, "d"), most_keys + 1),
      deadline);
  std::vector<std::string> keys;
  for (int row = 0; row < rows.rows(); ++row) keys.emplace_back(rows.text(row, 0));
  count = rows.rows();
  return fmt::format("'{{{}}}'::pg_catalog.int8[]", fmt::join(keys, ","));
}

}  // namespace

std::int64_t reread_clashing_rows(const Sessions& sessions, const CopyOptions& options, const LedgerNames& names,
                                  const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                                  Deadline deadline) {
  for (const auto& column : build.columns) {
    if (column.empty()) return 0;  // an expression: the clash cannot be looked up by columns
  }
  std::int64_t count = 0;
  const auto keys = clashing_keys(job, build, target, count, deadline);
  if (count == 0) return 0;
  if (count > most_keys) {
    throw Error(ErrorKind::failed, fmt::format("more than {} rows clash", most_keys))
        .on(Side::target)
        .advise("look whether the unique index of the source is damaged; then --full");
  }
  const auto condition = fmt::format("t.{} = ANY ({})", pg::quote_identifier(job.key->column), keys);
  SourceTable table{job.source, job.columns, job.key->column,
                    options.where_sql.empty() ? condition : fmt::format("{} AND {}", condition, user_condition(options.where_sql)),
                    job.binary, job.record_format};
  pg::Connection source(sessions.source(), sessions.source_session("re-reader"));
  pg::Transaction transaction(target, deadline, begin_fenced_sql(names, job.ledger->table_copy()));
  job.ledger->check_ownership();
  target.run(fmt::format("DELETE FROM {} AS t WHERE {}", job.name.sql(), condition), deadline);
  pg::CopyOut out(source, copy_out_sql(table, {ChunkKind::whole, {}, {}, {}}), deadline);
  TargetTable target_table{job.name, job.columns, job.key->column, {}, OnConflict::error, job.binary};
  pg::CopyIn in(target, copy_in_sql(target_table), deadline);
  std::string_view frame;
  while (out.next(frame)) in.write(frame);
  in.finish();
  transaction.commit(deadline);
  return count;
}

}  // namespace pghaul
