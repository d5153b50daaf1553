#include "catalog/target_ddl.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/names.h"
#include "pg/quote.h"

namespace pghaul::catalog {

namespace {

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || listed(names, name);
}

std::string column_sql(const Column& column) {
  std::string sql = fmt::format("{} {}", pg::quote_identifier(column.name), column.type);
  if (!column.collation.empty()) sql += " COLLATE " + column.collation;
  if (!column.generated.empty()) sql += fmt::format(" GENERATED ALWAYS AS ({}) STORED", column.generated);
  if (column.not_null) sql += " NOT NULL";
  return sql;
}

bool is_btree(const Index& index) { return index.definition_tail.starts_with("USING btree "); }

// Exclusion constraints (and keys without overlaps, which are built on one) cannot be made from an index.
bool can_be_built(const Index& index, const std::vector<std::string>& columns) {
  if (!index.valid || (index.constraint && (index.constraint_type == "x" || !is_btree(index)))) return false;
  return std::all_of(index.uses.begin(), index.uses.end(),
                     [&](const std::string& column) { return wanted(columns, column); });
}

std::string constraint_sql(const Index& index, const TableName& target) {
  const std::string name = pg::quote_identifier(index.name);
  return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}{}{}", target.sql(), name,
                     index.primary ? "PRIMARY KEY" : "UNIQUE", name, index.deferrable ? " DEFERRABLE" : "",
                     index.deferred ? " INITIALLY DEFERRED" : "");
}

// Where rows come from an inheritance tree a unique index of the parent says nothing about its children's rows.
IndexBuild build_of(const Index& index, const TableName& target, bool may_repeat) {
  const bool unique = index.unique && !may_repeat;
  IndexBuild build{index.name, index.primary && unique, unique, index.columns, {}};
  build.statements.push_back(fmt::format("CREATE {}INDEX {} ON {} {}", unique ? "UNIQUE " : "",
                                         pg::quote_identifier(index.name), target.sql(), index.definition_tail));
  if (index.constraint && unique) build.statements.push_back(constraint_sql(index, target));
  return build;
}

const Column* generated_on(const TableShape* shape, const std::string& name) {
  const Column* column = shape == nullptr ? nullptr : shape->column(name);
  return column != nullptr && !column->generated.empty() ? column : nullptr;
}

// A generated column is computed by the target, which has it or is created with it. Where the target has it as a
// plain column, its values have to travel: it would stay empty.
bool computed_by_target(const Column& column, const TableShape* target) {
  if (target == nullptr || target->column(column.name) == nullptr) return !column.generated.empty();
  return generated_on(target, column.name) != nullptr;
}

std::string unfit_for_binary(const TableShape& source, const TableShape& target, const std::string& name) {
  const Column* from = source.column(name);
  const Column* to = target.column(name);
  if (from == nullptr || to == nullptr) return fmt::format("column {} is not on both sides", display_name(name));
  if (from->type_oid != to->type_oid || from->type_schema != to->type_schema) {
    return fmt::format("column {} is {} on the source and {} on the target", display_name(name), from->type,
                       to->type);
  }
  if (from->binary_safe && to->binary_safe) return "";
  return fmt::format("type {} of column {} is not known to be the same in binary on both servers", from->type,
                     display_name(name));
}

// Columns that are named where rows cannot travel in binary.
constexpr std::size_t most_reasons = 3;

std::string why_not_binary(const TableShape& source, const TableShape& target, const std::vector<std::string>& columns,
                           int source_version, int target_version) {
  const int source_major = source_version / 10000, target_major = target_version / 10000;
  if (source_major != target_major) {
    return fmt::format("the servers' major versions differ ({} and {})", source_major, target_major);
  }
  std::vector<std::string> reasons;
  for (const std::string& name : columns) {
    std::string reason = unfit_for_binary(source, target, name);
    if (!reason.empty()) reasons.push_back(std::move(reason));
  }
  if (reasons.size() <= most_reasons) return fmt::format("{}", fmt::join(reasons, "; "));
  const auto more = reasons.size() - most_reasons;
  reasons.resize(most_reasons);
  return fmt::format("{}; and {} more columns", fmt::join(reasons, "; "), more);
}

}  // namespace

std::string create_table_sql(const TableShape& source, const TableName& target,
                             const std::vector<std::string>& columns) {
  std::vector<std::string> lines;
  for (const Column& column : source.columns) {
    if (wanted(columns, column.name)) lines.push_back("  " + column_sql(column));
  }
  if (lines.empty()) return fmt::format("CREATE TABLE {} ()", target.sql());
  return fmt::format("CREATE TABLE {} (\n{}\n)", target.sql(), fmt::join(lines, ",\n"));
}

std::vector<IndexBuild> index_builds(const TableShape& source, const TableName& target,
                                     const std::vector<std::string>& columns) {
  std::vector<IndexBuild> builds;
  for (const Index& index : source.indexes) {
    if (can_be_built(index, columns)) builds.push_back(build_of(index, target, source.key_may_repeat()));
  }
  std::stable_partition(builds.begin(), builds.end(), [](const IndexBuild& build) { return build.primary; });
  return builds;
}

std::vector<std::string> travelling_columns(const TableShape& source, const TableShape* target,
                                            const std::vector<std::string>& wanted_columns) {
  std::vector<std::string> names;
  for (const Column& column : source.columns) {
    if (wanted(wanted_columns, column.name) && !computed_by_target(column, target)) names.push_back(column.name);
  }
  return names;
}

bool binary_copy_possible(const TableShape& source, const TableShape& target, const std::vector<std::string>& columns,
                          int source_version, int target_version, std::string* reason) {
  const std::string why_not = why_not_binary(source, target, columns, source_version, target_version);
  if (reason != nullptr) *reason = why_not;
  return why_not.empty();
}

}  // namespace pghaul::catalog
