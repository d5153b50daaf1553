#include "pg/connect.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "pg/quote.h"
#include "pg/sqlstate.h"
#include "pg/sslmode.h"

namespace pghaul::pg {
namespace {

// Shared by the connecting thread and the waiting one; whoever comes last frees it.
struct Attempt {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool flooded = false;
  ConnectionHandle conn;
};

// libpq keeps what a server says before the session is there (parameters without end, say). Certificates included, an
// honest one needs a few kilobytes.
constexpr std::int64_t login_bytes_limit = 4'000'000;

ConnectionHandle start(const Endpoint& endpoint, const SessionOptions& options) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count();
  const auto connect_timeout = fmt::format("{}", std::max<long long>(2, seconds));
  // dbname with expand_dbname holds the user's string; what comes before it are defaults that it may override.
  // A null value counts as not given, even where libpq does not know the keyword.
  const char* keywords[] = {"fallback_application_name", "keepalives_idle", "keepalives_interval",
                            "keepalives_count",          "tcp_user_timeout", "connect_timeout",
                            "gssencmode",                "sslmode",          "require_auth",
                            "dbname",                    "application_name", nullptr};
  const char* values[] = {"pghaul", "10", "5", "3", "120000", connect_timeout.c_str(), "disable",
                          default_sslmode(endpoint), default_require_auth(endpoint, PQlibVersion()),
                          endpoint.conninfo.reveal().c_str(), options.application_name.c_str(), nullptr};
  return ConnectionHandle(PQconnectStartParams(keywords, values, 1));
}

// libpq would print notices as they are, and as many as come, on standard error.
void drop_notice(void*, const PGresult*) {}

// Drives PQconnectPoll until the session is there, has failed, or the time is over. False if the server would not stop
// talking.
bool drive(PGconn* conn, Deadline deadline) {
  auto state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED && !deadline.expired()) {
    pollfd socket{PQsocket(conn), static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count();
    if (::poll(&socket, 1, static_cast<int>(std::min<long long>(left, 60'000))) <= 0) continue;
    if (received_bytes(conn) > login_bytes_limit) return false;
    state = PQconnectPoll(conn);
  }
  return true;
}

std::atomic<int> running_threads{0};

// When the program ends, libraries clean up after themselves: OpenSSL frees what a thread may be using that a hostile
// server keeps busy with billions of rounds of SCRAM. So where one is left, nothing is cleaned up.
void exit_at_once(int status, void*) {
  if (running_threads == 0) return;
  std::fflush(nullptr);
  std::_Exit(status);
}

void connect_in_thread(std::shared_ptr<Attempt> attempt, Endpoint endpoint, SessionOptions options) {
  auto conn = start(endpoint, options);
  if (conn) PQsetErrorVerbosity(conn.get(), PQERRORS_VERBOSE);
  if (conn) PQsetNoticeReceiver(conn.get(), drop_notice, nullptr);
  const bool started = conn && PQstatus(conn.get()) != CONNECTION_BAD;
  const bool flooded = started && !drive(conn.get(), Deadline::after(options.connect_timeout));
  const std::lock_guard lock(attempt->mutex);
  attempt->flooded = flooded;
  attempt->conn = std::move(conn);
  attempt->done = true;
  attempt->changed.notify_all();
  --running_threads;
}

// libpq keeps no SQLSTATE of a failed connection, but in verbose form its message carries the code in a place that does
// not depend on the language: "FATAL:  28P01: password authentication failed…", and a line "LOCATION: …" at the end.
struct Failure {
  std::string sqlstate, message;
};

// Where such a code begins. No regular expression: a server's long word would keep one busy for minutes.
std::size_t find_sqlstate(std::string_view text) {
  constexpr std::string_view before = ":  ", after = ": ";
  constexpr std::size_t length = 5;
  const auto in_code = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  for (auto found = text.find(before, 1); found != std::string_view::npos; found = text.find(before, found + 1)) {
    const auto rest = text.substr(found + before.size());
    const auto code = rest.substr(0, length);
    if (code.size() == length && std::ranges::all_of(code, in_code) && rest.substr(length).starts_with(after)) {
      return found + before.size();
    }
  }
  return std::string_view::npos;
}

Failure parse_failure(const char* text) {
  Failure failure{"", shown_text(text)};
  if (const auto code = find_sqlstate(failure.message); code != std::string::npos) {
    failure.sqlstate = failure.message.substr(code, 5);
    failure.message.erase(code, 7);
    if (const auto location = failure.message.find('\n', code); location != std::string::npos) {
      failure.message.erase(location);
    }
  }
  while (!failure.message.empty() && failure.message.back() == '\n') failure.message.pop_back();
  return failure;
}

std::string advice_after(std::string_view sqlstate, bool permanent, Side side, const PGconn* conn) {
  if (!permanent) return "see whether the server runs and can be reached, and run the same command again";
  if (sqlstate == sqlstate::insufficient_privilege) {
    return fmt::format("on the {}: GRANT CONNECT ON DATABASE {} TO {}", to_string(side), quote_identifier(PQdb(conn)),
                       quote_identifier(PQuser(conn)));
  }
  return "correct the connection string, ~/.pgpass or the server's pg_hba.conf, and run the same command again";
}

// Without a code it was libpq that gave up: before it tried, because of what it was told, or at a server or name that
// may answer later.
bool may_pass(const std::string& message) {
  return message.starts_with("connection to server") || message.starts_with("could not translate host name");
}

[[noreturn]] void throw_failure(const Endpoint& endpoint, PGconn* conn) {
  auto failure = parse_failure(PQerrorMessage(conn));
  const bool permanent = failure.sqlstate.empty() ? PQconnectionNeedsPassword(conn) != 0 || !may_pass(failure.message)
                                                  : classify_sqlstate(failure.sqlstate) == ErrorKind::failed;
  throw Error(permanent ? ErrorKind::failed : ErrorKind::connection_lost, "cannot connect: " + failure.message)
      .on(endpoint.side)
      .about(endpoint.label)
      .with_sqlstate(failure.sqlstate)
      .advise(advice_after(failure.sqlstate, permanent, endpoint.side, conn));
}

[[noreturn]] void throw_flooded(const Endpoint& endpoint) {
  throw Error(ErrorKind::failed, "the server says too much before the session is there")
      .on(endpoint.side)
      .about(endpoint.label)
      .advise("see whether that is a PostgreSQL server");
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
  ++running_threads;
  std::thread(connect_in_thread, attempt, endpoint, options).detach();
  const auto deadline = Deadline::after(options.connect_timeout + std::chrono::milliseconds(200));
  std::unique_lock lock(attempt->mutex);
  while (!attempt->done && !deadline.expired() && !(options.stop != nullptr && options.stop->requested())) {
    attempt->changed.wait_for(lock, std::chrono::milliseconds(50));
  }
  if (!attempt->done) ::on_exit(exit_at_once, nullptr);  // what is registered last is called first
  if (options.stop != nullptr) options.stop->throw_if_requested();
  if (!attempt->done) throw_timeout(endpoint, options);
  auto conn = std::move(attempt->conn);
  if (attempt->flooded) throw_flooded(endpoint);
  if (!conn) throw Error(ErrorKind::failed, "out of memory").on(Side::local);
  if (PQstatus(conn.get()) == CONNECTION_BAD) throw_failure(endpoint, conn.get());
  if (PQstatus(conn.get()) != CONNECTION_OK) throw_timeout(endpoint, options);
  PQsetErrorVerbosity(conn.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(conn.get(), 1);
  return conn;
}

}  // namespace pghaul::pg
