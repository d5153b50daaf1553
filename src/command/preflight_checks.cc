#include "command/preflight_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/target_ddl.h"
#include "command/check_servers.h"
#include "command/finding_list.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

// Whether a schema, or something in it, may be created and used: nothing, or the GRANT to type.
std::optional<std::string> missing_create_right(ControlSessions& control, const std::string& schema) {
  const auto row = control.target.query(
      "SELECT n.oid IS NULL, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
      "pg_catalog.has_schema_privilege(n.oid, 'CREATE'), pg_catalog.has_schema_privilege(n.oid, 'USAGE') "
      "FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1",
      {schema}, control.deadline());
  const auto role = pg::quote_identifier(control.servers.target.role);
  if (row.boolean(0, 0)) {
    if (row.boolean(0, 1)) return std::nullopt;
    return fmt::format("GRANT CREATE ON DATABASE {} TO {}", pg::quote_identifier(control.servers.target.database), role);
  }
  const bool create = row.boolean(0, 2), use = row.boolean(0, 3);
  if (create && use) return std::nullopt;
  return fmt::format("GRANT {}{}{} ON SCHEMA {} TO {}", create ? "" : "CREATE", create || use ? "" : ", ",
                     use ? "" : "USAGE", pg::quote_identifier(schema), role);
}

// Merged and late rows go through a temporary table.
void check_temporary_right(FindingList& findings, ControlSessions& control, const PgCopyOptions& options) {
  if (options.on_conflict == OnConflict::error && options.late_rows == LateRows::ignore) return;
  const auto row = control.target.run(
      "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')", control.deadline());
  if (row.boolean(0, 0)) return;
  const auto& target = control.servers.target;
  findings.error(fmt::format("role {} may not create temporary tables on the target [SQLSTATE 42501]", target.role),
                 fmt::format("on the target: GRANT TEMPORARY ON DATABASE {} TO {}",
                             pg::quote_identifier(target.database), pg::quote_identifier(target.role)));
}

std::vector<std::string> needed_privileges(OnConflict on_conflict) {
  if (on_conflict == OnConflict::update) return {"SELECT", "INSERT", "UPDATE"};
  if (on_conflict == OnConflict::skip) return {"SELECT", "INSERT"};
  return {"SELECT", "INSERT", "DELETE", "TRUNCATE"};
}

void check_ledger_rights(FindingList& findings, ControlSessions& control, const PgCopyOptions& options) {
  if (control.ledger_exists || control.servers.target.read_only) return;
  if (const auto grant = missing_create_right(control, options.ledger_schema)) {
    findings.error(fmt::format("role {} may not create the ledger on the target [SQLSTATE 42501]",
                               control.servers.target.role),
                   "on the target: " + *grant);
  }
}

std::string kind_name(char kind) {
  switch (kind) {
    case 'v': return "a view";
    case 'm': return "a materialized view";
    case 'f': return "a foreign table";
    case 'p': return "a partitioned table";
    case 'S': return "a sequence";
    case 'i': return "an index";
    default: return "not a table";
  }
}

// The first few names, and how many more there are.
std::string name_some(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  const std::vector<std::string> first(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), shown)));
  return fmt::format("{}{}", fmt::join(first, ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

template <typename Condition>
std::vector<std::string> members_that(const catalog::TableShape& shape, const Condition& condition) {
  std::vector<std::string> names;
  for (const auto& member : shape.members) {
    if (condition(member)) names.push_back(member.name.display());
  }
  return names;
}

// Partitions and children are read one by one, so each of them must be such that this gives all its rows.
void check_members(FindingList& findings, const PgCopyOptions& options, const catalog::TableShape& shape) {
  if (shape.kind == 'p' && options.only) {
    findings.error("a partitioned table has no rows of its own for --only to copy", "leave --only out, or name a partition");
  }
  if (const auto foreign = members_that(shape, [](const auto& member) { return member.kind == 'f'; }); !foreign.empty()) {
    findings.error(fmt::format("foreign tables belong to it, whose rows are elsewhere: {}", name_some(foreign)),
                   "copy them from where they are, and the other partitions or children one by one");
  }
  if (const auto hidden = members_that(shape, [](const auto& member) { return member.row_security; }); !hidden.empty()) {
    findings.error(fmt::format("row-level security hides rows from this role on the source [SQLSTATE 42501]: {}",
                               name_some(hidden)),
                   "use a role that owns these tables or has BYPASSRLS");
  }
}

// Those of a target that is partitioned.
void check_target_members(FindingList& findings, const catalog::TableShape& target) {
  if (target.kind != 'p') return;
  const auto unlogged = members_that(target, [](const auto& member) { return member.persistence == 'u'; });
  if (!unlogged.empty()) {
    findings.error(fmt::format("partitions of the target table are unlogged: a crash would empty them while the ledger says "
                               "done: {}",
                               name_some(unlogged)),
                   "on the target: ALTER TABLE … SET LOGGED");
  }
  const auto foreign = members_that(target, [](const auto& member) { return member.kind == 'f'; });
  if (!foreign.empty()) {
    findings.error(fmt::format("partitions of the target table are foreign tables, where rows and marks cannot be made "
                               "durable together: {}",
                               name_some(foreign)),
                   "detach them");
  }
}

// A table of the same name is what is written to: catalogs, and the ledger while it is in use, are no places for rows.
bool check_schema(FindingList& findings, const PgCopyOptions& options, const catalog::TableName& name) {
  if (name.schema == "information_schema" || name.schema.starts_with("pg_")) {
    findings.error("its schema belongs to the server", "name a table of a schema of your own");
  } else if (name.schema == options.ledger_schema) {
    findings.error("its schema is the ledger's", "name a table of another schema, or another --ledger-schema");
  } else {
    return true;
  }
  return false;
}

void check_source_rights(ControlSessions& control, FindingList& findings, const catalog::TableShape& shape,
                         const std::vector<std::string>& columns) {
  for (const auto& grant : catalog::missing_source_grants(control.source, shape, columns, control.deadline())) {
    findings.error(fmt::format("role {} may not read the source table [SQLSTATE 42501]", control.servers.source.role),
                   "on the source: " + grant);
  }
}

void check_attachments(FindingList& findings, const catalog::Attachments& attachments, const Allowed& allowed) {
  if (!attachments.triggers.empty()) {
    findings.unless(allowed.triggers,
                    fmt::format("the target table has user triggers, which would fire for every row: {}",
                                fmt::join(attachments.triggers, ", ")),
                    "disable them on the target, or say --allow triggers");
  }
  std::vector<std::string> keys = attachments.foreign_keys_out;
  keys.insert(keys.end(), attachments.foreign_keys_in.begin(), attachments.foreign_keys_in.end());
  if (!keys.empty()) {
    findings.unless(allowed.foreign_keys,
                    fmt::format("the target table has foreign keys from or to it: {}", fmt::join(keys, ", ")),
                    "drop them on the target for the time of the copy, or say --allow foreign-keys (rows that a later "
                    "run replaces are deleted first, and ON DELETE actions then fire)");
  }
  if (!attachments.rules.empty()) {
    findings.warning(fmt::format("the target table has rules, which COPY does not apply: {}",
                                 fmt::join(attachments.rules, ", ")),
                     "");
  }
}

// Merging knows a row that is there by a unique index only; without one, each run would add rows above the high-water mark
// once more.
void check_conflict_key(FindingList& findings, const PgCopyOptions& options, const catalog::TableShape& target) {
  if (options.on_conflict == OnConflict::error) return;
  const bool update = options.on_conflict == OnConflict::update;
  for (const auto& index : target.indexes) {
    if (index.primary || (!update && index.unique && index.valid && !index.partial)) return;
  }
  findings.error(update ? "--on-conflict update needs a primary key on the target, and there is none"
                        : "--on-conflict skip needs a unique index on the target, and there is none",
                 "create one, or use --full");
}

void check_encodings(FindingList& findings, const ControlSessions& control) {
  const auto &from = control.servers.source.encoding, &to = control.servers.target.encoding;
  if (!control.encodings_fit) {
    findings.error(fmt::format("the target cannot convert text from {}, the source's encoding, into its own, {}", from, to),
                   "copy into a database of encoding UTF8");
  } else if (from == catalog::sql_ascii && to != from) {
    findings.warning(fmt::format("the source's encoding is SQL_ASCII: its text is taken for {0}; bytes that are no valid {0} "
                                 "end the copy",
                                 to),
                     "");
  }
}

}  // namespace

void check_servers(ControlSessions& control, const PgCopyOptions& options, std::vector<Finding>& all) {
  const auto& [source, target, primary] = control.servers;
  const auto check = [&](pg::Connection& connection, std::string_view name, const catalog::ServerFacts& facts) {
    check_server_and_line(connection, name, facts, options.allowed, control.deadline(), all);
  };
  check(control.source, "source", source);
  check(control.target, "target", target);
  if (control.primary) check(*control.primary, "primary", *primary);
  check_role(control.source, source, all);
  check_environment(all);
  if (is_same_database(source, target)) refuse_same_database(source, all);
  FindingList findings(all, "");
  findings.on(control.target);
  if (target.read_only || target.in_recovery) {
    findings.error(target.in_recovery ? "the target is a standby: it is read only"
                                      : "the target is read only (default_transaction_read_only)",
                   "connect to a server and with a role that may write");
  }
  check_encodings(findings, control);
  check_standby(control, options, all);
  check_ledger_rights(findings, control, options);
  check_temporary_right(findings, control, options);
}

bool check_source(ControlSessions& control, const PgCopyOptions& options, const catalog::TableName& name,
                  const std::optional<catalog::TableShape>& shape, std::vector<Finding>& all) {
  FindingList findings(all, name.display(), Side::source);
  if (!check_schema(findings, options, name)) return false;
  if (!shape) {
    findings.error("there is no such table on the source [SQLSTATE 42P01]",
                   "check the name; without double quotes it is folded to lower case, and without a schema public is meant");
    return false;
  }
  if (shape->kind != 'r' && shape->kind != 'p') {
    findings.error(fmt::format("it is {} on the source; only tables can be copied", kind_name(shape->kind)),
                   "name the table it stands on");
    return false;
  }
  check_members(findings, options, *shape);
  if (shape->persistence == 't') findings.error("it is a temporary table", "copy an ordinary table");
  if (shape->row_security) {
    findings.error("row-level security hides rows from this role on the source [SQLSTATE 42501]",
                   fmt::format("use a role that owns the table or has BYPASSRLS, or: ALTER TABLE {} NO FORCE ROW "
                               "LEVEL SECURITY",
                               name.display()));
  }
  bool known = true;
  for (const auto& column : options.columns) {
    if (shape->column(column) != nullptr) continue;
    findings.error(fmt::format("there is no column {} on the source [SQLSTATE 42703]", column),
                   "correct --columns; without double quotes names are folded to lower case");
    known = false;
  }
  if (known) check_source_rights(control, findings, *shape, options.columns);
  return known;
}

void check_where(ControlSessions& control, const PgCopyOptions& options, const TableJob& job,
                 std::vector<Finding>& all) {
  FindingList findings(all, job.name.display(), Side::source);
  if (job.columns.empty() && !job.source.columns.empty()) findings.error("no column is left to copy", "");
  if (options.where_sql.empty()) return;
  try {
    // As one statement of the extended protocol: a second statement hidden in it is refused by the server.
    control.source.query(fmt::format("SELECT FROM ONLY {} AS t WHERE {} LIMIT 0", job.name.sql(),
                                     user_condition(options.where_sql)),
                         {}, control.deadline());
  } catch (const Error& error) {
    if (error.retryable()) throw;
    findings.error(fmt::format("--where is not accepted by the source: {} [SQLSTATE {}]", error.what(),
                               error.sqlstate()),
                   "correct the condition; columns may be written with the alias t");
  }
}

void check_key(const PgCopyOptions& options, const TableJob& job, std::vector<Finding>& all) {
  if (options.plan.chunk_by != ChunkBy::key || job.key || job.ordered_key) return;
  const auto& why = job.source.no_keys;
  FindingList(all, job.name.display(), Side::source)
      .error(fmt::format("no key to cut by: {}", why.empty() ? "no unique index whose columns travel"
                                                              : fmt::format("{}", fmt::join(why, "; "))),
             "use --chunk-by auto, or create a primary key on the source");
}

void check_target(ControlSessions& control, const PgCopyOptions& options, const TableJob& job,
                  std::vector<Finding>& all) {
  FindingList findings(all, job.name.display(), Side::target);
  const auto& target = *job.target;
  if (target.kind != 'r' && target.kind != 'p') {
    findings.error(fmt::format("it is {} on the target", kind_name(target.kind)), "drop or rename it");
    return;
  }
  const auto wanted = options.columns.empty() ? job.columns : options.columns;
  for (const auto& misfit : catalog::misfits(job.source, target, wanted)) {
    findings.error("does not fit the target: " + misfit, "alter the target table, or choose columns with --columns");
  }
  if (target.persistence == 'u') {
    findings.error("the target table is unlogged: a crash would empty it while the ledger says done",
                   fmt::format("on the target: ALTER TABLE {} SET LOGGED", job.name.sql()));
  }
  check_target_members(findings, target);
  if (target.row_security) {
    findings.error("row-level security is active for this role on the target; COPY does not work with it",
                   "use a role that owns the table or has BYPASSRLS");
  }
  for (const auto& grant : catalog::missing_target_grants(control.target, target, control.deadline(),
                                                          needed_privileges(options.on_conflict))) {
    findings.error(fmt::format("role {} lacks rights on the target table [SQLSTATE 42501]",
                               control.servers.target.role),
                   "on the target: " + grant);
  }
  check_attachments(findings, catalog::read_attachments(control.target, target.oid, control.deadline()),
                    options.allowed);
  check_conflict_key(findings, options, target);
}

void check_creatable(ControlSessions& control, const TableJob& job, std::vector<Finding>& all) {
  FindingList findings(all, job.name.display(), Side::target);
  std::vector<std::string> types;
  for (const auto& column : job.source.columns) types.push_back(column.type);
  for (const auto& type : catalog::unknown_types(control.target, types, control.deadline())) {
    findings.error(fmt::format("the target does not know type {} [SQLSTATE 42704]", type),
                   "create the type or extension on the target first");
  }
  if (const auto grant = missing_create_right(control, job.name.schema)) {
    findings.error(fmt::format("role {} may not create the table on the target [SQLSTATE 42501]",
                               control.servers.target.role),
                   "on the target: " + *grant);
  }
}

}  // namespace pghaul
