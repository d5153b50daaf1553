#include "fault/verify_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/failpoint.h"
#include "fault/fault_kinds.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

using Json = nlohmann::json;

struct Changes {
  std::string update, insert;
};

const std::map<std::string, Changes> changes_of{
    {"profiles", {"data = data || '{\"changed\": true}'", "SELECT max(id) + 1, '{}' FROM public.profiles"}},
    {"pages", {"v = v || ' '", "VALUES ('new')"}},
    {"shapes", {"n = coalesce(n, 0) + 0.1", "VALUES (NULL, 'new')"}},
    {"small", {"v = v || '!'", "SELECT max(id) + 1, 'new' FROM public.small"}}};

// Of one row: gone, another, or new.
std::string draw_change(Random& random, const std::string& table) {
  const auto row = fmt::format("ctid = (SELECT ctid FROM public.{} ORDER BY ctid OFFSET {} LIMIT 1)", table,
                               random.between(0, random.chance(20) ? 1 : 50));
  const auto& changes = changes_of.at(table);
  switch (random.between(1, 3)) {
    case 1:
      return fmt::format("DELETE FROM public.{} WHERE {};", table, row);
    case 2:
      return fmt::format("UPDATE public.{} SET {} WHERE {};", table, changes.update, row);
    default:
      return fmt::format("INSERT INTO public.{} {};", table, changes.insert);
  }
}

// Snapshots and locks are the judge's own affair; these are things that stay.
std::string objects_on(const std::string& conninfo) {
  return run_psql(
      conninfo,
      "SELECT count(*), sum(relfilenode::bigint) FROM pg_class WHERE oid >= 16384 AND relkind <> 't'; "
      "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace");
}

std::string describe(const Json& row) {
  std::string text = "row";
  if (row.contains("key")) {
    text.clear();
    for (const auto& [name, value] : row["key"].items())
      text += fmt::format("{}={}", name, value.get<std::string>());
  }
  return fmt::format("{} {}:{}", text, row["on_source"].get<int>(), row["on_target"].get<int>());
}

using Rows = std::multiset<std::string>;

const char* state_of(const Rows& different) {
  return different.empty() ? "equal" : "different";
}

Rows named_rows(const Json& table) {
  Rows rows;
  for (const auto& row : table["rows"]) rows.insert(describe(row));
  return rows;
}

Json tables_of(const std::string& report) {
  const auto document = Json::parse(report, nullptr, false);
  return document.is_object() && document.contains("tables") ? document["tables"] : Json::array();
}

}  // namespace

// Whatever goes round with the number, as names of failpoints do, meets both.
bool VerifyRun::should_differ() const {
  const auto names = std::max<std::uint64_t>(failpoints().size(), 1);
  return (number_of(seed()) / names + number_of(seed()) % names) % 2 == 1;
}

std::string VerifyRun::changes() const {
  auto random = this->random("differences");
  std::string sql;
  for (auto i = random.between(1, 12); should_differ() && i > 0; --i) {
    sql += draw_change(random, random.pick(workload().tables));
  }
  return sql;
}

// The rights of docs/security.md, and no more.
void VerifyRun::use(const Workload& workload) {
  keep_without_snapshot(workload);
  for (const auto& [conninfo, role] :
       {std::pair{source_conninfo(), source_role}, std::pair{target_conninfo(), target_role}}) {
    run_psql(conninfo, workload.create_sql);
    run_psql(conninfo, fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", role));
  }
  make_differences();
}

// Comparisons have no such option.
void VerifyRun::keep_without_snapshot(Workload workload) {
  const auto snapshot = std::ranges::find(workload.options, "--snapshot");
  if (snapshot != workload.options.end()) workload.options.erase(snapshot, snapshot + 2);
  keep(workload);
}

void VerifyRun::make_differences() {
  if (const auto sql = changes(); !sql.empty()) target_sql(sql);
  for (std::size_t i = 0; i < workload().tables.size(); ++i) {
    truth_["public." + workload().tables[i]] = ask_truth(workload().tables[i], workload().keys[i]);
  }
  note("{} tables", through() == 0 ? "equal" : "different");
  objects_ = objects_on(source_conninfo()) + objects_on(target_conninfo());
}

VerifyRun::Truth VerifyRun::ask_truth(const std::string& table, const std::string& key) const {
  Truth truth;
  std::map<std::string, std::pair<Rows, Rows>> rows;  // what a row goes by; its text on either side
  const auto sql = fmt::format("SELECT coalesce('{0}=' || {1}, 'row'), md5(r::text) FROM public.{2} AS r",
                               key, key.empty() ? "NULL" : key, table);
  const auto collect = [&](const std::string& conninfo, bool on_source) {
    std::istringstream lines(run_psql(conninfo, sql));
    std::int64_t count = 0;
    for (std::string name, text; std::getline(lines, name, '|') && std::getline(lines, text); ++count) {
      auto& found = rows[name == "row" ? text : name];
      (on_source ? found.first : found.second).insert(text);
    }
    return count;
  };
  truth.source_rows = collect(source_conninfo(), true);
  truth.target_rows = collect(target_conninfo(), false);
  for (const auto& [name, texts] : rows) {
    if (texts.first == texts.second) continue;
    truth.different.insert(fmt::format("{} {}:{}", name.find('=') != std::string::npos ? name : "row",
                                       texts.first.size(), texts.second.size()));
  }
  return truth;
}

int VerifyRun::through() const {
  return std::ranges::all_of(truth_, [](const auto& each) { return each.second.different.empty(); }) ? 0 : 1;
}

// Each once, however often it is recorded.
std::int64_t VerifyRun::chunks_done() const {
  std::ifstream lines(state_file());
  std::set<std::pair<int, std::int64_t>> done;
  for (std::string checksum, text; lines >> checksum && std::getline(lines, text);) {
    const auto record = Json::parse(text, nullptr, false);
    if (record.is_array() && record[0] == "done") done.emplace(record[1], record[2]);
  }
  return static_cast<std::int64_t>(done.size());
}

const std::vector<std::string_view>& VerifyRun::failpoints() const {
  return verify_failpoint_names();
}

Arguments VerifyRun::command() const {
  return {"verify", "--json", "--state", state_file(), "--settle", "10ms"};
}

void VerifyRun::judge_work(const ProgramResult& result) {
  if (result.status <= 1) {
    expect_complete(result.out);
  } else {
    expect_no_lie(result.out);
    if (chunks_done() < recorded_) problem("of {} chunks on record {} are left", recorded_, chunks_done());
  }
  recorded_ = chunks_done();
}

// What was on record was not done again.
void VerifyRun::expect_complete(const std::string& report) {
  const auto tables = tables_of(report);
  if (tables.size() != truth_.size()) problem("{} tables in the report: {}", tables.size(), report);
  std::int64_t before = 0;
  for (const auto& table : tables) {
    const auto& truth = truth_.at(table["source_table"]);
    before += table["chunks_before"].get<std::int64_t>();
    if (!is_true(table, truth))
      problem("differences are {}\n{}", fmt::join(truth.different, ", "), table.dump(2));
  }
  if (before != recorded_)
    problem("{} chunks are on record, and {} were taken from there", recorded_, before);
  if (std::filesystem::exists(state_file())) problem("the file of a comparison that is over is still there");
}

void VerifyRun::expect_no_lie(const std::string& report) {
  for (const auto& table : tables_of(report)) {
    if (!is_part(table, truth_.at(table["source_table"]))) problem("not so: {}", table.dump(2));
  }
}

bool VerifyRun::is_true(const Json& table, const Truth& truth) const {
  return table["state"] == state_of(truth.different) && named_rows(table) == truth.different &&
         table["rows_in_motion"] == 0 && table["differences"] == truth.different.size() &&
         table["source_rows"] == truth.source_rows && table["target_rows"] == truth.target_rows;
}

// A table that was finished before the others has its state.
bool VerifyRun::is_part(const Json& table, const Truth& truth) const {
  return (table["state"] == "unfinished" || table["state"] == state_of(truth.different)) &&
         std::ranges::includes(truth.different, named_rows(table));
}

void VerifyRun::judge_outcome() {
  const auto now = objects_on(source_conninfo()) + objects_on(target_conninfo());
  if (now != objects_) problem("a server was changed: {} before, {} now", objects_, now);
}

// A copy that nobody disturbs, of which the ledger knows.
void LedgerCheckRun::use(const Workload& workload) {
  FaultRun::use(workload);
  once({0});
  copied_ = true;
  keep_without_snapshot(workload);
  make_differences();
}

Arguments LedgerCheckRun::command() const {
  return copied_ ? Arguments{"verify", "--from-ledger", "--json"} : FaultRun::command();
}

void LedgerCheckRun::judge_work(const ProgramResult& result) {
  copied_ ? VerifyRun::judge_work(result) : FaultRun::judge_work(result);
}

// Ranges are named, not rows.
bool LedgerCheckRun::is_true(const Json& table, const Truth& truth) const {
  return table["state"] == state_of(truth.different) && table["ranges"].empty() == truth.different.empty() &&
         table["source_rows"] == truth.source_rows && table["target_rows"] == truth.target_rows;
}

bool LedgerCheckRun::is_part(const Json& table, const Truth&) const {
  return table["state"] == "unfinished";
}

}  // namespace pghaul::test
