#include "pg/connect.h"

#include <condition_variable>
#include <mutex>
#include <regex>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

#include "base/duration.h"
#include "base/log.h"
#include "pg/sqlstate.h"
#include "pg/sslmode.h"

namespace pghaul::pg {
namespace {

// Shared by the connecting thread and the waiting one; whoever comes last frees it.
struct Attempt {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  ConnectionHandle conn;
};

ConnectionHandle start(const Endpoint& endpoint, const SessionOptions& options) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count();
  const auto connect_timeout = fmt::format("{}", std::max<long long>(2, seconds));
  // dbname with expand_dbname holds the user's string; what comes before it are defaults that it may override.
  // A null value counts as not given.
  const char* keywords[] = {"fallback_application_name", "keepalives_idle", "keepalives_interval",
                            "keepalives_count",          "tcp_user_timeout", "connect_timeout",
                            "gssencmode",                "sslmode",          "dbname",
                            "application_name",          nullptr};
  const char* values[] = {"pghaul", "10", "5", "3", "120000", connect_timeout.c_str(), "disable",
                          default_sslmode(endpoint), endpoint.conninfo.reveal().c_str(),
                          options.application_name.c_str(), nullptr};
  return ConnectionHandle(PQconnectStartParams(keywords, values, 1));
}

// Drives PQconnectPoll until the session is there, has failed, or the time is over.
void drive(PGconn* conn, Deadline deadline) {
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED && !deadline.expired()) {
    pollfd socket{PQsocket(conn), static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count();
    if (::poll(&socket, 1, static_cast<int>(std::min<long long>(left, 60'000))) > 0) state = PQconnectPoll(conn);
  }
}

void connect_in_thread(std::shared_ptr<Attempt> attempt, Endpoint endpoint, SessionOptions options) {
  auto conn = start(endpoint, options);
  if (conn) PQsetErrorVerbosity(conn.get(), PQERRORS_VERBOSE);
  if (conn && PQstatus(conn.get()) != CONNECTION_BAD) drive(conn.get(), Deadline::after(options.connect_timeout));
  const std::lock_guard lock(attempt->mutex);
  attempt->conn = std::move(conn);
  attempt->done = true;
  attempt->changed.notify_all();
}

// libpq keeps no SQLSTATE of a failed connection, but in verbose form its message carries the code in a place that does
// not depend on the language: "FATAL:  28P01: password authentication failed…", and a line "LOCATION: …" at the end.
struct Failure {
  std::string sqlstate, message;
};

Failure parse_failure(const std::string& text) {
  static const std::regex coded("[^\\s:]+:  ([0-9A-Z]{5}): ");
  Failure failure{"", printable(text)};
  std::smatch match;
  if (std::regex_search(failure.message, match, coded)) {
    failure.sqlstate = match[1];
    failure.message.erase(static_cast<std::size_t>(match.position(1)), 7);
    const auto server_text = static_cast<std::size_t>(match.position(0));
    if (const auto location = failure.message.find('\n', server_text); location != std::string::npos) {
      failure.message.erase(location);
    }
  }
  while (!failure.message.empty() && failure.message.back() == '\n') failure.message.pop_back();
  return failure;
}

[[noreturn]] void throw_failure(const Endpoint& endpoint, PGconn* conn) {
  auto failure = parse_failure(PQerrorMessage(conn));
  const bool permanent = failure.sqlstate.empty() ? PQconnectionNeedsPassword(conn) != 0
                                                  : classify_sqlstate(failure.sqlstate) == ErrorKind::failed;
  throw Error(permanent ? ErrorKind::failed : ErrorKind::connection_lost, "cannot connect: " + failure.message)
      .on(endpoint.side)
      .about(endpoint.label)
      .with_sqlstate(failure.sqlstate)
      .advise(permanent ? "correct the connection string, ~/.pgpass or the server's pg_hba.conf, and run the same "
                          "command again"
                        : "see whether the server runs and can be reached, and run the same command again");
}

[[noreturn]] void throw_timeout(const Endpoint& endpoint, const SessionOptions& options) {
  throw Error(ErrorKind::connection_lost,
              fmt::format("no connection within {} (--connect-timeout)",
                          format_duration(std::chrono::duration_cast<Duration>(options.connect_timeout))))
      .on(endpoint.side)
      .about(endpoint.label)
      .advise("see whether the server answers, and run the same command again");
}

}  // namespace

ConnectionHandle connect(const Endpoint& endpoint, const SessionOptions& options) {
  if (options.stop != nullptr) options.stop->throw_if_requested();
  const auto attempt = std::make_shared<Attempt>();
  std::thread(connect_in_thread, attempt, endpoint, options).detach();
  const auto deadline = Deadline::after(options.connect_timeout + std::chrono::milliseconds(200));
  std::unique_lock lock(attempt->mutex);
  while (!attempt->done && !deadline.expired()) {
    attempt->changed.wait_for(lock, std::chrono::milliseconds(50));
    if (options.stop != nullptr) options.stop->throw_if_requested();
  }
  if (!attempt->done) throw_timeout(endpoint, options);
  auto conn = std::move(attempt->conn);
  if (!conn) throw Error(ErrorKind::failed, "out of memory").on(Side::local);
  if (PQstatus(conn.get()) == CONNECTION_BAD) throw_failure(endpoint, conn.get());
  if (PQstatus(conn.get()) != CONNECTION_OK) throw_timeout(endpoint, options);
  PQsetErrorVerbosity(conn.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(conn.get(), 1);
  return conn;
}

}  // namespace pghaul::pg
