// How a server behaves that is asked by pghaul, as far as the hostile ones need it before they turn.
#include "fault/hostile_cases.h"

namespace pghaul::test {

std::vector<Answer> polite_answers(const std::string& system_identifier, const std::string& version) {
  const Answer facts{"pg_control_system", 12,
                     {{system_identifier, "d", "5", "u", "t", "f", "f", "UTF8", version, "127.0.0.1", "5432", "00000001"}}, ""};
  const Answer relation{"pg_relation_filenode(c.oid)", 11,
                        {{"16384", "r", "p", "16384", "f", "f", "f", "1000", "81920", "81920", "10"}}, ""};
  const Answer columns{"a.attnum, a.attname", 13,
                       {{"1", "id", "20", "bigint", "pg_catalog", "b", "t", "f", "", std::nullopt, std::nullopt, "20",
                         "20"}},
                       ""};
  const Answer process{"pg_backend_pid()", 1, {{std::to_string(server_process_id)}}, ""};
  const Answer rights{"has_database_privilege", 4, {{"t", "t", "f", "f"}}, ""};
  const Answer rows{"EXISTS (SELECT FROM \"", 1, {{"f"}}, ""};
  const Answer snapshot{"pg_snapshot_xmin", 1, {{"740"}}, ""};
  return {facts, relation, columns, process, rights, rows, snapshot};
}

std::vector<Answer> answers_with(const Answer& other) {
  auto answers = polite_answers("1");
  for (auto& answer : answers) {
    if (answer.text == other.text) answer = other;
  }
  return answers;
}

Script polite_server(const std::string& system_identifier) {
  return [answers = polite_answers(system_identifier)](Client& client) {
    client.log_in();
    client.answer_until("no query has this text", answers);
  };
}

Script in_first_answer(const std::string& bytes) {
  return [bytes](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(bytes);
    client.keep_silent();
  };
}

Script in_answer_to(const std::string& text, const std::string& bytes) {
  return [text, bytes](Client& client) {
    client.log_in();
    client.answer_until(text, polite_answers("1"));
    client.send(bytes);
    client.keep_silent();
  };
}

void add_both(HostileCases& cases, const std::string& name, const Script& script, const std::string& says,
              std::chrono::seconds limit) {
  cases.push_back({name + "_source", Meeting::copy_source, script, says, {3}, limit});
  cases.push_back({name + "_target", Meeting::copy_target, script, says, {3}, limit});
}

}  // namespace pghaul::test
