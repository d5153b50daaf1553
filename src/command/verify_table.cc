#include "command/verify_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "catalog/type_fit.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

constexpr std::int64_t rows_per_bucket = 2000;  // of a table that is compared as a whole
constexpr int most_buckets = 65'536;

class Findings {
 public:
  Findings(std::vector<Finding>& all, std::string table) : all_(all), table_(std::move(table)) {}
  void error(Side side, std::string text, std::string advice) {
    all_.push_back({Finding::Severity::error, table_, std::move(text), std::move(advice), side});
    refused_ = true;
  }
  bool refused() const { return refused_; }

 private:
  std::vector<Finding>& all_;
  const std::string table_;
  bool refused_ = false;
};

void check_shape(Findings& findings, Side side, const std::optional<catalog::TableShape>& shape) {
  if (!shape) {
    return findings.error(
        side, fmt::format("there is no such table on the {} [SQLSTATE 42P01]", to_string(side)),
        "check the name; without double quotes it is folded to lower case, and without a schema "
        "public is meant");
  }
  if (shape->kind != 'r' && shape->kind != 'p') {
    findings.error(side, fmt::format("it is no table on the {}", to_string(side)),
                   "name the table it stands on");
  }
  if (shape->row_security) {
    findings.error(side,
                   fmt::format("row-level security hides rows from this role on the {} [SQLSTATE 42501]",
                               to_string(side)),
                   "use a role that owns the table or has BYPASSRLS");
  }
}

void leave_children_out(Findings& findings, catalog::TableShape& source) {
  if (source.kind == 'p') {
    findings.error(Side::source, "a partitioned table has no rows of its own for --only to compare",
                   "leave --only out, or name a partition");
  }
  source.has_children = false;
  source.members.clear();
}

void check_column(Findings& findings, const TableJob& job, const std::string& name) {
  const auto *from = job.source.column(name), *to = job.target->column(name);
  if (from == nullptr) {
    findings.error(Side::source, fmt::format("there is no column {} on the source [SQLSTATE 42703]", name),
                   "say with --columns what is to be compared");
  } else if (to == nullptr) {
    findings.error(Side::target, fmt::format("there is no column {} on the target [SQLSTATE 42703]", name),
                   "say with --columns what is to be compared");
  } else if (!catalog::type_fits(from->type, to->type) && !catalog::type_fits(to->type, from->type)) {
    findings.error(
        Side::target,
        fmt::format("column {} is {} on the source and {} on the target", name, from->type, to->type),
        "say with --columns what is to be compared");
  }
}

// Of the target alone, where nobody said which columns count.
void check_extra_columns(Findings& findings, const TableJob& job) {
  for (const auto& column : job.target->columns) {
    if (job.source.column(column.name) != nullptr) continue;
    findings.error(Side::target, fmt::format("column {} is on the target only", column.name),
                   "say with --columns what is to be compared");
  }
}

// On the named table: partitions and children are read by its name.
void check_rights(Findings& findings, pg::Connection& connection, catalog::TableShape shape,
                  const std::vector<std::string>& columns, Deadline deadline) {
  shape.members.clear();
  for (const auto& grant : catalog::missing_source_grants(connection, shape, columns, deadline)) {
    findings.error(connection.side(),
                   fmt::format("this role may not read the table on the {} [SQLSTATE 42501]",
                               to_string(connection.side())),
                   fmt::format("on the {}: {}", to_string(connection.side()), grant));
  }
}

void check_where(Findings& findings, pg::Connection& connection, const catalog::TableName& name,
                 const std::string& where_sql, Deadline deadline) {
  if (where_sql.empty()) return;
  try {
    connection.query(
        fmt::format("SELECT FROM {} AS t WHERE {} LIMIT 0", name.sql(), user_condition(where_sql)), {},
        deadline);
  } catch (const Error& error) {
    if (error.retryable()) throw;
    findings.error(connection.side(),
                   fmt::format("--where is not accepted by the {}: {} [SQLSTATE {}]",
                               to_string(connection.side()), error.what(), error.sqlstate()),
                   "correct the condition; columns may be written with the alias t");
  }
}

bool is_integer(const std::string& type) {
  return type == "smallint" || type == "integer" || type == "bigint";
}

// One that serves ranges of the column; empty: there is none.
std::string index_on(const catalog::TableShape& shape, const std::string& column) {
  const auto found = std::ranges::find_if(shape.indexes, [&](const catalog::Index& index) {
    return index.valid && !index.partial && !index.columns.empty() && index.columns.front() == column &&
           index.definition_tail.starts_with("USING btree");
  });
  return found == shape.indexes.end() ? "" : found->name;
}

// Text sorts alike only in one encoding, and by the default collation only with one locale.
bool sorts_alike(const ComparedServers& servers, const catalog::OrderedKey& key) {
  for (const auto& column : key.columns) {
    if (column.collation.empty()) continue;
    if (servers.facts.source.encoding != servers.facts.target.encoding) return false;
    const bool by_default =
        column.collation.ends_with(".\"default\"") || column.collation.ends_with(".default");
    if (by_default && servers.source_locale != servers.target_locale) return false;
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
void choose_key(const ComparedServers& servers, VerifyTable& table) {
  auto& job = table.job;
  const auto compared = [&](const std::string& name) {
    return std::ranges::find(job.columns, name) != job.columns.end();
  };
  const bool one_heap = job.source.kind == 'r' && !job.source.has_children;
  if (job.source.has_children && job.source.kind == 'r')
    return;  // keys of children are not unique among them
  if (job.source.key && compared(job.source.key->column) &&
      is_integer(job.target->column(job.source.key->column)->type)) {
    job.key = job.source.key;
    table.source.key_column = table.target.key_column = job.key->column;
    table.source_index = job.key->index;
    table.target_index = index_on(*job.target, job.key->column);
    table.by_ranges = one_heap && !table.target_index.empty();
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
    table.by_ranges = one_heap && sorts_alike(servers, key);
    return;
  }
}

int buckets_for(double rows) {
  const auto wanted = static_cast<std::uint64_t>(std::max(rows, 0.0)) / rows_per_bucket;
  return static_cast<int>(std::clamp<std::uint64_t>(std::bit_ceil(wanted + 1), 16, most_buckets));
}

Plan plan_ranges(const VerifyOptions& options, const TableFacts& facts) {
  PlanRange range;
  if (facts.key) range.high_water = facts.key->highest;
  auto cut = options.copy.plan;
  cut.chunk_by = ChunkBy::key;
  return make_plan(facts, cut, range);
}

Plan plan_whole(const TableFacts& facts) {
  Chunk chunk;
  chunk.refined = true;
  chunk.estimated_bytes = facts.bytes;
  return {{chunk}, "as a whole: there is no key whose ranges are the same rows on both sides", 0};
}

std::vector<ChunkRange> key_ranges(const Plan& plan) {
  std::vector<ChunkRange> ranges;
  for (const auto& chunk : plan.chunks) {
    if (chunk.range.kind == ChunkKind::key) ranges.push_back(chunk.range);
  }
  return ranges;
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

std::string read_locale(pg::Connection& connection, Deadline deadline) {
  return std::string(
      connection
          .run("SELECT pg_catalog.concat_ws(' ', d.datcollate, d.datctype, j ->> 'datlocprovider', "
               "coalesce(j ->> 'datlocale', j ->> 'daticulocale')) FROM pg_catalog.pg_database AS d, "
               "pg_catalog.to_jsonb(d) AS j WHERE d.datname = pg_catalog.current_database()",
               deadline)
          .text(0, 0));
}

void inspect_for_verify(ComparedServers& servers, const VerifyOptions& options, VerifyTable& table,
                        std::vector<Finding>& all) {
  auto& job = table.job;
  Findings findings(all, job.name.display());
  auto source = catalog::read_table_shape(servers.source, job.name, servers.deadline());
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
  table.report.equality = options.counts ? "as many rows" : form.meaning();
  table.report.key_columns = key_columns(table.source);
}

std::string identity_of(const VerifyTable& table) {
  const auto& job = table.job;
  return fmt::format("{} ({}) {} / {} / {} where {} by {}{}", job.name.display(),
                     fmt::join(job.columns, ", "), table.report.equality, job.source.fingerprint(),
                     job.target->fingerprint(), table.source.where_sql, job.key_identity(),
                     table.by_ranges ? "" : " as a whole");
}

void plan_for_verify(const VerifyOptions& options, VerifyTable& table, const ComparisonRecord::Table& known) {
  const auto& job = table.job;
  Plan plan;
  if (table.by_ranges) plan = plan_ranges(options, job.facts);
  if (options.seq_scan && job.facts.key) table.index_ranges = key_ranges(plan);
  if (options.seq_scan || !table.by_ranges) {
    table.by_ranges = false;
    plan = plan_whole(job.facts);
    if (options.seq_scan) plan.reason = "as a whole: no index is read";
    table.source.buckets = table.target.buckets = buckets_for(job.facts.rows);
  }
  table.report.strategy = plan.reason;
  if (known.planned) {
    table.source.buckets = table.target.buckets = known.buckets;
    table.report.chunks_before = static_cast<std::int64_t>(known.done.size());
    table.chunks = table.list.resume();
  } else {
    table.chunks = table.list.start(table.source.buckets, std::move(plan.chunks));
  }
}

}  // namespace pghaul
