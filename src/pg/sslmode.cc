#include "pg/sslmode.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstdlib>

#include "pg/conninfo.h"

namespace pghaul::pg {
namespace {

std::string_view take_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = list.substr(0, comma);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

// Comma-separated lists: all hosts have to be local. Where an address is given, the name is not looked up.
bool all_local(std::string_view hosts, std::string_view addresses) {
  do {
    const auto host = take_element(hosts), address = take_element(addresses);
    if (!is_local_host(address.empty() ? host : address)) return false;
  } while (!hosts.empty() || !addresses.empty());
  return true;
}

bool all_local(const Conninfo& options) {
  return all_local(value_of(options, "host"), value_of(options, "hostaddr"));
}

bool is_set(const char* variable) {
  return std::getenv(variable) != nullptr;
}

bool verifies_certificate(std::string_view sslmode) {
  return sslmode == "verify-full" || sslmode == "verify-ca";
}

// The host that this session is with, of those that the string names.
bool is_local(const pg_conn* conn, const Conninfo& options) {
  const char* const address = PQhostaddr(conn);
  const bool address_given = !value_of(options, "hostaddr").empty();
  if (address_given && address != nullptr) return is_local_host(address);
  const char* const host = PQhost(conn);
  return host == nullptr || is_local_host(host);
}

}  // namespace

bool is_local_host(std::string_view host) {
  if (host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost") return true;
  // A name may begin like an address: 127.0.0.1.example.com.
  const std::string text(host);
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

const char* default_sslmode(const Endpoint& endpoint) {
  const auto& conninfo = endpoint.conninfo.reveal();
  const Conninfo given(PQconninfoParse(conninfo.c_str(), nullptr));
  if (is_set("PGSSLMODE") || !value_of(given, "sslmode").empty()) return nullptr;
  const auto resolved = resolve(conninfo);
  if (value_of(resolved, "sslmode") != "prefer") return nullptr;  // a service chose it
  return all_local(resolved) ? nullptr : "require";
}

const char* default_require_auth(const Endpoint& endpoint, int libpq_version) {
  constexpr int first_version = 160'000;
  if (libpq_version < first_version || is_set("PGREQUIREAUTH")) return nullptr;
  const auto resolved = resolve(endpoint.conninfo.reveal());
  if (!value_of(resolved, "require_auth").empty() || all_local(resolved)) return nullptr;
  return verifies_certificate(value_of(resolved, "sslmode")) ? nullptr : "!password";
}

std::string line_risk(const pg_conn* conn) {
  const Conninfo options(PQconninfo(const_cast<pg_conn*>(conn)));
  if (is_local(conn, options) || PQgssEncInUse(const_cast<pg_conn*>(conn)) != 0) return "";
  const auto mode = value_of(options, "sslmode");
  if (PQsslInUse(const_cast<pg_conn*>(conn)) == 0) {
    return fmt::format(
        "the line to {} is not encrypted (sslmode={}): whoever stands on the way reads and changes what is "
        "copied",
        PQhost(conn), mode);
  }
  if (mode == "verify-full") return "";
  return fmt::format(
      "the line to {} is encrypted, but {} (sslmode={}): somebody else may answer in its place", PQhost(conn),
      mode == "verify-ca" ? "the certificate's host name is not compared" : "the server is not verified",
      mode);
}

}  // namespace pghaul::pg
