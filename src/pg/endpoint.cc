#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "pg/connection.h"
#include "pg/sslmode.h"

namespace pghaul::pg {
namespace {

struct FreeConninfo {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Conninfo = std::unique_ptr<PQconninfoOption, FreeConninfo>;

std::string value_of(const PQconninfoOption* options, std::string_view keyword) {
  for (auto* option = options; option != nullptr && option->keyword != nullptr; ++option) {
    if (keyword == option->keyword && option->val != nullptr) return option->val;
  }
  return "";
}

// The string's own value, else the environment's or libpq's default.
std::string effective(const Conninfo& given, const Conninfo& defaults, std::string_view keyword) {
  const auto value = value_of(given.get(), keyword);
  return value.empty() ? value_of(defaults.get(), keyword) : value;
}

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

// Comma-separated hosts: all have to be local.
bool all_local(std::string_view hosts) {
  for (;;) {
    const auto comma = hosts.find(',');
    if (!is_local_host(hosts.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    hosts.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_local_host(std::string_view host) {
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" || host == "::1" ||
         host.starts_with("127.");
}

const char* default_sslmode(const Endpoint& endpoint) {
  const Conninfo given(PQconninfoParse(endpoint.conninfo.reveal().c_str(), nullptr));
  const Conninfo defaults(PQconndefaults());
  // Where the address is given, the name is not looked up.
  auto hosts = effective(given, defaults, "hostaddr");
  if (hosts.empty()) hosts = effective(given, defaults, "host");
  const bool chosen = std::getenv("PGSSLMODE") != nullptr || !value_of(given.get(), "sslmode").empty();
  // A service file may say both host and sslmode; only libpq knows.
  const bool service = !effective(given, defaults, "service").empty();
  return chosen || service || all_local(hosts) ? nullptr : "require";
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
  const Conninfo defaults(PQconndefaults());
  auto host = effective(given, defaults, "host");
  if (host.empty()) host = effective(given, defaults, "hostaddr");
  auto database = effective(given, defaults, "dbname");
  if (database.empty()) database = effective(given, defaults, "user");
  return Endpoint{side, Secret(conninfo),
                  fmt::format("{}:{}/{}", host.empty() ? "local socket" : host, effective(given, defaults, "port"),
                              database)};
}

}  // namespace pghaul::pg
