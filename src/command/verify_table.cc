#include "command/verify_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/type_fit.h"
#include "command/finding_list.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

void check_shape(FindingList& findings, Side side, const std::optional<catalog::TableShape>& shape) {
  if (!shape) {
    return findings.on(side).error(
        fmt::format("there is no such table on the {} [SQLSTATE 42P01]", to_string(side)),
        "check the name; without double quotes it is folded to lower case, and without a schema "
        "public is meant");
  }
  if (shape->kind != 'r' && shape->kind != 'p') {
    findings.on(side).error(fmt::format("it is no table on the {}", to_string(side)),
                            "name the table it stands on");
  }
  if (shape->row_security) {
    findings.on(side).error(
        fmt::format("row-level security hides rows from this role on the {} [SQLSTATE 42501]",
                    to_string(side)),
        "use a role that owns the table or has BYPASSRLS");
  }
}

void leave_children_out(FindingList& findings, catalog::TableShape& source) {
  if (source.kind == 'p') {
    findings.on(Side::source)
        .error("a partitioned table has no rows of its own for --only to compare",
               "leave --only out, or name a partition");
  }
  source.has_children = false;
}

void check_column(FindingList& findings, const TableJob& job, const std::string& name) {
  const auto *from = job.source.column(name), *to = job.target->column(name);
  if (from == nullptr) {
    findings.on(Side::source)
        .error(fmt::format("there is no column {} on the source [SQLSTATE 42703]", name),
               "say with --columns what is to be compared");
  } else if (to == nullptr) {
    findings.on(Side::target)
        .error(fmt::format("there is no column {} on the target [SQLSTATE 42703]", name),
               "say with --columns what is to be compared");
  } else if (!catalog::type_fits(from->type, to->type) && !catalog::type_fits(to->type, from->type)) {
    findings.on(Side::target)
        .error(fmt::format("column {} is {} on the source and {} on the target", name, from->type, to->type),
               "say with --columns what is to be compared");
  }
}

// Of the target alone, where nobody said which columns count.
void check_extra_columns(FindingList& findings, const TableJob& job) {
  for (const auto& column : job.target->columns) {
    if (job.source.column(column.name) != nullptr) continue;
    findings.on(Side::target)
        .error(fmt::format("column {} is on the target only", column.name),
               "say with --columns what is to be compared");
  }
}

// On the named table: partitions and children are read by its name.
void check_rights(FindingList& findings, pg::Connection& connection, catalog::TableShape shape,
                  const std::vector<std::string>& columns, Deadline deadline) {
  shape.members.clear();
  for (const auto& grant : catalog::missing_source_grants(connection, shape, columns, deadline)) {
    findings.on(connection.side())
        .error(fmt::format("this role may not read the table on the {} [SQLSTATE 42501]",
                           to_string(connection.side())),
               fmt::format("on the {}: {}", to_string(connection.side()), grant));
  }
}

void check_where(FindingList& findings, pg::Connection& connection, const catalog::TableName& name,
                 const std::string& where_sql, Deadline deadline) {
  if (where_sql.empty()) return;
  try {
    connection.query(
        fmt::format("SELECT FROM {} AS t WHERE {} LIMIT 0", name.sql(), user_condition(where_sql)), {},
        deadline);
  } catch (const Error& error) {
    if (error.retryable()) throw;
    findings.on(connection.side())
        .error(fmt::format("--where is not accepted by the {}: {} [SQLSTATE {}]",
                           to_string(connection.side()), error.what(), error.sqlstate()),
               "correct the condition; columns may be written with the alias t");
  }
}

bool is_integer(const std::string& type) {
  return type == "smallint" || type == "integer" || type == "bigint";
}

// How a database sorts text by default.
std::string read_locale(pg::Connection& connection, Deadline deadline) {
  return std::string(
      connection
          .run("SELECT pg_catalog.concat_ws(' ', d.datcollate, d.datctype, j ->> 'datlocprovider', "
               "coalesce(j ->> 'datlocale', j ->> 'daticulocale')) FROM pg_catalog.pg_database AS d, "
               "pg_catalog.to_jsonb(d) AS j WHERE d.datname = pg_catalog.current_database()",
               deadline)
          .text(0, 0));
}

bool sort_text_alike(ComparedServers& servers) {
  if (!servers.sort_text_alike) {
    servers.sort_text_alike =
        read_locale(servers.source, servers.deadline()) == read_locale(servers.target, servers.deadline());
  }
  return *servers.sort_text_alike;
}

// Text sorts alike only in one encoding, and by the default collation only with one locale.
bool sorts_alike(ComparedServers& servers, const catalog::OrderedKey& key) {
  for (const auto& column : key.columns) {
    if (column.collation.empty()) continue;
    if (servers.facts.source.encoding != servers.facts.target.encoding) return false;
    const bool by_default =
        column.collation.ends_with(".\"default\"") || column.collation.ends_with(".default");
    if (by_default && !sort_text_alike(servers)) return false;
  }
  return true;
}

const catalog::OrderedKey* same_key(const catalog::TableShape& target, const catalog::OrderedKey& key) {
  for (const auto& other : target.ordered_keys) {
    if (other.identity() == key.identity()) return &other;
  }
  return nullptr;
}

// Which columns name a row, and whether their ranges are the same rows on both sides.
void choose_key(ComparedServers& servers, VerifyTable& table) {
  auto& job = table.job;
  const auto compared = [&](const std::string& name) {
    return std::ranges::find(job.columns, name) != job.columns.end();
  };
  if (job.source.key && compared(job.source.key->column) &&
      is_integer(job.target->column(job.source.key->column)->type)) {
    job.key = job.source.key;
    table.source.key_column = table.target.key_column = job.key->column;
    table.source_index = job.key->index;
    table.target_index = job.target->range_index(job.key->column);
    table.by_ranges = !table.target_index.empty();
    if (job.key->nullable && !table.by_ranges) table.source.key_column = table.target.key_column = "";
    return;
  }
  for (const auto& key : job.source.ordered_keys) {
    if (!std::ranges::all_of(key.columns, [&](const auto& column) { return compared(column.name); }))
      continue;
    const auto* const there = same_key(*job.target, key);
    if (there == nullptr) continue;
    job.ordered_key = table.source.ordered_key = key;
    table.target.ordered_key = *there;
    table.source_index = key.index;
    table.target_index = there->index;
    table.by_ranges = sorts_alike(servers, key);
    return;
  }
}

// Where the ranges of partitions, and the rest, are read from.
void set_places(VerifyTable& table) {
  if (table.pairs.target_of.empty()) return;
  const auto name_all = [](ComparedTable& side, const catalog::TableShape& shape) {
    for (const auto& member : shape.members) side.members[member.oid] = member.name.sql();
  };
  name_all(table.source, table.job.source);
  name_all(table.target, *table.job.target);
  const auto name_rest = [](const std::vector<catalog::TableName>& names) {
    std::vector<std::string> rest;
    for (const auto& name : names) rest.push_back(name.sql());
    return rest;
  };
  table.source.rest = name_rest(table.pairs.source_rest);
  table.target.rest = name_rest(table.pairs.target_rest);
}

ComparedTable side_of(const catalog::TableShape& shape, const RowForm& form, const VerifyOptions& options,
                      bool portable_hash) {
  ComparedTable side;
  side.name = shape.name;
  side.only = shape.kind == 'r' && !shape.has_children;
  side.form = form;
  side.where_sql = options.copy.where_sql;
  side.portable_hash = portable_hash;
  side.only_count = options.counts;
  return side;
}

}  // namespace

void inspect_for_verify(ComparedServers& servers, const VerifyOptions& options, VerifyTable& table,
                        std::vector<Finding>& all) {
  auto& job = table.job;
  FindingList findings(all, job.name.display());
  auto source = catalog::read_table_shape(
      servers.source, job.name, servers.deadline(),
      options.copy.only ? catalog::Descendants::ignore : catalog::Descendants::read);
  if (source && options.copy.only) leave_children_out(findings, *source);
  job.target = catalog::read_table_shape(servers.target, job.name, servers.deadline());
  check_shape(findings, Side::source, source);
  check_shape(findings, Side::target, job.target);
  if (findings.refused()) return;
  job.source = *source;
  job.columns = options.copy.columns.empty() ? job.source.column_names() : options.copy.columns;
  for (const auto& name : job.columns) check_column(findings, job, name);
  if (options.copy.columns.empty()) check_extra_columns(findings, job);
  if (findings.refused()) return;
  check_rights(findings, servers.source, job.source, options.copy.columns, servers.deadline());
  check_rights(findings, servers.target, *job.target, options.copy.columns, servers.deadline());
  if (findings.refused()) return;
  check_where(findings, servers.source, job.name, options.copy.where_sql, servers.deadline());
  check_where(findings, servers.target, job.name, options.copy.where_sql, servers.deadline());

  const bool same_major =
      servers.facts.source.version_num / 10'000 == servers.facts.target.version_num / 10'000;
  const auto form = row_form(job.source, *job.target, job.columns, same_major);
  table.source = side_of(job.source, form, options, servers.portable_hash);
  table.target = side_of(*job.target, form, options, servers.portable_hash);
  choose_key(servers, table);
  table.pairs = read_leaf_pairs(servers.source, servers.target, job, servers.deadline());
  // Ranges of the whole leave nothing over; by partitions they are read with less.
  if (table.by_ranges && !options.seq_scan && !table.pairs.all()) table.pairs = {};
  set_places(table);
  table.report.equality = options.counts ? "as many rows" : form.meaning();
  table.report.key_columns = key_columns(table.source);
}

LeafPairs read_leaf_pairs(pg::Connection& source, pg::Connection& target, const TableJob& job,
                          Deadline deadline) {
  if (job.source.kind != 'p' || job.target->kind != 'p') return {};
  return pair_leaves(catalog::read_leaf_paths(source, job.source.oid, deadline),
                     catalog::read_leaf_paths(target, job.target->oid, deadline));
}

std::string identity_of(const VerifyTable& table) {
  const auto& job = table.job;
  return fmt::format("{} ({}) {} / {} / {} where {} by {}{}{}", job.name.display(),
                     fmt::join(job.columns, ", "), table.report.equality, job.source.fingerprint(),
                     job.target->fingerprint(), table.source.where_sql, job.key_identity(),
                     table.by_ranges ? "" : " as a whole", table.pairs.identity());
}

}  // namespace pghaul
