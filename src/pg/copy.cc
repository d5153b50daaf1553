#include "pg/copy.h"

#include <thread>

#include <poll.h>
#include <sys/ioctl.h>

#include "pg/connection_state.h"

namespace pghaul::pg {
namespace {

constexpr std::size_t frame_bytes = 64 * 1024;
// Longer than the pauses inside one message.
constexpr int notice_pause_ms = 100;

// The server sends row by row, and waking up for every few kilobytes costs more than taking them in: a moment's patience
// took a fifth of our CPU time away (docs/benchmarks.md). The little that comes at the end of a COPY is not waited for.
void let_more_arrive(int socket, Activity activity) {
  constexpr int few_bytes = 4 * 1024, many_bytes = 64 * 1024;
  int bytes = 0;
  if (::ioctl(socket, FIONREAD, &bytes) != 0 || bytes < few_bytes || bytes > many_bytes) return;
  const Doing waiting(activity);
  std::this_thread::sleep_for(std::chrono::microseconds(300));
}

void start(Connection::State& state, const std::string& sql, ExecStatusType expected, Deadline deadline) {
  state.begin_statement();
  if (PQsendQuery(state.conn.get(), sql.c_str()) == 0) state.throw_lost("cannot send a COPY");
  const auto result = state.finish_query(deadline);
  if (PQresultStatus(result.get()) != expected) {
    throw Error(ErrorKind::failed, "the server did not start the COPY").on(state.side);
  }
}

std::int64_t copied_rows(const PGresult* result) {
  return std::strtoll(PQcmdTuples(const_cast<PGresult*>(result)), nullptr, 10);
}

}  // namespace

CopyOut::CopyOut(Connection& connection, const std::string& sql, Deadline deadline)
    : connection_(connection), deadline_(deadline) {
  start(*connection_.state_, sql, PGRES_COPY_OUT, deadline);
}

CopyOut::~CopyOut() {
  if (frame_ != nullptr) PQfreemem(frame_);
  // Also where a deadline has made the session unusable: the server must not go on with it.
  if (finished_) return;
  connection_.state_->begin_answer();
  connection_.state_->interrupt();
}

bool CopyOut::next(std::string_view& frame) {
  auto& state = *connection_.state_;
  PGconn* conn = state.conn.get();
  if (frame_ != nullptr) PQfreemem(std::exchange(frame_, nullptr));
  for (;;) {
    const int length = PQgetCopyData(conn, &frame_, 1);
    if (length > 0) {
      frame = {frame_, static_cast<std::size_t>(length)};
      return true;
    }
    if (length < 0) break;  // -1 the end, -2 an error: the result tells
    state.wait(POLLIN, deadline_, rows_of(state.side));
    let_more_arrive(PQsocket(conn), rows_of(state.side));
    if (PQconsumeInput(conn) == 0) state.throw_lost("cannot read");
  }
  finished_ = true;
  state.begin_answer();
  const auto result = state.finish_query(deadline_);
  row_count_ = copied_rows(result.get());
  return false;
}

CopyIn::CopyIn(Connection& connection, const std::string& sql, Deadline deadline)
    : connection_(connection), deadline_(deadline) {
  start(*connection_.state_, sql, PGRES_COPY_IN, deadline);
}

CopyIn::~CopyIn() {
  auto& state = *connection_.state_;
  if (finished_ || !state.conn || state.is_cut()) return;
  // CopyFail; where it cannot be sent at once, or the server does not answer in time, the session is dropped.
  if (PQputCopyEnd(state.conn.get(), "given up by pghaul") != 1) state.broken = true;
  state.interrupt();
}

void CopyIn::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto frame = bytes.substr(0, frame_bytes);
    write_frame(frame);
    bytes.remove_prefix(frame.size());
  }
}

void CopyIn::write_frame(std::string_view frame) {
  auto& state = *connection_.state_;
  PGconn* conn = state.conn.get();
  state.require_usable();
  // Before each frame and not only where sending blocks: while it blocks, libpq reads by itself what the server says,
  // and would keep an error for itself until the end of the COPY.
  await_room();
  const int queued = PQputCopyData(conn, frame.data(), static_cast<int>(frame.size()));
  if (queued < 0) fail_with_server_error();
  if (queued == 0) throw Error(ErrorKind::failed, "out of memory while sending rows").on(Side::local);
  // Everything must leave before more is queued, or libpq's buffer would grow without bound.
  while (const int left = PQflush(conn)) {
    if (left < 0) fail_with_server_error();
    await_room();
  }
}

void CopyIn::await_room() {
  auto& state = *connection_.state_;
  if ((state.wait(POLLIN | POLLOUT, deadline_, Activity::target_room) & POLLIN) != 0) heed_server();
}

// What the server says during a COPY is a notice or an error. libpq hands out a notice once it is whole, and keeps an
// error to itself. So where nothing comes out and nothing more comes in, it is an error.
void CopyIn::heed_server() {
  auto& state = *connection_.state_;
  const auto notices_before = state.notice_count;
  for (bool more = true; more && PQconsumeInput(state.conn.get()) != 0;) {
    if (PQputCopyData(state.conn.get(), "", 0) < 0) break;  // takes in notices
    if (state.notice_count != notices_before) return;
    pollfd socket{PQsocket(state.conn.get()), POLLIN, 0};
    more = ::poll(&socket, 1, notice_pause_ms) > 0 && !deadline_.expired();
  }
  fail_with_server_error();
}

// Ends the COPY to learn what the server has to say; its own error comes before the answer to CopyFail.
void CopyIn::fail_with_server_error() {
  auto& state = *connection_.state_;
  finished_ = true;
  if (PQputCopyEnd(state.conn.get(), "the server reported something in the middle of the COPY") != 1) {
    state.throw_lost("cannot end the COPY");
  }
  state.finish_query(deadline_);
  throw Error(ErrorKind::transient, "the server ended a COPY without an error").on(state.side);
}

std::int64_t CopyIn::finish() {
  auto& state = *connection_.state_;
  finished_ = true;
  if (PQputCopyEnd(state.conn.get(), nullptr) != 1) state.throw_lost("cannot end the COPY");
  const auto result = state.finish_query(deadline_);
  return copied_rows(result.get());
}

}  // namespace pghaul::pg
