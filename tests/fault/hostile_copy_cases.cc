#include <string>

#include "fault/hostile_cases.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

const std::string end_copy = message('c', "");
const std::string begin_copy = message('H', std::string(1, '\0') + uint16_bytes(1) + uint16_bytes(0));

// The measuring of `plan`: its first COPY.
Script in_copy(const std::string& bytes) { return in_answer_to("COPY ", begin_copy + bytes); }

// A COPY that is over, and all is well again.
Script after_copy(const std::string& bytes) {
  return [bytes](Client& client) {
    client.log_in();
    const auto answers = polite_answers("1");
    client.answer_until("COPY ", answers);
    client.send(begin_copy + bytes);
    client.answer_until("no query has this text", answers);
  };
}

Script floods_copy(const std::string& bytes) {
  std::string many;
  while (many.size() < 200'000) many += bytes;
  return [many](Client& client) {
    client.log_in();
    client.answer_until("COPY ", polite_answers("1"));
    client.send(begin_copy);
    client.send_endlessly(many);
  };
}

}  // namespace

HostileCases copy_cases() {
  HostileCases cases;
  const auto add = [&](const std::string& name, const Script& script, std::vector<int> codes = {3}) {
    cases.push_back({name, Meeting::plan_source, script, "", std::move(codes), 15s});
  };
  const std::string row = message('d', "1\n"), end_answer = command_complete("COPY 1") + ready_for_query();
  const auto notification = message('A', uint32_bytes(1) + std::string("channel\0payload\0", 16));
  add("copy_proper", after_copy(row + end_copy + end_answer), {0});
  add("copy_that_is_silent", in_copy(row));
  add("copy_answered_by_copy_in", in_answer_to("COPY ", message('G', std::string(1, '\0') + uint16_bytes(0))));
  add("copy_answered_by_copy_both", in_answer_to("COPY ", message('W', std::string(1, '\0') + uint16_bytes(0))));
  const auto rows = row_description(1) + data_row({"1"}) + command_complete("SELECT 1") + ready_for_query();
  add("copy_answered_by_rows", in_answer_to("COPY ", rows));
  add("copy_that_turns_into_nonsense", in_copy(row + "\xff\xfe\xfd\xfc\xfb\xfa nonsense"));
  add("copy_that_turns_into_rows", in_copy(row + row_description(1) + data_row({"1"})));
  add("copy_of_a_row_of_1900_MB", in_copy(announced('d', 1'900'000'000, "begin")));
  add("copy_of_a_row_of_length_3", in_copy(announced('d', 3)));
  add("copy_that_ends_in_an_error_without_fields", in_copy(row + error_response({}) + ready_for_query()));
  add("copy_that_is_done_and_silent", in_copy(row + end_copy));
  add("copy_of_a_negative_number_of_rows",
      after_copy(row + end_copy + command_complete("COPY -1") + ready_for_query()), {0, 3});
  add("copy_that_is_done_twice", after_copy(row + end_copy + end_copy + end_answer), {0, 3});
  add("copy_that_begins_again", in_copy(row + end_copy + begin_copy + row), {0, 3});
  add("copy_without_end", floods_copy(row), {0, 3});
  add("copy_of_empty_rows_without_end", floods_copy(message('d', "")), {0, 3});
  add("copy_of_notices_without_end", floods_copy(error_response({{'S', "NOTICE"}, {'M', terminal_escapes}}, 'N')));
  add("copy_of_notifications_without_end", floods_copy(notification));
  return cases;
}

}  // namespace pghaul::test
