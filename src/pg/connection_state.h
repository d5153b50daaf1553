// What Connection, CopyOut and CopyIn share. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "base/activity.h"
#include "pg/connection.h"
#include "pg/line_watch.h"

namespace pghaul::pg {

struct FinishConnection {
  void operator()(PGconn* conn) const { PQfinish(conn); }
};
using ConnectionHandle = std::unique_ptr<PGconn, FinishConnection>;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

// What a server or libpq said, as it may be shown: see printable(). Cut off where it would fill the screen.
std::string shown_text(const char* text);
// Since the connection was made; 0 for what is no TCP connection.
std::int64_t received_bytes(const PGconn* conn);
// The same, in both directions; what was sent counts when the other side's kernel has it.
std::int64_t moved_bytes(const PGconn* conn);

struct Connection::State {
  Side side = Side::none;
  std::string label;
  const StopSource* stop = nullptr;
  std::vector<std::string> notices;
  std::size_t notice_count = 0;      // ever
  std::string fatal_sqlstate;        // of a FATAL that arrived as a notice while idle
  bool broken = false;
  std::int64_t received_before = 0;  // bytes, when the answer began that is being read
  std::unique_ptr<LineWatch> watch;  // may be null
  ConnectionHandle conn;             // closed first: its notices go into the members above

  // Waits until the socket is readable or writable as asked. Throws stopped (the session stays usable for
  // interrupt()), or connection_lost once the deadline is over, ready or not, or the line is found dead. Returns poll's
  // revents. The time counts as that of `activity`.
  short wait(short events, Deadline deadline, Activity activity);
  short wait(short events, Deadline deadline) { return wait(events, deadline, answer_of(side)); }
  void look_at_line();
  // True when libpq has found the line cut; results that came before are still there.
  bool is_cut() const;
  // Errors: failed, when the answer grows beyond all that we ask for: libpq keeps it in memory.
  void consume_input();
  // libpq keeps the notifications that a server may send at any time, and we ask for none.
  void drop_notifications();
  // Sends what libpq holds back.
  void flush(Deadline deadline);
  // The next result of the running statement; null at its end.
  ResultHandle next_result(Deadline deadline);
  // All results up to the end of the statement; throws on the first error after the rest was read.
  ResultHandle last_result(Deadline deadline);
  // As last_result(), but a stop or deadline first cancels what runs.
  ResultHandle finish_query(Deadline deadline);
  // The same for a statement that is no COPY, whatever the server makes of it.
  ResultHandle finish_plain_query(Deadline deadline);
  // Cancels, reads and throws away; afterwards the session is idle or broken. Never throws.
  void interrupt() noexcept;
  // Sends a cancel request from a thread of its own; true if the server has taken it within `span`.
  bool send_cancel(Deadline::Clock::duration span) noexcept;

  [[noreturn]] void throw_result(const PGresult* result);
  [[noreturn]] void throw_lost(const std::string& what);
  // To be called before anything is sent. Throws connection_lost, or stopped: what is sent and at once cancelled may
  // run all the same.
  void require_usable() const;
  // The same, before something is sent that will be answered.
  void begin_statement();
  // What was received up to now, as rows of a COPY, does not count as part of the answer.
  void begin_answer();
};

}  // namespace pghaul::pg
