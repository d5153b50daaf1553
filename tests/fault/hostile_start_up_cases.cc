#include <string>

#include "fault/hostile_cases.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

// Bytes that begin no message, whatever is expected: the lengths in them are absurd.
const std::string nonsense = "\xff\xfe\xfd\xfc\xfb\xfa\x01\x02\x03 nonsense \x1b[2J \xf0\x9f\x92\xa9 %s%n%x \r\n";

Script after_startup(const std::string& bytes) {
  return [bytes](Client& client) {
    client.expect_startup();
    client.send(bytes);
    client.keep_silent();
  };
}

// After the login, when a client may still expect what belongs to it.
Script after_authentication(const std::string& bytes) { return after_startup(authentication(0) + bytes); }

void add_encryption_cases(HostileCases& cases) {
  const auto answer_to_ssl = [](const std::string& bytes) {
    return [bytes](Client& client) {
      client.send(bytes);  // nothing but the request can come first
      client.keep_silent();
    };
  };
  add_both(cases, "encryption_answered_by_nonsense", answer_to_ssl("X"));
  add_both(cases, "encryption_promised_then_nonsense", answer_to_ssl("S" + nonsense));
  add_both(cases, "encryption_promised_then_silence", answer_to_ssl("S"));
  add_both(cases, "encryption_answered_by_an_error",
           answer_to_ssl("E" + terminal_escapes + std::string("unsupported frontend protocol\n\0", 31)));
}

void add_wrong_first_messages(HostileCases& cases) {
  add_both(cases, "nonsense_instead_of_authentication", after_startup(nonsense));
  add_both(cases, "another_protocol", after_startup("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  add_both(cases, "zeros_instead_of_authentication", after_startup(std::string(1000, '\0')));
  for (const std::uint32_t length : {0U, 3U, 0x7fffffffU, 0xffffffffU, 1'900'000'000U}) {
    add_both(cases, "authentication_of_length_" + std::to_string(length), after_startup(announced('R', length)));
  }
  add_both(cases, "error_of_1900_MB", after_startup(announced('E', 1'900'000'000, "SERROR")));
  add_both(cases, "ready_without_authentication", after_startup(ready_for_query()));
  add_both(cases, "protocol_version_from_nowhere",
           after_startup(message('v', uint32_bytes(0x7fffffff) + uint32_bytes(0xffffffff))));
}

void add_errors(HostileCases& cases) {
  add_both(cases, "error_without_fields", after_startup(error_response({})));
  add_both(cases, "error_without_end", after_startup(message('E', "SFATAL")));
  add_both(cases, "error_full_of_escapes",
           after_startup(error_response({{'S', "FATAL" + terminal_escapes}, {'V', "FATAL"}, {'C', terminal_escapes},
                                         {'M', "no " + terminal_escapes}, {'D', terminal_escapes}})));
  // Long words are hard for regular expressions.
  for (const char c : {'A', '\x1b', ':'}) {
    const auto error = error_response({{'S', "FATAL"}, {'C', "28000"}, {'M', std::string(29'000, c)}});
    add_both(cases, "error_of_29_kB_of_" + std::to_string(int{c}), after_startup(error), "", 5s);
  }
  for (const auto field : {'S', 'C'}) {
    add_both(cases, std::string("error_whose_field_is_a_long_word_") + field,
             after_startup(error_response({{field, std::string(29'000, 'A')}, {'M', "m"}})), "", 5s);
  }
  add_both(cases, "starting_up",
           after_startup(error_response({{'S', "FATAL"}, {'V', "FATAL"}, {'C', "57P03"}, {'M', "starting up"}})), "57P03");
}

void add_after_authentication(HostileCases& cases) {
  add_both(cases, "nonsense_after_authentication", after_authentication(nonsense));
  add_both(cases, "never_ready", after_authentication(""), "--connect-timeout");
  add_both(cases, "wrong_backend_key", after_authentication(message('K', "abc") + ready_for_query()));
  add_both(cases, "ready_without_status", after_authentication(message('Z', "")));
  add_both(cases, "notice_of_1900_MB", after_authentication(announced('N', 1'900'000'000)));
  add_both(cases, "parameter_without_end", after_authentication(message('S', "server_version")));
  add_both(cases, "rows_before_ready", after_authentication(row_description(3) + data_row({"1", "2", "3"})));
  add_both(cases, "error_of_100_kB",
           after_authentication(error_response({{'S', "FATAL"}, {'C', "28000"}, {'M', std::string(100'000, 'A')}})));
  for (const std::string version : {"", "banana", "99999999999999999999.99999999999", "-1.-1"}) {
    add_both(cases, "server_version_" + version, [version](Client& client) {
      client.log_in(version);
      client.close();
    });
  }
}

}  // namespace

HostileCases start_up_cases() {
  HostileCases cases;
  add_both(cases, "closes_at_once", [](Client& client) { client.close(); });
  add_both(cases, "resets_at_once", [](Client& client) { client.reset(); });
  add_both(cases, "silent_from_the_start", [](Client& client) { client.keep_silent(); }, "--connect-timeout");
  add_both(cases, "nonsense_at_once", [](Client& client) {
    client.send(nonsense);
    client.keep_silent();
  });
  add_both(cases, "one_byte_at_a_time", [](Client& client) {
    client.expect_startup();
    client.send(authentication(0));
    for (const char c : parameter_status(std::string(1000, 'n'), "v")) {
      client.send({&c, 1});
      client.sleep(50ms);
    }
  }, "--connect-timeout");
  add_encryption_cases(cases);
  add_wrong_first_messages(cases);
  add_errors(cases);
  add_after_authentication(cases);
  return cases;
}

}  // namespace pghaul::test
