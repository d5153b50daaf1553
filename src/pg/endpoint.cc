#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "pg/conninfo.h"
#include "pg/conninfo_words.h"
#include "pg/connection.h"

namespace pghaul::pg {
namespace {

// A URI in which an @ or / of the password is not encoded: libpq takes what follows for host or database, and both are
// shown.
bool splits_password(std::string_view text) {
  const auto scheme = text.find("://");
  if (!text.starts_with("postgres") || scheme == std::string_view::npos) return false;
  text = text.substr(scheme + 3);
  const auto delimiter = text.find_first_of("@/");
  if (delimiter == std::string_view::npos) return false;
  const auto place = text.substr(0, text.find('?', delimiter)).substr(delimiter + 1);
  return place.find('@') != std::string_view::npos;
}

}  // namespace

std::optional<std::vector<ConninfoWord>> conninfo_words(const std::string& conninfo) {
  const Conninfo given(PQconninfoParse(conninfo.c_str(), nullptr));
  if (!given || splits_password(conninfo)) return std::nullopt;
  std::vector<ConninfoWord> words;
  for (const auto* option = given.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    words.push_back({option->keyword, option->val, std::string_view(option->dispchar) == "*"});
  }
  return words;
}

Endpoint parse_endpoint(Side side, const std::string& conninfo) {
  char* message = nullptr;
  const Conninfo given(PQconninfoParse(conninfo.c_str(), &message));
  const std::unique_ptr<char, void (*)(void*)> free_message(message, PQfreemem);
  if (!given || splits_password(conninfo)) {
    // libpq's message may repeat parts of the string, and so a password: it is not shown.
    throw Error(ErrorKind::usage, "the connection string is not valid")
        .on(side)
        .advise("write it as postgresql://user@host:port/database or as host=… port=… dbname=… user=…; special "
                "characters of a URI are percent-encoded; better keep the password in ~/.pgpass");
  }
  const auto resolved = resolve(conninfo);
  const auto effective = [&](std::string_view keyword) {
    const auto value = value_of(given, keyword);
    return value.empty() ? value_of(resolved, keyword) : value;
  };
  const auto host = effective("host"), address = effective("hostaddr");
  auto place = host.empty() ? address : host;
  // Libpq goes to the address, whatever the name says, and PGHOSTADDR could have given it.
  if (!host.empty() && !address.empty()) place += fmt::format(" ({})", address);
  if (place.empty()) place = "local socket";
  auto database = effective("dbname");
  if (database.empty()) database = effective("user");
  return Endpoint{side, Secret(conninfo), fmt::format("{}:{}/{}", place, effective("port"), database)};
}

std::vector<std::string> steering_environment() {
  std::vector<std::string> found;
  for (const char* name : {"PGHOSTADDR", "PGOPTIONS"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') found.emplace_back(name);
  }
  return found;
}

}  // namespace pghaul::pg
