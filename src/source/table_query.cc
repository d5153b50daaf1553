#include "source/table_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pg/quote.h"
#include "pghaul/error.h"
#include "source/ordered_ranges.h"

namespace pghaul {
namespace {

std::string column(const std::string& name) { return "t." + pg::quote_identifier(name); }

// A literal and not a number: -9223372036854775808 would be read as a numeric, and no index fits that.
std::string key_literal(const std::string& value) { return pg::quote_literal(value) + "::pg_catalog.int8"; }
std::string page_literal(const std::string& page) { return fmt::format("'({},0)'::pg_catalog.tid", page); }

std::string bounds(const std::string& what, const ChunkRange& range, std::string (*literal)(const std::string&)) {
  std::string sql;
  if (range.lower) sql = fmt::format("{} >= {}", what, literal(*range.lower));
  if (range.upper) sql += fmt::format("{}{} < {}", sql.empty() ? "" : " AND ", what, literal(*range.upper));
  return sql;
}

bool is_ordered_range(const SourceTable& table, const ChunkRange& range) {
  return range.kind == ChunkKind::key && table.ordered_key;
}

std::string or_true(std::string condition) { return condition.empty() ? "true" : condition; }

// Two conditions, either of which may be empty.
std::string both(const std::string& one, const std::string& other) {
  return one.empty() || other.empty() ? one + other : one + " AND " + other;
}

std::string oid_list(const std::vector<std::uint32_t>& oids) {
  return fmt::format("'{{{}}}'::pg_catalog.oid[]", fmt::join(oids, ","));
}

const catalog::Member& member_of(const SourceTable& table, const ChunkMember& wanted) {
  if (const auto* member = table.shape.member(wanted.oid)) return *member;
  throw Error(ErrorKind::failed, wanted.name + " belongs to the table no more")
      .on(Side::source)
      .about(table.shape.name.display())
      .advise("run the same command with --full to copy the table anew");
}

// Merging takes all rows of a key away on the target. So where a key may stand in several members, those of all of them
// must come.
std::string late_select(const SourceTable& table, const std::string& columns, const Relation& relation,
                        const std::string& condition) {
  const auto key = column(table.key_column);
  const auto all = relation_of(table, {});
  return fmt::format("SELECT {} FROM {} AS t WHERE {} AND {} IN (SELECT {} FROM {} AS t WHERE {})", columns, all.from,
                     all.condition, key, key, relation.from, both(condition, relation.condition));
}

}  // namespace

Relation relation_of(const SourceTable& table, const ChunkRange& range) {
  if (range.member) return {"ONLY " + member_of(table, *range.member).name.sql(), ""};
  if (!table.shape.is_tree()) return {"ONLY " + table.shape.name.sql(), ""};
  // What is asked for in other words is of all that the name stands for; and a right on columns is none on tableoid.
  if (table.query) return {table.shape.name.sql(), ""};
  return {table.shape.name.sql(), fmt::format("t.tableoid = ANY ({})", oid_list(relations_read(table, range)))};
}

std::vector<std::uint32_t> relations_read(const SourceTable& table, const ChunkRange& range) {
  if (range.member) return {range.member->oid};
  if (!table.shape.is_tree()) return {table.shape.oid};
  std::vector<std::uint32_t> oids;
  for (const auto& member : table.shape.members) oids.push_back(member.oid);
  return oids;
}

std::string range_condition(const ChunkRange& range, const std::string& key_column) {
  switch (range.kind) {
    case ChunkKind::key: {
      const auto condition = bounds(column(key_column), range, key_literal);
      // Without bounds NULL keys would slip in; they have a chunk of their own.
      return condition.empty() ? column(key_column) + " IS NOT NULL" : condition;
    }
    case ChunkKind::null: return column(key_column) + " IS NULL";
    case ChunkKind::ctid: return or_true(bounds("t.ctid", range, page_literal));
    case ChunkKind::late:
      if (!range.since) return or_true(bounds(column(key_column), range, key_literal));
      return fmt::format("{} AND pg_catalog.age(t.xmin) <= pg_catalog.age({}::pg_catalog.xid)",
                         or_true(bounds(column(key_column), range, key_literal)), pg::quote_literal(*range.since));
    case ChunkKind::whole: break;
  }
  return "true";
}

// The planner takes the CASE away again.
std::string user_condition(const std::string& where_sql) { return "(CASE WHEN true THEN\n" + where_sql + "\nEND)"; }

std::string copy_out_sql(const SourceTable& table, const ChunkRange& range) {
  std::string columns, selects;
  for (const auto& name : table.columns) columns += (columns.empty() ? "" : ", ") + column(name);
  const auto conditions = is_ordered_range(table, range)
                              ? range_conditions(*table.ordered_key, range)
                              : std::vector{range_condition(range, table.key_column)};
  const auto relation = relation_of(table, range);
  for (const auto& condition : conditions) {
    auto select = range.kind == ChunkKind::late && table.shape.key_may_repeat()
                      ? late_select(table, columns, relation, condition)
                      : fmt::format("SELECT {} FROM {} AS t WHERE {}", columns, relation.from,
                                    both(condition, relation.condition));
    if (!table.where_sql.empty()) select += " AND " + user_condition(table.where_sql);
    selects += (selects.empty() ? "" : " UNION ALL ") + select;
  }
  return fmt::format("COPY ({}) TO STDOUT{}", selects, table.binary ? " (FORMAT binary)" : "");
}

std::string probe_sql(const SourceTable& table, const ChunkRange& range, std::int64_t rows, int most) {
  const auto relation = relation_of(table, range);
  if (table.ordered_key) return ordered_probe_sql(relation, *table.ordered_key, range, rows, most);
  const auto key = column(table.key_column);
  const auto upper = both(or_true(bounds(key, {ChunkKind::key, std::nullopt, range.upper, {}}, key_literal)),
                          relation.condition);
  // ORDER BY must name the column of the table: an output column of type text would be sorted as text.
  return fmt::format(
      "WITH RECURSIVE cut(key, n) AS ("
      "SELECT (SELECT {0} FROM {1} AS t WHERE {2} ORDER BY {0} OFFSET {4} LIMIT 1), 1 "
      "UNION ALL SELECT (SELECT {0} FROM {1} AS t WHERE {0} >= cut.key AND {3} ORDER BY {0} OFFSET {4} LIMIT 1), "
      "cut.n + 1 FROM cut WHERE cut.key IS NOT NULL AND cut.n < {5}) "
      "SELECT cut.key::pg_catalog.text FROM cut WHERE cut.key IS NOT NULL",
      key, relation.from, both(range_condition(range, table.key_column), relation.condition), upper, rows, most);
}

std::string shape_check_sql(const SourceTable& table, const ChunkRange& range) {
  // Only the columns that travel: the role may have no right to see others.
  std::string columns, inner;
  for (const auto& name : table.columns) {
    columns += ", " + column(name);
    inner += (inner.empty() ? "" : ", ") + column(name);
  }
  return fmt::format(
      "SELECT f.nodes{} FROM (SELECT pg_catalog.string_agg(coalesce(pg_catalog.pg_relation_filenode(r.oid), "
      "0::pg_catalog.oid)::pg_catalog.text, ' ' ORDER BY r.no) FROM pg_catalog.unnest({}) WITH ORDINALITY AS r(oid, no)) "
      "AS f(nodes) LEFT JOIN (SELECT {} FROM {} AS t WHERE false) AS t ON true",
      columns, oid_list(relations_read(table, range)), inner, relation_of(table, range).from);
}

std::string strays_sql(const SourceTable& table, const std::vector<std::uint32_t>& members) {
  return fmt::format(
      "WITH RECURSIVE up(member, oid) AS (SELECT m.oid, m.oid FROM pg_catalog.unnest({}) AS m(oid) UNION "
      "SELECT up.member, i.inhparent FROM up JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.oid "
      "WHERE NOT i.inhdetachpending) "
      "SELECT up.member FROM up GROUP BY up.member HAVING NOT pg_catalog.bool_or(up.oid = {}::pg_catalog.oid)",
      oid_list(members), table.shape.oid);
}

}  // namespace pghaul
