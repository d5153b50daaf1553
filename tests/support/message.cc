#include "support/message.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace pghaul::test {
namespace {

using Faults = std::vector<std::string>;
using Json = nlohmann::json;

constexpr std::string_view first_word = "pghaul: ";
constexpr std::string_view safe_label = "  safe:   ", next_label = "  next:   ", detail_label = "  detail: ";

// The last words, taken apart. Views into the standard error.
struct Message {
  std::string_view headline;  // without the program's name
  std::string_view safe, next;
  int headlines = 0;
  std::vector<std::string_view> strangers;  // lines after the headline that are no part of it
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Message parse(std::string_view err) {
  Message message;
  for (const auto line : lines_of(err)) {
    if (line.starts_with(first_word)) {
      message.headline = line.substr(first_word.size());
      message.safe = message.next = {};
      message.strangers.clear();
      ++message.headlines;
    } else if (line.starts_with(safe_label)) {
      message.safe = line.substr(safe_label.size());
    } else if (line.starts_with(next_label)) {
      message.next = line.substr(next_label.size());
    } else if (!line.starts_with(detail_label) && message.headlines > 0) {
      message.strangers.push_back(line);
    }
  }
  return message;
}

// The word before the next ": ", taken off.
std::string_view take_part(std::string_view& text) {
  const auto end = text.find(": ");
  if (end == std::string_view::npos) return {};
  const auto part = text.substr(0, end);
  text.remove_prefix(end + 2);
  return part;
}

bool is_side(std::string_view word) { return word == "source" || word == "target" || word == "local"; }

// "schema.table", "host:port/database", or one word; the beginning of a sentence is neither.
bool is_object(std::string_view part) {
  const bool sentence = part.find(' ') != std::string_view::npos;
  return !part.empty() && (!sentence || part.find_first_of("./") != std::string_view::npos);
}

int count(std::string_view text, std::string_view part) {
  int found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n') || byte == 0x7f;
}

bool is_letter_or_digit(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

void judge_side_and_object(std::string_view headline, Faults& faults) {
  auto rest = headline;
  const auto side = take_part(rest);
  if (!is_side(side)) faults.push_back("no side");
  if (side != "local" && !is_object(take_part(rest))) faults.push_back("no object");
}

// Codes that the text names must be whole.
void judge_codes(std::string_view headline, Faults& faults) {
  constexpr std::string_view before = "[SQLSTATE ";
  constexpr std::size_t length = 5;
  for (auto at = headline.find(before); at != std::string_view::npos; at = headline.find(before, at + 1)) {
    const auto code = headline.substr(at + before.size()).substr(0, length + 1);
    const bool whole = code.size() == length + 1 && code.back() == ']' &&
                       std::ranges::all_of(code.substr(0, length), is_letter_or_digit);
    if (!whole) faults.push_back("a SQLSTATE that is none");
  }
}

void judge_text(const ProgramResult& result, const Message& message, Faults& faults) {
  if (message.headlines == 0) return faults.push_back("no message");
  if (message.headlines > 1) faults.push_back(fmt::format("{} messages", message.headlines));
  if (!message.strangers.empty()) {
    faults.push_back(fmt::format("lines that are no part of the message: {}", fmt::join(message.strangers, " | ")));
  }
  if (result.status == 3 || result.status == 5) judge_side_and_object(message.headline, faults);
  if (result.status != 2 && message.safe.empty()) faults.push_back("no safe:");
  if (message.next.empty()) faults.push_back("no next:");
  judge_codes(message.headline, faults);
  if (count(message.headline, "; last: ") > 1) faults.push_back("one story inside another");
  if (std::ranges::any_of(result.err, is_control)) faults.push_back("control characters");
}

// A reason to refuse is told once.
void judge_repetition(const ProgramResult& result, const Message& message, Faults& faults) {
  if (result.status != 3) return;
  const auto text = message.headline.substr(message.headline.rfind(": ") + 2);
  constexpr std::size_t telling = 20;
  if (text.size() >= telling && count(result.err, text) > 1) faults.push_back("the reason is told twice");
}

std::string field(const Json& error, const char* name) {
  const auto found = error.find(name);
  return found != error.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void judge_document(const ProgramResult& result, const Message& message, Faults& faults) {
  const auto document = Json::parse(result.out, nullptr, false);
  if (document.is_discarded() || !document.is_object()) return;  // a report for people
  if (document.value("exit_code", -1) != result.status) faults.push_back("JSON: another exit_code");
  if (!document.contains("error")) return faults.push_back("JSON: no error");
  const auto& error = document["error"];
  const auto need = [&](const char* name) {
    if (field(error, name).empty()) faults.push_back(fmt::format("JSON: no {}", name));
  };
  need("message");
  need("next");
  if (result.status != 2) need("safe");
  if (result.status == 3 || result.status == 5) need("side");
  if ((result.status == 3 || result.status == 5) && field(error, "side") != "local") need("object");
  const auto code = field(error, "sqlstate");
  if (!code.empty() && message.headline.find(code) == std::string_view::npos) {
    faults.push_back("the SQLSTATE of the JSON is not in the text");
  }
}

}  // namespace

std::string missing_parts(const ProgramResult& result) {
  if (result.status < 2 || result.status > 5) return "";
  Faults faults;
  const auto message = parse(result.err);
  judge_text(result, message, faults);
  judge_repetition(result, message, faults);
  judge_document(result, message, faults);
  return fmt::format("{}", fmt::join(faults, "; "));
}

}  // namespace pghaul::test
