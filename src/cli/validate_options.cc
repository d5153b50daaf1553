#include <set>

#include <fmt/format.h>

#include "catalog/table_shape.h"
#include "cli/option_table.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

Error missing(std::string_view option, std::string_view advice) {
  return Error(ErrorKind::usage, fmt::format("{} is missing", option)).advise(std::string(advice));
}

Error contradiction(std::string_view one, std::string_view other, std::string_view why) {
  return Error(ErrorKind::usage, fmt::format("{} and {} contradict each other", one, other))
      .advise(fmt::format("leave one of them out: {}", why));
}

void require_target(const std::string& target) {
  if (target.empty()) throw missing("--target", "give --target URI, or set PGHAUL_TARGET");
}

// Before a server is asked; `profiles` and `public.profiles` are the same.
void check_tables(const std::vector<std::string>& tables) {
  if (tables.empty()) throw missing("--table", "give --table schema.table, once for each table");
  std::set<std::string> seen;
  for (const auto& text : tables) {
    std::string name;
    try {
      name = catalog::parse_table_name(text).display();
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, fmt::format("--table: {}", error.what())).advise(error.advice());
    }
    if (!seen.insert(name).second) {
      throw Error(ErrorKind::usage, fmt::format("--table: {} is given twice", name)).advise("name each table once");
    }
  }
}

void check_columns(const std::vector<std::string>& columns) {
  std::set<std::string> seen;
  for (const auto& name : columns) {
    if (seen.insert(name).second) continue;
    throw Error(ErrorKind::usage, fmt::format("--columns: {} is given twice", name)).advise("name each column once");
  }
}

void check_ledger_schema(const std::string& schema) {
  if (schema != "information_schema" && !schema.starts_with("pg_")) return;
  throw Error(ErrorKind::usage, fmt::format("--ledger-schema: {} belongs to the server", schema))
      .advise("give the name of a schema of your own");
}

void check_contradictions(const Invocation& invocation) {
  const auto& options = invocation.copy;
  if (options.full && options.on_conflict != OnConflict::error) {
    const auto* const other = options.on_conflict == OnConflict::skip ? "--on-conflict skip" : "--on-conflict update";
    throw contradiction("--full", other, "a table that was just emptied has no rows to meet");
  }
  if (options.require_one_snapshot && options.snapshot == SnapshotMode::chunk) {
    throw contradiction("--require-one-snapshot", "--snapshot chunk", "chunk takes one snapshot for each chunk");
  }
  if (options.plan.chunk_by == ChunkBy::ctid && options.snapshot == SnapshotMode::chunk) {
    throw contradiction("--chunk-by ctid", "--snapshot chunk", "pages mean something inside one snapshot only");
  }
  if (options.max_snapshot_age && options.require_one_snapshot) {
    throw contradiction("--max-snapshot-age", "--require-one-snapshot", "what replaces a snapshot makes a second one");
  }
  if (options.max_snapshot_age && options.snapshot == SnapshotMode::chunk) {
    throw contradiction("--max-snapshot-age", "--snapshot chunk", "chunk holds no snapshot longer than a chunk takes");
  }
  if (options.late_rows == LateRows::ignore && invocation.given.contains("--late-wait")) {
    throw contradiction("--late-rows ignore", "--late-wait", "what is ignored is not waited for");
  }
}

void validate_copy(const Invocation& invocation) {
  if (invocation.copy.source.empty()) throw missing("--source", "give --source URI, or set PGHAUL_SOURCE");
  require_target(invocation.copy.target);
  check_tables(invocation.copy.tables);
  check_columns(invocation.copy.columns);
  check_ledger_schema(invocation.copy.ledger_schema);
  check_contradictions(invocation);
}

// The source is not asked, and rows are compared as they were copied.
void validate_from_ledger(const Invocation& invocation) {
  const auto& verify = invocation.verify;
  const auto refuse = [](bool given, std::string_view option) {
    if (given) throw contradiction("--from-ledger", option, "the ledger has one checksum for each chunk, and no more");
  };
  refuse(verify.counts, "--counts");
  refuse(verify.sample.has_value(), "--sample");
  refuse(verify.seq_scan, "--seq-scan");
  refuse(verify.show_values, "--show-values");
  refuse(!verify.state.empty(), "--state");
  require_target(invocation.copy.target);
  check_tables(invocation.copy.tables);
  check_columns(invocation.copy.columns);
}

void validate_verify(const Invocation& invocation) {
  if (invocation.verify.from_ledger) return validate_from_ledger(invocation);
  validate_copy(invocation);
  if (invocation.verify.sample && !invocation.verify.state.empty()) {
    throw contradiction("--sample", "--state", "each run makes a choice of its own");
  }
}

}  // namespace

void validate_options(const Invocation& invocation) {
  switch (invocation.verb) {
    case Verb::copy:
    case Verb::plan: return validate_copy(invocation);
    case Verb::verify: return validate_verify(invocation);
    case Verb::status: return require_target(invocation.status.target);
    case Verb::config:  // shows what is missing or does not fit
    case Verb::demo:
    case Verb::none: return;
  }
}

}  // namespace pghaul
