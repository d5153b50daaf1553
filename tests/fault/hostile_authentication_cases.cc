#include <string>

#include "fault/hostile_cases.h"

namespace pghaul::test {
namespace {

enum Method : std::uint32_t {
  kerberos = 2, cleartext = 3, md5 = 5, scm = 6, gss = 7, gss_continue = 8, sspi = 9,
  sasl = 10, sasl_continue = 11, sasl_final = 12
};

const std::string wrong_password = error_response({{'S', "FATAL"}, {'V', "FATAL"}, {'C', "28P01"},
                                                   {'M', "password authentication failed for user \"u\""}});

// Asks in this way, and whatever the client says, goes on with `bytes`.
Script asks(std::uint32_t method, const std::string& rest, const std::string& bytes) {
  return [=](Client& client) {
    client.expect_startup();
    client.send(authentication(method, rest));
    client.expect('p');
    client.send(bytes);
    client.keep_silent();
  };
}

Script only_asks(std::uint32_t method, const std::string& rest = {}) {
  return [=](Client& client) {
    client.expect_startup();
    client.send(authentication(method, rest));
    client.keep_silent();
  };
}

const std::string scram_mechanism("SCRAM-SHA-256\0\0", 15);

// SCRAM up to the client's nonce; `first` makes the server's first message of it.
Script scram(const std::function<std::string(const std::string&)>& first, const std::string& rest = {}) {
  return [=](Client& client) {
    client.expect_startup();
    client.send(authentication(sasl, scram_mechanism));
    const auto hello = client.expect('p');
    const auto nonce = hello.substr(hello.find("r=") + 2);
    client.send(authentication(sasl_continue, first(nonce)));
    if (!rest.empty()) {
      client.expect('p');
      client.send(rest);
    }
    client.keep_silent();
  };
}

void add_scram_cases(HostileCases& cases) {
  const std::string salt = ",s=QUFBQUFBQUFBQUFBQUFBQQ==";
  const auto iterations = [=](const std::string& number) {
    return scram([=](const std::string& nonce) { return "r=" + nonce + "x" + salt + ",i=" + number; });
  };
  add_both(cases, "scram_of_2147483647_rounds", iterations("2147483647"), "--connect-timeout");
  add_both(cases, "scram_of_0_rounds", iterations("0"));
  add_both(cases, "scram_of_many_digits", iterations(std::string(500, '9')));
  add_both(cases, "scram_of_no_number", iterations("\x1b[31m"));
  add_both(cases, "scram_of_anothers_nonce", 
           scram([=](const std::string&) { return "r=other" + salt + ",i=4096"; }));
  add_both(cases, "scram_without_salt", 
           scram([](const std::string& nonce) { return "r=" + nonce + "x,s=,i=4096"; }));
  add_both(cases, "scram_of_wrong_salt", 
           scram([](const std::string& nonce) { return "r=" + nonce + "x,s=!,i=4096"; }));
  add_both(cases, "scram_of_nothing", scram([](const std::string&) { return ""; }));
  add_both(cases, "scram_of_zeros", scram([](const std::string&) { return std::string(1000, '\0'); }));
  const auto proper = [=](const std::string& nonce) { return "r=" + nonce + "x" + salt + ",i=10"; };
  add_both(cases, "scram_signed_by_another",
           scram(proper, authentication(sasl_final, "v=QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")));
  add_both(cases, "scram_signed_by_nobody", scram(proper, authentication(sasl_final, "e=" + terminal_escapes)));
  add_both(cases, "scram_again_and_again", scram(proper, authentication(sasl_continue, "r=again")));
}

void add_sasl_cases(HostileCases& cases) {
  add_both(cases, "sasl_of_no_mechanism", only_asks(sasl, std::string(1, '\0')));
  add_both(cases, "sasl_of_unknown_mechanisms", only_asks(sasl, std::string("PLAIN\0OAUTHBEARER\0\0", 19)));
  add_both(cases, "sasl_list_without_end", only_asks(sasl, "SCRAM-SHA-256"));
  add_both(cases, "sasl_mechanism_without_end", only_asks(sasl, std::string(1500, 'S')));
  add_both(cases, "sasl_goes_on_before_it_began", only_asks(sasl_continue, "r=x,s=x,i=1"));
  add_both(cases, "sasl_ends_before_it_began", only_asks(sasl_final, "v=x"));
}

}  // namespace

HostileCases authentication_cases() {
  HostileCases cases;
  add_both(cases, "cleartext_then_wrong", asks(cleartext, "", wrong_password), "28P01");
  add_both(cases, "cleartext_then_nonsense", asks(cleartext, "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
  add_both(cases, "cleartext_then_silence", asks(cleartext, "", ""), "--connect-timeout");
  add_both(cases, "md5_then_wrong", asks(md5, "salt", wrong_password), "28P01");
  add_both(cases, "md5_without_salt", only_asks(md5, "s"));
  for (const std::uint32_t method : {1U, 4U, 13U, 4242U, 0xffffffffU}) {
    add_both(cases, "unknown_method_" + std::to_string(method), only_asks(method));
  }
  for (const std::uint32_t method : {kerberos, scm, gss, gss_continue, sspi}) {
    add_both(cases, "old_method_" + std::to_string(method), only_asks(method));
  }
  add_sasl_cases(cases);
  add_scram_cases(cases);
  return cases;
}

}  // namespace pghaul::test
