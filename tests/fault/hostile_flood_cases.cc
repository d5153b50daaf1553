#include <memory>
#include <string>

#include "fault/hostile_cases.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

constexpr auto limit = 12s;

std::string repeated(const std::string& bytes, std::size_t total = 200'000) {
  std::string many;
  while (many.size() < total) many += bytes;
  return many;
}

Script floods_login(const std::string& bytes) {
  return [many = repeated(bytes)](Client& client) {
    client.expect_startup();
    client.send(authentication(0));
    client.send_endlessly(many);
  };
}

Script floods_answer(const std::string& begin, const std::string& bytes) {
  return [begin, many = repeated(bytes)](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(begin);
    client.send_endlessly(many);
  };
}

// A client has to keep them all.
void send_new_parameters(Client& client) {
  for (std::uint64_t number = 0;; ++number) {
    client.send(parameter_status("parameter_" + std::to_string(number), std::string(20'000, 'v')));
  }
}

const std::string notice = error_response({{'S', "NOTICE" + terminal_escapes}, {'V', "NOTICE"}, {'C', "00000"},
                                           {'M', "look here " + terminal_escapes}}, 'N');

}  // namespace

HostileCases flood_cases() {
  HostileCases cases;
  const auto both = [&](const std::string& name, const Script& script) {
    add_both(cases, name, script, "", limit);
  };
  const auto answer = [&](const std::string& name, const std::string& begin, const std::string& bytes) {
    both(name + "_as_answer", floods_answer(begin, bytes));
  };
  both("notices_during_login", floods_login(notice));
  both("one_parameter_during_login", floods_login(parameter_status("p", std::string(1000, 'v'))));
  both("new_parameters_during_login", [](Client& client) {
    client.expect_startup();
    client.send(authentication(0));
    send_new_parameters(client);
  });
  both("backend_keys_during_login", floods_login(message('K', uint32_bytes(1) + uint32_bytes(2))));
  both("logins_after_login", floods_login(authentication(0)));

  const auto begin = message('1', "") + message('2', "");
  answer("notices", begin, notice);
  both("notices_one_by_one", [](Client& client) {
    client.log_in();
    client.expect_query();
    client.send_endlessly(notice, 20ms);
  });
  answer("notifications", begin, message('A', uint32_bytes(1) + std::string("channel\0payload\0", 16)));
  both("new_parameters_as_answer", [](Client& client) {
    client.log_in();
    client.expect_query();
    send_new_parameters(client);
  });
  answer("rows", begin + row_description(3), data_row({std::string(1000, 'x'), "", std::nullopt}));
  const std::vector<std::optional<std::string>> nulls(1000);
  answer("rows_of_nothing", begin + row_description(1000), data_row(nulls));
  answer("empty_rows", begin + row_description(0), data_row({}));
  answer("tags", begin, command_complete("SELECT 1"));
  answer("results", begin, row_description(1) + data_row({"1"}) + command_complete("SELECT 1"));
  answer("errors", begin, error_response({{'S', "ERROR"}, {'C', "42501"}, {'M', "no"}}));
  answer("empty_queries", begin, message('I', ""));
  answer("ready", begin, ready_for_query());
  answer("parse_complete", "", message('1', ""));
  // Not as fast as it can: libpq reads on inside one call as long as there is something to read of a message.
  both("one_endless_row", [begin](Client& client) {
    client.log_in();
    client.expect_query();
    client.send(begin + row_description(1) + announced('D', 1'900'000'000));
    client.send_endlessly(std::string(200'000, 'x'), 3ms);
  });
  return cases;
}

}  // namespace pghaul::test
