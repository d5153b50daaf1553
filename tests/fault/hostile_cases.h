// What servers may do to us, and how it has to end.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "fault/hostile_server.h"

namespace pghaul::test {

// Which command meets the hostile server, and as what. The other side is polite.
enum class Meeting { copy_source, copy_target, plan_source, verify_source, verify_target, status };

// A server that never answers is waited for as --statement-timeout says, and ten seconds.
constexpr std::chrono::seconds longest_silence{25};

struct HostileCase {
  std::string name = {};
  Meeting meeting = Meeting::copy_source;
  Script script = {};
  std::string says = {};          // has to be in the output
  std::vector<int> codes = {3};   // any of these; 0 only where nothing of what is wrong is needed
  std::chrono::seconds limit = longest_silence;
};

using HostileCases = std::vector<HostileCase>;

// By where it goes wrong.
HostileCases start_up_cases();        // before and instead of authentication
HostileCases authentication_cases();
HostileCases answer_cases();          // answers to queries that break the protocol
HostileCases content_cases();         // answers that keep to it, and lie
HostileCases flood_cases();           // no end
HostileCases copy_cases();            // inside COPY

// Looks at what a client may see of them; never shown by us as it is.
inline const std::string terminal_escapes = "\x1b[2J\x1b]0;owned\x07\x9b" "31m\x08\x7f\xc2\x9b\r";

// What a well-behaved server answers to the questions before a copy. `version` is a server_version_num.
std::vector<Answer> polite_answers(const std::string& system_identifier, const std::string& version = "150020");
// The same, the named answer (by its text) being replaced.
std::vector<Answer> answers_with(const Answer& other);
// Well-behaved to the end.
Script polite_server(const std::string& system_identifier);

// Right up to the first answer, then these bytes, then silence.
Script in_first_answer(const std::string& bytes);
// Right up to the answer to the first query that contains `text`.
Script in_answer_to(const std::string& text, const std::string& bytes);
// The same twice: as source and as target of a copy.
void add_both(HostileCases& cases, const std::string& name, const Script& script, const std::string& says = {},
              std::chrono::seconds limit = longest_silence);

}  // namespace pghaul::test
