#include "cli/option_table.h"

#include <algorithm>

#include "base/bytes.h"
#include "cli/option_values.h"
#include "cli/verb_table.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using Text = const std::string&;

// Bounds that keep nonsense away from clocks and from the server's own settings (32 bits of milliseconds).
constexpr Duration kLongest = 24'000h;
constexpr Duration kLongestStatement = 500h;
constexpr Duration kShortest = 1ms;

constexpr std::string_view kCommandWide = "Output";  // group

constexpr OptionSpec kTable[] = {
    {"--config", "FILE", "Configuration", "TOML file with values for these options, for all copies and for each of "
     "several that have names; NAME after the command chooses among them.", verbs::tables | verbs::status,
     [](Invocation& i, Text v) { i.config = not_empty(v); }, nullptr, true},

    {"--source", "URI", "What to copy", "Server with the rows: a connection string as libpq takes it. PG* variables, "
     "~/.pgpass and service files count too.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.source = not_empty(v); }, nullptr, true},
    {"--target", "URI", "What to copy", "Server that gets the rows, and has the ledger of what is done.",
     verbs::tables | verbs::status,
     [](Invocation& i, Text v) { i.copy.target = i.status.target = not_empty(v); }, nullptr, true},
    {"--table", "NAME", "What to copy", "Table, as schema.table. May be given several times.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.tables.push_back(not_empty(v)); }, nullptr, false, true, "tables"},
    {"--columns", "A,B", "What to copy", "Only these columns.", verbs::tables,
     [](Invocation& i, Text v) {
       for (auto& name : parse_names(v)) i.copy.columns.push_back(std::move(name));
     }, nullptr, false, true},
    {"--where", "SQL", "What to copy", "Only rows for which this is true.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.where_sql = not_empty(v); }},
    {"--only", "", "What to copy", "The table without those that inherit from it, which come along otherwise.",
     verbs::tables, [](Invocation& i, Text) { i.copy.only = true; }},
    {"--full", "", "What to copy", "Empty the target table and copy anew. Without it a copy continues: what is "
     "unfinished, then what the source has gained.", verbs::copying,
     [](Invocation& i, Text) { i.copy.full = true; }},
    {"--on-conflict", "error|skip|update", "What to copy", "What to do with rows whose key the target has.",
     verbs::copying,
     [](Invocation& i, Text v) { i.copy.on_conflict = parse_word(v, on_conflict_words); },
     [](const Invocation& i) { return show_word(i.copy.on_conflict, on_conflict_words); }, true},

    {"--readers", "N", "How", "Connections that read from the source, 1 to 64.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.readers = static_cast<int>(parse_count(v, 1, 64)); },
     [](const Invocation& i) { return std::to_string(i.copy.readers); }, true},
    {"--writers", "N", "How", "Connections that write to the target, 1 to 64.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.writers = static_cast<int>(parse_count(v, 1, 64)); },
     [](const Invocation& i) { return std::to_string(i.copy.writers); }, true},
    {"--max-workers", "N", "How", "Begin with --readers and --writers, and add to those that keep the others waiting, up to N "
     "of each, 1 to 64; what does not make it faster is taken back.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.max_workers = static_cast<int>(parse_count(v, 1, 64)); }},
    {"--batch-bytes", "SIZE", "How", "Bytes of a batch, the unit of work and of retry.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.plan.batch_bytes = parse_bytes_between(v, 64'000, 1'000'000'000); },
     [](const Invocation& i) { return show_bytes(i.copy.plan.batch_bytes); }, true},
    {"--batch-rows", "N", "How", "Rows of a batch instead.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.plan.batch_rows = parse_count(v, 1, INT64_MAX); }, nullptr, true},
    {"--chunk-by", "auto|key|ctid|whole", "How", "What the table is cut by; ctid: pages; whole: not at "
     "all.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.plan.chunk_by = parse_word(v, chunk_by_words); },
     [](const Invocation& i) { return show_word(i.copy.plan.chunk_by, chunk_by_words); }, true},
    {"--snapshot", "shared|chunk", "How", "shared: all rows of one point in time. chunk: each chunk of its own; nothing "
     "is held long on the source.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.snapshot = parse_word(v, snapshot_words); },
     [](const Invocation& i) { return show_word(i.copy.snapshot, snapshot_words); }, true},
    {"--require-one-snapshot", "", "How", "Stop rather than go on with a second point in time.", verbs::copying,
     [](Invocation& i, Text) { i.copy.require_one_snapshot = true; }},
    {"--max-snapshot-age", "TIME", "How", "Replace a shared snapshot before it is that old, so that the source's "
     "vacuum is held back no longer; rows are then of several points in time. What takes longer to read is read in smaller pieces.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.max_snapshot_age = parse_duration_between(v, 1s, kLongest); }, nullptr, true},
    {"--late-rows", "wait|scan|ignore", "How", "Rows that commit late under low keys. wait: for transactions that may "
     "write some; scan: also look for them in every run; ignore.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.late_rows = parse_word(v, late_rows_words); },
     [](const Invocation& i) { return show_word(i.copy.late_rows, late_rows_words); }, true},
    {"--primary", "URI", "How", "Of a source that is a standby: its primary, which is asked who still writes, so that "
     "late rows can be waited for.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.primary = not_empty(v); }, nullptr, true},
    {"--late-wait", "TIME", "How", "How long to wait for these.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.late_wait = parse_duration_between(v, 0ms, kLongest); },
     [](const Invocation& i) { return show_duration(i.copy.late_wait); }, true},
    {"--after-copy", "vacuum|analyze|none", "How", "What follows rows and indexes, once in a full copy: VACUUM (ANALYZE), "
     "ANALYZE, or nothing.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.after_copy = parse_word(v, after_copy_words); },
     [](const Invocation& i) { return show_word(i.copy.after_copy, after_copy_words); }, true},

    {"--timeout", "TIME", "Bounds", "For the whole command, or, in the file, for each copy; then it stops "
     "and can be continued.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.timeout = parse_duration_between(v, kShortest, kLongest); },
     [](const Invocation& i) { return show_duration(i.copy.timeout); }, true},
    {"--statement-timeout", "TIME", "Bounds", "For each query that moves or plans rows.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.statement_timeout = parse_duration_between(v, kShortest, kLongestStatement); },
     [](const Invocation& i) { return show_duration(i.copy.statement_timeout); }, true},
    {"--connect-timeout", "TIME", "Bounds", "For each connection, name lookup included.",
     verbs::tables | verbs::status,
     [](Invocation& i, Text v) {
       i.copy.connect_timeout = i.status.connect_timeout = parse_duration_between(v, kShortest, kLongest);
     },
     [](const Invocation& i) { return show_duration(i.copy.connect_timeout); }, true},
    {"--reconnect-timeout", "TIME", "Bounds", "How long a lost server is waited for.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.reconnect_timeout = parse_duration_between(v, 0ms, kLongest); },
     [](const Invocation& i) { return show_duration(i.copy.reconnect_timeout); }, true},
    {"--max-retries", "N", "Bounds", "Tries of a chunk after the first, 0 to 3.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.max_retries = static_cast<int>(parse_count(v, 0, 3)); },
     [](const Invocation& i) { return std::to_string(i.copy.max_retries); }, true},
    {"--max-rate", "RATE", "Bounds", "At most so much from the source, as 50MB/s.", verbs::tables,
     [](Invocation& i, Text v) {
       const auto rate = parse_rate(v);
       if (rate < 1) throw Error(ErrorKind::usage, fmt::format("'{}' is no rate to copy at", v));
       i.copy.max_rate = rate;
     }, nullptr, true},
    {"--sleep", "TIME", "Bounds", "Pause of each reader after each chunk.", verbs::tables,
     [](Invocation& i, Text v) { i.copy.sleep = parse_duration_between(v, 0ms, kLongest); },
     [](const Invocation& i) { return show_duration(i.copy.sleep); }, true},
    {"--max-chunks", "N", "Bounds", "Pause the copy after so many chunks.", verbs::copying,
     [](Invocation& i, Text v) { i.copy.max_chunks = parse_count(v, 1, INT64_MAX); }},

    {"--allow", "LIST", "Safety", "Go on in spite of triggers, foreign-keys (on the target), rewritten (a source "
     "table with a new file since the copy began), failover (a source that was failed over since then).", verbs::copying,
     [](Invocation& i, Text v) { parse_allowed(v, i.copy.allowed); }, nullptr, false, true},
    {"--untested-version", "", "Safety", "Go on with a server older or newer than tested.", verbs::tables,
     [](Invocation& i, Text) { i.copy.allowed.untested_version = true; }},
    {"--take-over", "", "Safety", "Take the copy from a process that still holds it.", verbs::copying,
     [](Invocation& i, Text) { i.copy.take_over = true; }},
    {"--ledger-schema", "NAME", "Safety", "Schema of the ledger on the target.", verbs::tables | verbs::status,
     [](Invocation& i, Text v) { i.copy.ledger_schema = i.status.ledger_schema = not_empty(v); },
     [](const Invocation& i) { return i.copy.ledger_schema; }, true},

    {"--settle", "TIME", "Comparing", "How long to wait before rows that differ are looked at again.", verbs::comparing,
     [](Invocation& i, Text v) { i.verify.settle = parse_duration_between(v, 0ms, kLongest); },
     [](const Invocation& i) { return show_duration(i.verify.settle); }, true},
    {"--rounds", "N", "Comparing", "How often at most. A row counts as different once neither side has changed from one "
     "look to the next; one that changes until the end is told as in motion.", verbs::comparing,
     [](Invocation& i, Text v) { i.verify.rounds = static_cast<int>(parse_count(v, 1, 1000)); },
     [](const Invocation& i) { return std::to_string(i.verify.rounds); }, true},
    {"--limit", "N", "Comparing", "Name so many rows of a table at most; chunks left then are only counted.",
     verbs::comparing,
     [](Invocation& i, Text v) { i.verify.limit = parse_count(v, 1, 1'000'000); },
     [](const Invocation& i) { return std::to_string(i.verify.limit); }, true},
    {"--counts", "", "Comparing", "Compare numbers of rows only: a quick look.", verbs::comparing,
     [](Invocation& i, Text) { i.verify.counts = true; }},
    {"--sample", "PERCENT", "Comparing", "Compare only so many of a hundred chunks, by chance, another choice in each run.",
     verbs::comparing, [](Invocation& i, Text v) { i.verify.sample = parse_percent(v); }},
    {"--seq-scan", "", "Comparing", "Read no index: a damaged one must not hide rows. Ranges of which the key's index knows "
     "other rows than the table has are told.", verbs::comparing, [](Invocation& i, Text) { i.verify.seq_scan = true; }},
    {"--from-ledger", "", "Comparing", "Compare the target with the checksums that its copy recorded, without the source: are all "
     "rows still there as they were written? They are read to here.", verbs::comparing,
     [](Invocation& i, Text) { i.verify.from_ledger = true; }},
    {"--state", "FILE", "Comparing", "Keep what is done in this file: the same command goes on where it was stopped. Removed "
     "when all is done.", verbs::comparing, [](Invocation& i, Text v) { i.verify.state = not_empty(v); }},
    {"--show-values", "", "Comparing", "Tell the values of columns that differ, too. Without it keys and columns only.",
     verbs::comparing, [](Invocation& i, Text) { i.verify.show_values = true; }},

    {"--rows", "N", "Demo", "Rows of the table that is copied.", verbs::demo,
     [](Invocation& i, Text v) { i.demo.rows = parse_count(v, 1, 1'000'000'000); },
     [](const Invocation& i) { return std::to_string(i.demo.rows); }},
    {"--keep", "", "Demo", "Leave the servers' folder for a look.", verbs::demo,
     [](Invocation& i, Text) { i.demo.keep = true; }},

    {"--progress", "auto|bar|plain|json|none", "Output", "On standard error. auto: a bar on a terminal, "
     "else plain.", verbs::tables,
     [](Invocation& i, Text v) { i.progress = parse_word(v, progress_words); },
     [](const Invocation& i) { return show_word(i.progress, progress_words); }, true},
    {"--json", "", "Output", "The report as one JSON document on standard output.", verbs::tables | verbs::status,
     [](Invocation& i, Text) { i.json = true; }},
    {"--stats", "", "Output", "Tell in the end where the time of readers and writers went, and what kept them "
     "from being faster; progress names it, too. Asks both servers four times a second what these sessions do.",
     verbs::copy | verbs::verify | verbs::config,
     [](Invocation& i, Text) { i.copy.stats = true; }},
    {"--verbose", "", "Output", "More detail, in reports, logs and errors (errors may then show row values).",
     verbs::tables | verbs::status | verbs::demo, [](Invocation& i, Text) { i.verbose = true; }},
    {"--help", "", "Output", "This text.", verbs::program | verbs::tables | verbs::status | verbs::demo,
     [](Invocation& i, Text) { i.help = true; }},
    {"--version", "", "Output", "The version.", verbs::program, [](Invocation& i, Text) { i.version = true; }},
    {"--list-failpoints", "", "Output", "Names for PGHAUL_FAILPOINTS, for tests.", verbs::program,
     [](Invocation& i, Text) { i.list_failpoints = true; }},
};

}  // namespace

std::span<const OptionSpec> option_table() { return kTable; }

unsigned verb_bit(Verb verb) {
  switch (verb) {
    case Verb::copy: return verbs::copy;
    case Verb::plan: return verbs::plan;
    case Verb::verify: return verbs::verify;
    case Verb::status: return verbs::status;
    case Verb::demo: return verbs::demo;
    case Verb::config: return verbs::config;
    case Verb::none: break;
  }
  return verbs::program;
}

std::string_view verb_name(Verb verb) {
  const auto found = std::ranges::find(verb_table(), verb, &VerbSpec::verb);
  return found == verb_table().end() ? "" : found->name;
}

std::string environment_name(const OptionSpec& spec) {
  std::string name = "PGHAUL_";
  for (const char c : spec.name.substr(2)) name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

std::string_view config_key(const OptionSpec& spec) {
  const bool is_set = (spec.taken_by & (verbs::tables | verbs::status)) != 0;
  if (!is_set || spec.name == "--help" || spec.name == "--config") return {};
  return spec.key.empty() ? spec.name.substr(2) : spec.key;
}

bool is_command_wide(const OptionSpec& spec) { return spec.group == kCommandWide; }

std::string option_text(const OptionSpec& spec) {
  std::string text(spec.help);
  if (spec.repeatable && text.find("several times") == std::string::npos) text += " May be given several times.";
  if (spec.show != nullptr) text += fmt::format(" Default: {}.", spec.show(Invocation()));
  return text;
}

std::vector<std::string_view> option_words(const OptionSpec& spec) {
  std::vector<std::string_view> words;
  if (spec.value.find('|') == std::string_view::npos) return words;
  for (auto rest = spec.value; !rest.empty();) {
    words.push_back(rest.substr(0, rest.find('|')));
    rest.remove_prefix(std::min(rest.size(), words.back().size() + 1));
  }
  return words;
}

}  // namespace pghaul
