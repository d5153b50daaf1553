#include <string>

#include "fault/hostile_cases.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

// What comes before the rows of a query that was sent by Parse.
const std::string begin_answer = message('1', "") + message('2', "");
const std::string end_answer = command_complete("SELECT 1") + ready_for_query();

// One row of one column, whose length is said to be this.
std::string row_with_length(std::uint32_t length, const std::string& field) {
  const auto row = message('D', uint16_bytes(1) + uint32_bytes(length) + field);
  return begin_answer + row_description(1) + row + end_answer;
}

void add_lengths(HostileCases& cases) {
  for (const std::uint32_t length : {0U, 3U, 0x7fffffffU, 0x80000000U, 0xffffffffU, 1'900'000'000U}) {
    add_both(cases, "row_message_of_length_" + std::to_string(length),
             in_first_answer(begin_answer + row_description(1) + announced('D', length)));
  }
  add_both(cases, "row_description_of_1900_MB", in_first_answer(begin_answer + announced('T', 1'900'000'000)));
  add_both(cases, "field_of_length_minus_2", in_first_answer(row_with_length(0xfffffffe, "abc")));
  add_both(cases, "field_beyond_its_message", in_first_answer(row_with_length(1000, "abc")));
  add_both(cases, "field_of_2_GB", in_first_answer(row_with_length(0x7fffffff, "abc")));
  add_both(cases, "message_too_long_for_its_fields", in_first_answer(row_with_length(1, "abc")));
  add_both(cases, "tag_without_end", in_first_answer(begin_answer + message('C', "SELECT 1") + ready_for_query()));
}

void add_counts(HostileCases& cases) {
  const auto columns = begin_answer + row_description(65'535);
  add_both(cases, "columns_65535", in_first_answer(columns));
  add_both(cases, "columns_65535_and_few_fields", in_first_answer(columns + data_row({"1"}) + end_answer));
  add_both(cases, "columns_65535_without_descriptions", in_first_answer(begin_answer + message('T', "\xff\xff")));
  add_both(cases, "more_fields_than_columns",
           in_first_answer(begin_answer + row_description(1) + data_row({"1", "2", "3"}) + end_answer));
  add_both(cases, "fewer_fields_than_columns",
           in_first_answer(begin_answer + row_description(3) + data_row({"1"}) + end_answer));
  add_both(cases, "row_without_description", in_first_answer(begin_answer + data_row({"1"}) + end_answer));
}

void add_wrong_types(HostileCases& cases) {
  const std::string types("\0\x01\x7f\xff ~", 6);
  for (const char type : types) {
    add_both(cases, "message_of_type_" + std::to_string(static_cast<unsigned char>(type)),
             in_first_answer(message(type, "abc")));
  }
  const std::string one_text_column = std::string(1, '\0') + uint16_bytes(1) + uint16_bytes(0);
  for (const char type : {'G', 'H', 'W'}) {
    add_both(cases, std::string("copy_out_of_place_") + type,
             in_first_answer(begin_answer + message(type, one_text_column)), "nobody asked for");
  }
  add_both(cases, "copy_of_65535_columns", in_first_answer(begin_answer + message('H', "\0\xff\xff")));
  for (const char type : {'d', 'c', 's', 't', 'V', 'R', 'K', 'v', '3'}) {
    add_both(cases, std::string("out_of_place_") + type, in_first_answer(message(type, uint32_bytes(0))));
  }
  add_both(cases, "authentication_again", in_first_answer(authentication(3)));
}

void add_errors(HostileCases& cases) {
  const auto refuse = [](const std::vector<std::pair<char, std::string>>& fields) {
    return in_first_answer(error_response(fields) + ready_for_query());
  };
  add_both(cases, "answer_is_an_error_without_fields", refuse({}));
  add_both(cases, "answer_is_an_error_without_code", refuse({{'S', "ERROR"}, {'M', "only words"}}), "only words");
  add_both(cases, "answer_is_an_error_without_words", refuse({{'S', "ERROR"}, {'C', "42501"}}), "42501");
  add_both(cases, "answer_is_an_error_with_a_code_of_1_kB",
           refuse({{'S', "ERROR"}, {'C', std::string(1000, 'Z')}, {'M', "m"}}));
  add_both(cases, "answer_is_an_error_without_end", in_first_answer(message('E', "SERROR")));
  add_both(cases, "answer_is_an_error_of_20_MB",
           refuse({{'S', "ERROR"}, {'C', "42501"}, {'M', std::string(20'000'000, 'A')}}), "42501");
  add_both(cases, "answer_is_success_as_error", refuse({{'S', "ERROR"}, {'C', "00000"}, {'M', "all is well"}}));
  add_both(cases, "answer_is_full_of_escapes",
           refuse({{'S', "ERROR"}, {'C', "42" + terminal_escapes}, {'M', terminal_escapes}, {'D', terminal_escapes},
                   {'H', terminal_escapes}, {'W', terminal_escapes}}));
  add_both(cases, "fatal_and_gone", [](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(error_response({{'S', "FATAL"}, {'V', "FATAL"}, {'C', "57P01"}, {'M', "terminating connection"}}));
    client.reset();
  }, "57P01");
}

}  // namespace

HostileCases answer_cases() {
  HostileCases cases;
  add_both(cases, "silence_after_login", in_first_answer(""), "no answer");
  add_both(cases, "nonsense_after_login", [](Client& client) {
    client.log_in();
    client.send("\xff\xfe\xfd\xfc\xfb\xfa nonsense");
    client.keep_silent();
  });
  add_both(cases, "nonsense_as_answer", in_first_answer("\xff\xfe\xfd\xfc\xfb\xfa nonsense"));
  add_both(cases, "half_an_answer_and_gone", [](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(begin_answer + row_description(1).substr(0, 9));
    client.close();
  });
  add_both(cases, "half_an_answer_and_reset", [](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(begin_answer);
    client.reset();
  });
  add_both(cases, "ready_without_an_answer", in_first_answer(ready_for_query()), "");
  add_lengths(cases);
  add_counts(cases);
  add_wrong_types(cases);
  add_errors(cases);
  return cases;
}

}  // namespace pghaul::test
