#include "pg/connection.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/sqlstate.h"
#include "pg/connect.h"
#include "pg/connection_state.h"
#include "pg/row_values.h"
#include "pg/sqlstate.h"
#include "pg/sslmode.h"

namespace pghaul::pg {
namespace {

constexpr std::size_t notices_kept = 100;
constexpr auto conflict_advice =
    "if the source is a standby: raise max_standby_streaming_delay or set hot_standby_feedback = on there, lower "
    "--batch-bytes, or copy from the primary; then run the same command again";
constexpr std::size_t shown_bytes = 4'000;
// Rows travel by COPY; the largest answer to a query is a ledger's list of 100,000 chunks.
constexpr std::int64_t answer_bytes_limit = 64'000'000;

// A FATAL that reaches an idle session (its server shuts down, say) is handed to the notice receiver only.
void receive_notice(void* state_pointer, const PGresult* result) {
  auto& state = *static_cast<Connection::State*>(state_pointer);
  ++state.notice_count;
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (severity != nullptr && code != nullptr && std::string_view(severity) == "FATAL") state.fatal_sqlstate = code;
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message != nullptr && state.notices.size() < notices_kept) state.notices.push_back(shown_text(message));
}

std::string settings_sql(const std::vector<std::pair<std::string, std::string>>& settings, Params& params) {
  std::string sql = "SELECT ";
  for (const auto& [name, value] : settings) {
    sql += fmt::format("{}pg_catalog.set_config(${}, ${}, false)", params.empty() ? "" : ", ", params.size() + 1,
                       params.size() + 2);
    params.emplace_back(name);
    params.emplace_back(value);
  }
  return sql;
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : shown_text(text);
}

Error out_of_memory() {
  return Error(ErrorKind::failed, "out of memory on this machine")
      .on(Side::local)
      .advise("lower --readers, --writers or --batch-bytes, or give pghaul more memory, and run the same command again");
}

bool is_error(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

bool is_copy(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

}  // namespace

std::string shown_text(const char* text) {
  const std::string_view all(text);
  const auto shown = printable(all.substr(0, shown_bytes));
  return all.size() > shown_bytes ? fmt::format("{}… ({} bytes)", shown, all.size()) : shown;
}

namespace {

tcp_info info_of(const PGconn* conn) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(PQsocket(conn), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
  return info;
}

}  // namespace

std::int64_t received_bytes(const PGconn* conn) { return static_cast<std::int64_t>(info_of(conn).tcpi_bytes_received); }

std::int64_t moved_bytes(const PGconn* conn) {
  const auto info = info_of(conn);
  return static_cast<std::int64_t>(info.tcpi_bytes_received + info.tcpi_bytes_acked);
}

void Connection::State::throw_lost(const std::string& what) {
  broken = true;
  auto reason = shown_text(PQerrorMessage(conn.get()));
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  // libpq's own, and no matter of the line: the next session would end the same way.
  const bool no_memory = reason.find("out of memory") != std::string::npos ||
                         reason.find("cannot allocate memory") != std::string::npos;  // for its input
  if (no_memory) throw out_of_memory();
  // The server is not lost where a standby's recovery ended the session; who met it knows the table.
  if (side == Side::source && fatal_sqlstate == sqlstate::serialization_failure) {
    throw Error(ErrorKind::transient, "the session was ended: conflict with recovery")
        .on(side)
        .with_sqlstate(fatal_sqlstate)
        .advise(conflict_advice);
  }
  throw Error(ErrorKind::connection_lost, reason.empty() ? what : what + ": " + reason)
      .on(side)
      .about(label)
      .with_sqlstate(fatal_sqlstate);
}

void Connection::State::throw_result(const PGresult* result) {
  const auto code = field(result, PG_DIAG_SQLSTATE);
  // libpq makes results of its own, without a code, when the line breaks in the middle of a statement.
  if (code.empty() || is_cut()) {
    if (code.empty()) throw_lost("the connection was lost");
    broken = true;
  }
  const auto kind = classify_sqlstate(code);
  if (kind == ErrorKind::connection_lost) broken = true;
  auto detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  if (const auto context = field(result, PG_DIAG_CONTEXT); !context.empty()) {
    detail += (detail.empty() ? "" : "; ") + context;
  }
  const auto said = field(result, PG_DIAG_MESSAGE_PRIMARY);
  const auto message = without_row_values(code, said);
  if (message != said) detail = said + (detail.empty() ? "" : "; ") + detail;
  Error error(kind, message);
  error.on(side).with_sqlstate(code).with_detail(detail);
  if (code == sqlstate::query_canceled) {
    error.advise("if it was a timeout: raise --statement-timeout, or lower --batch-bytes; then run the same command again");
  }
  // Of a page in use it says deadlock.
  const bool conflict = code == sqlstate::serialization_failure || code == sqlstate::deadlock_detected;
  if (conflict && side == Side::source) error.advise(conflict_advice);
  if (code == sqlstate::lock_not_available) {
    error.advise("see who holds the table: SELECT pid, mode FROM pg_locks WHERE granted AND relation = 'TABLE'::regclass; when "
                 "the lock is gone, run the same command again");
  }
  throw error;
}

void Connection::State::begin_answer() { received_before = received_bytes(conn.get()); }

void Connection::State::begin_statement() {
  require_usable();
  begin_answer();
}

void Connection::State::require_usable() const {
  if (stop != nullptr) stop->throw_if_requested();
  if (!broken && conn && PQstatus(conn.get()) == CONNECTION_OK) return;
  throw Error(ErrorKind::connection_lost, "the connection was lost").on(side).about(label).with_sqlstate(fatal_sqlstate);
}

short Connection::State::wait(short events, Deadline deadline, Activity activity) {
  const Doing doing(activity);
  drop_notifications();
  // Said here, too: where the other side never pauses, there always is something to read.
  if (deadline.expired()) throw_lost("no answer within the time allowed");
  const Deadline::Clock::duration longest_poll = watch ? std::chrono::seconds(1) : std::chrono::seconds(60);
  for (bool first = true;; first = false) {
    pollfd fds[2] = {{PQsocket(conn.get()), events, 0}, {stop != nullptr ? stop->wake_fd() : -1, POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(deadline.remaining(), longest_poll));
    const int ready = ::poll(fds, 2, static_cast<int>(left.count()));
    if (fds[1].revents != 0) stop->throw_if_requested();
    if (ready > 0 && fds[0].revents != 0) return fds[0].revents;
    if (ready < 0 && errno != EINTR) throw_lost("poll failed");
    if (deadline.expired()) throw_lost("no answer within the time allowed");
    if (watch && first) watch->begin(moved_bytes(conn.get()));
    if (watch && !first) look_at_line();
  }
}

void Connection::State::look_at_line() {
  const auto bytes = moved_bytes(conn.get());
  const auto why = watch->look(bytes);
  if (why.empty() || moved_bytes(conn.get()) != bytes) return;  // looking takes a while
  broken = true;
  conn.reset();  // whoever gave up would else wait for this line once more
  throw Error(ErrorKind::connection_lost, "the connection was lost: " + why).on(side).about(label);
}

bool Connection::State::is_cut() const { return PQstatus(conn.get()) == CONNECTION_BAD; }

// Where the line was cut, the results that libpq still has come first: among them is the reason that the server gave.
void Connection::State::consume_input() {
  if (received_bytes(conn.get()) - received_before > answer_bytes_limit) {
    conn.reset();  // ends what the server does, and gives the memory back
    broken = true;
    throw Error(ErrorKind::failed, "the server's answer is far too long").on(side).about(label);
  }
  if (PQconsumeInput(conn.get()) == 0 && !is_cut()) throw_lost("cannot read");
}

void Connection::State::drop_notifications() {
  while (PGnotify* notification = PQnotifies(conn.get())) PQfreemem(notification);
}

void Connection::State::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(conn.get());
    if (left == 0 || is_cut()) return;
    if (left < 0) throw_lost("cannot send");
    // The server may have to get rid of what it says before it listens.
    if ((wait(POLLIN | POLLOUT, deadline) & POLLIN) != 0) consume_input();
  }
}

ResultHandle Connection::State::next_result(Deadline deadline) {
  flush(deadline);
  while (PQisBusy(conn.get()) != 0) {
    wait(POLLIN, deadline);
    consume_input();
  }
  return ResultHandle(PQgetResult(conn.get()));
}

ResultHandle Connection::State::last_result(Deadline deadline) {
  ResultHandle last, error;
  while (auto result = next_result(deadline)) {
    if (is_error(result.get())) {
      if (!error) error = std::move(result);
      if (is_cut()) break;  // libpq would give the same result for ever
      continue;
    }
    last = std::move(result);
    if (is_copy(last.get())) break;
  }
  if (error) throw_result(error.get());
  return last;
}

ResultHandle Connection::State::finish_query(Deadline deadline) {
  try {
    return last_result(deadline);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::stopped || deadline.expired()) interrupt();
    throw;
  }
}

ResultHandle Connection::State::finish_plain_query(Deadline deadline) {
  auto result = finish_query(deadline);
  if (!is_copy(result.get())) return result;
  broken = true;
  throw Error(ErrorKind::failed, "the server began a COPY that nobody asked for").on(side).about(label);
}

bool Connection::State::send_cancel(Deadline::Clock::duration span) noexcept try {
  struct Request {
    std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel{nullptr, PQfreeCancel};
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
  };
  auto request = std::make_shared<Request>();
  request->cancel.reset(PQgetCancel(conn.get()));
  if (!request->cancel) return false;
  // PQcancel ignores connect_timeout and can block for long on a dead line.
  std::thread([request] {
    char message[256];
    PQcancel(request->cancel.get(), message, sizeof message);
    const std::lock_guard lock(request->mutex);
    request->done = true;
    request->changed.notify_all();
  }).detach();
  std::unique_lock lock(request->mutex);
  return request->changed.wait_for(lock, span, [&] { return request->done; });
} catch (...) {  // no thread to be had: closing the session is what is left
  return false;
}

void Connection::State::interrupt() noexcept try {
  if (!conn || PQstatus(conn.get()) != CONNECTION_OK) return;
  const auto* stop_before = std::exchange(stop, nullptr);  // what follows is the clean-up after the stop
  const auto deadline = Deadline::after(std::chrono::milliseconds(1'000));
  const bool sent = send_cancel(std::chrono::milliseconds(1'000));
  bool idle = false;
  try {
    while (auto result = next_result(deadline)) {
      if (is_cut()) throw_lost("cannot read");
      char* frame = nullptr;
      if (PQresultStatus(result.get()) == PGRES_COPY_IN) PQputCopyEnd(conn.get(), "stopped");
      if (PQresultStatus(result.get()) != PGRES_COPY_OUT) continue;
      int length = 0;
      while ((length = PQgetCopyData(conn.get(), &frame, 1)) >= 0) {
        if (length > 0) PQfreemem(frame);
        if (length > 0) continue;
        wait(POLLIN, deadline);
        if (PQconsumeInput(conn.get()) == 0) throw_lost("cannot read");
      }
    }
    // A cancel that is still on its way would hit whatever comes next.
    idle = sent;
  } catch (const Error&) {
    idle = false;
  }
  // A backend that had not yet read the statement has forgotten the cancel.
  if (!idle && !is_cut()) send_cancel(std::chrono::milliseconds(200));
  stop = stop_before;
  broken = broken || !idle;
} catch (...) {
  broken = true;
}

Connection::Connection(const Endpoint& endpoint, const SessionOptions& options) : state_(std::make_unique<State>()) {
  state_->side = endpoint.side;
  state_->label = endpoint.label;
  state_->stop = options.stop;
  state_->conn = connect(endpoint, options);
  PQsetNoticeReceiver(state_->conn.get(), receive_notice, state_.get());
  if (options.receive_buffer > 0) {
    ::setsockopt(PQsocket(state_->conn.get()), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  if (!options.settings.empty()) {
    auto settings = options.settings;
    // Since version 17: a role's or a database's would end snapshots and chunks.
    if (server_version() >= 170'000) settings.emplace_back("transaction_timeout", "0");
    Params params;
    const auto sql = settings_sql(settings, params);
    query(sql, params, Deadline::after(options.connect_timeout));
  }
  if (options.watch_line) state_->watch = std::make_unique<LineWatch>(endpoint, options, backend_pid());
  if (options.check) options.check(*this);
  if (options.losses) options.losses->connected(endpoint.side);
}

Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

Result Connection::query(const std::string& sql, const Params& params, Deadline deadline) {
  state_->begin_statement();
  std::vector<const char*> values;
  for (const auto& param : params) values.push_back(param ? param->c_str() : nullptr);
  if (PQsendQueryParams(state_->conn.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0) {
    state_->throw_lost("cannot send a query");
  }
  return Result(state_->finish_plain_query(deadline).release(), state_->side);
}

Result Connection::run(const std::string& sql, Deadline deadline) {
  state_->begin_statement();
  if (PQsendQuery(state_->conn.get(), sql.c_str()) == 0) state_->throw_lost("cannot send a query");
  return Result(state_->finish_plain_query(deadline).release(), state_->side);
}

bool Connection::usable() const {
  return state_ && !state_->broken && state_->conn && PQstatus(state_->conn.get()) == CONNECTION_OK;
}

bool Connection::in_transaction() const {
  const auto status = PQtransactionStatus(state_->conn.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

Side Connection::side() const { return state_->side; }
const std::string& Connection::label() const { return state_->label; }
int Connection::server_version() const { return PQserverVersion(state_->conn.get()); }
int Connection::backend_pid() const { return PQbackendPID(state_->conn.get()); }

std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(state_->conn.get(), name);
  return value == nullptr ? "" : value;
}

std::string Connection::line_risk() const { return pg::line_risk(state_->conn.get()); }

std::vector<std::string> Connection::take_notices() { return std::exchange(state_->notices, {}); }

void Connection::ignore_stop() { state_->stop = nullptr; }

void Connection::abandon() noexcept {
  if (!state_ || !state_->conn) return;
  if (PQtransactionStatus(state_->conn.get()) == PQTRANS_ACTIVE) state_->interrupt();
  state_->conn.reset();
  state_->broken = true;
}

std::vector<std::pair<std::string, std::string>> pinned_text_settings() {
  return {{"DateStyle", "ISO, YMD"},   {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"},
          {"extra_float_digits", "3"}, {"bytea_output", "hex"},       {"lc_monetary", "C"},
          {"xmloption", "content"},    {"array_nulls", "on"},         {"quote_all_identifiers", "off"}};
}

}  // namespace pghaul::pg
