#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "fault/hostile_cases.h"
#include "ledger/pg_ledger_schema.h"

namespace pghaul::test {
namespace {

constexpr auto facts_text = "pg_control_system";
constexpr auto relation_text = "pg_relation_filenode(c.oid)";
constexpr auto columns_text = "a.attnum, a.attname";

using Fields = std::vector<std::optional<std::string>>;

Script serves(const std::vector<Answer>& answers) {
  return [answers](Client& client) {
    client.log_in();
    client.answer_until("no query has this text", answers);
  };
}

Script serves_with(const Answer& other) { return serves(answers_with(other)); }

// In each field of a polite answer.
Answer filled(const std::string& text, const std::string& filling) {
  auto answer = answers_with({})[0];
  for (const auto& each : polite_answers("1")) {
    if (each.text == text) answer = each;
  }
  for (auto& field : answer.rows.at(0)) field = filling;
  return answer;
}

void add_versions(HostileCases& cases) {
  for (const std::string version : {"80002", "90624", "130011", "190000", "99999999999", "-1", "Redshift", ""}) {
    add_both(cases, "version_" + version, serves(polite_answers("7", version)));
  }
  const auto verify = [&](Meeting meeting, const std::string& version, const std::string& says) {
    const auto* const side = meeting == Meeting::verify_source ? "source" : "target";
    cases.push_back({fmt::format("version_{}_verify_{}", version, side), meeting, serves(polite_answers("7", version)),
                     fmt::format("the {} server {}", side, says)});
  };
  for (const auto meeting : {Meeting::verify_source, Meeting::verify_target}) {
    verify(meeting, "130011", "has version 13.11; pghaul is made for 14 to 18");
    verify(meeting, "190000", "has version 19.0; pghaul is made for 14 to 18");
    verify(meeting, "Redshift", "gives no version that could be read");
  }
  // What CockroachDB and others say to settings that they do not know.
  const auto unknown = error_response({{'S', "ERROR"}, {'C', "42704"}, {'M', "unrecognized configuration parameter"}});
  add_both(cases, "another_product", in_first_answer(unknown + ready_for_query()), "42704");
}

void add_shapes(HostileCases& cases) {
  add_both(cases, "facts_of_no_row", serves_with({facts_text, 11, {}, ""}), "another form");
  add_both(cases, "facts_of_no_column", serves_with({facts_text, 0, {{}}, ""}));
  add_both(cases, "facts_of_one_column", serves_with({facts_text, 1, {{"1"}}, ""}), "another form");
  add_both(cases, "facts_of_nulls", serves_with({facts_text, 11, {Fields(11)}, ""}));
  const auto plan = [&](const std::string& name, const Answer& other, std::vector<int> codes = {3}) {
    cases.push_back({name, Meeting::plan_source, serves_with(other), "", std::move(codes)});
  };
  plan("relation_of_one_column", {relation_text, 1, {{"1"}}, ""});
  plan("relation_of_nulls", {relation_text, 11, {Fields(11)}, ""});
  plan("columns_of_one_column", {columns_text, 1, {{"1"}}, ""});
  plan("columns_of_nulls", {columns_text, 13, {Fields(13)}, ""});
}

void add_fillings(HostileCases& cases) {
  const std::vector<std::pair<std::string, std::string>> fillings{{"escapes", terminal_escapes},
                                                                  {"huge_numbers", "9223372036854775807"},
                                                                  {"negative_numbers", "-9223372036854775808"},
                                                                  {"megabytes", std::string(1'000'000, 'x')}};
  for (const auto* const text : {facts_text, relation_text, columns_text}) {
    for (const auto& [name, filling] : fillings) {
      cases.push_back({std::string(text).substr(0, 12) + "_of_" + name, Meeting::plan_source,
                       serves_with(filled(text, filling)), "", {0, 3}});
    }
  }
}

// The end of each statement says where the session stands.
void add_transaction_states(HostileCases& cases) {
  for (const char state : {'T', 'E', 'Z', '\0'}) {
    const auto lies = [state](Client& client) {
      client.log_in();
      client.expect_query();
      client.send(message('1', "") + message('2', "") + message('n', "") + command_complete("SELECT 1") +
                  ready_for_query(state));
      client.keep_silent();
    };
    add_both(cases, "transaction_state_" + std::to_string(int{state}), lies, "no answer");
  }
}

void add_ledgers(HostileCases& cases) {
  const Answer has_table{"relname = 'ledger_version'", 1, {{"1"}}, ""}, version{"SELECT version", 1, {{std::to_string(ledger_version)}}, ""};
  const auto serves_ledger = [=](std::size_t columns, const std::string& filling) {
    const Answer progress{"table_copy_progress", static_cast<int>(columns), {Fields(columns, filling)}, ""};
    const Answer failures{"chunk_failure", 3, {{terminal_escapes, "1", terminal_escapes}}, ""};
    const Answer members{"\"member\"", 4, {Fields(4, filling)}, ""};
    return serves({has_table, version, progress, failures, members, {"sum", 1, {{"1"}}, ""}});
  };
  const Answer other_version{"SELECT version", 1, {{"99"}}, ""};
  cases.push_back({"status_of_another_version", Meeting::status, serves({has_table, other_version}), "99"});
  cases.push_back({"status_of_another_form", Meeting::status, serves_ledger(3, "x"), "another form", {5}});
  cases.push_back({"status_full_of_escapes", Meeting::status, serves_ledger(23, terminal_escapes), "", {0}});
  cases.push_back({"status_of_huge_numbers", Meeting::status, serves_ledger(23, "4000000000000000000"), "", {0}});
  cases.push_back({"status_without_ledger", Meeting::status, serves({}), "", {0}});
}

}  // namespace

HostileCases content_cases() {
  HostileCases cases;
  add_versions(cases);
  add_shapes(cases);
  add_fillings(cases);
  add_transaction_states(cases);
  add_ledgers(cases);
  return cases;
}

}  // namespace pghaul::test
