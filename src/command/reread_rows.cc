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

// Rows that clash: how many, and a condition for them on either side.
struct Clashes {
  std::int64_t count = 0;
  std::string on_source, on_target;
};

// Of table `t`, in the groups of equal values in the index's columns.
std::string clashing(const TableJob& job, const catalog::IndexBuild& build) {
  return fmt::format("({0}) IN (SELECT {1} FROM {2} AS d GROUP BY {1} HAVING pg_catalog.count(*) > 1)",
                     columns_of(build.columns, "t"), columns_of(build.columns, "d"), job.name.sql());
}

// By an array literal; integers need no quotes in it.
Clashes clashes_by_integer(const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                           Deadline deadline) {
  const auto key = "t." + pg::quote_identifier(job.key->column);
  const auto rows = target.run(
      fmt::format("SELECT DISTINCT {0}::pg_catalog.text FROM {1} AS t WHERE {0} IS NOT NULL AND {2} LIMIT {3}", key,
                  job.name.sql(), clashing(job, build), most_keys + 1),
      deadline);
  std::vector<std::string> keys;
  for (int row = 0; row < rows.rows(); ++row) keys.emplace_back(rows.text(row, 0));
  const auto condition = fmt::format("{} = ANY ('{{{}}}'::pg_catalog.int8[])", key, fmt::join(keys, ","));
  return {rows.rows(), condition, condition};
}

// The target need not compare values as the source does, so there the rows are told by their place: they keep it until
// they are deleted, as nobody updates them.
Clashes clashes_by_ordered(const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                           Deadline deadline) {
  std::vector<std::string> names;
  for (const auto& column : job.ordered_key->columns) names.push_back(column.name);
  const auto rows = target.run(fmt::format("SELECT t.tableoid, t.ctid, {} FROM {} AS t WHERE {} LIMIT {}",
                                           columns_of(names, "t"), job.name.sql(), clashing(job, build), most_keys + 1),
                               deadline);
  std::vector<std::string> keys, places;
  for (int row = 0; row < rows.rows(); ++row) {
    places.push_back(fmt::format("({}::pg_catalog.oid, '{}'::pg_catalog.tid)", rows.text(row, 0), rows.text(row, 1)));
    std::string key;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& column = job.ordered_key->columns[i];
      key += fmt::format("{}t.{}{} {} {}::{}", key.empty() ? "" : " AND ", pg::quote_identifier(column.name),
                         column.collation, column.equal,
                         pg::quote_literal(rows.text(row, 2 + static_cast<int>(i))), column.type);
    }
    keys.push_back("(" + key + ")");
  }
  return {rows.rows(), fmt::format("({})", fmt::join(keys, " OR ")),
          fmt::format("(t.tableoid, t.ctid) IN ({})", fmt::join(places, ", "))};
}

}  // namespace

std::int64_t reread_clashing_rows(const Sessions& sessions, const PgCopyOptions& options, const LedgerNames& names,
                                  const TableJob& job, const catalog::IndexBuild& build, pg::Connection& target,
                                  Deadline deadline) {
  for (const auto& column : build.columns) {
    if (column.empty()) return 0;  // an expression: the clash cannot be looked up by columns
  }
  const auto clashes = job.key ? clashes_by_integer(job, build, target, deadline)
                               : clashes_by_ordered(job, build, target, deadline);
  if (clashes.count == 0) return 0;
  if (clashes.count > most_keys) {
    throw Error(ErrorKind::failed, fmt::format("more than {} rows clash", most_keys))
        .on(Side::target)
        .advise("look whether the unique index of the source is damaged; then --full");
  }
  const auto table = job.source_table(
      options.where_sql.empty() ? clashes.on_source
                                : fmt::format("{} AND {}", clashes.on_source, user_condition(options.where_sql)));
  pg::Connection source(sessions.source(), sessions.source_session("re-reader"));
  pg::Transaction transaction(target, deadline, begin_fenced_sql(names, job.ledger->table_copy()));
  job.ledger->check_ownership();
  target.run(fmt::format("DELETE FROM {} AS t WHERE {}", job.name.sql(), clashes.on_target), deadline);
  pg::CopyOut out(source, copy_out_sql(table, {ChunkKind::whole, {}, {}, {}}), deadline);
  TargetTable target_table{job.name, job.columns, job.key_column(), {}, OnConflict::error, job.binary};
  pg::CopyIn in(target, copy_in_sql(target_table), deadline);
  std::string_view frame;
  while (out.next(frame)) in.write(frame);
  in.finish();
  transaction.commit(deadline);
  return clashes.count;
}

}  // namespace pghaul
