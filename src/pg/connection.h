// A session on a PostgreSQL server. The only folder that sees libpq is this one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/loss_window.h"
#include "base/secret.h"
#include "base/stop.h"
#include "pg/result.h"
#include "pghaul/deadline.h"
#include "pghaul/error.h"

struct pg_conn;

namespace pghaul::pg {

// Where to connect. A value.
struct Endpoint {
  Side side = Side::none;
  Secret conninfo;  // libpq's, in either form
  // "host:port/database" for messages, with the address behind the host where one is given; no password. Known after parse_endpoint().
  std::string label;
};

// Checks the syntax and fills the label. Errors: usage.
Endpoint parse_endpoint(Side side, const std::string& conninfo);

// Variables of the environment that are set and change, for both sides, what connection strings say: names alone.
std::vector<std::string> steering_environment();

class Connection;

struct SessionOptions {
  std::string application_name;
  // Run-time settings, made by one statement after connecting (not by start-up options, which poolers refuse).
  std::vector<std::pair<std::string, std::string>> settings;
  // Interrupts every wait of the session; may be null. Must outlive it.
  const StopSource* stop = nullptr;
  Deadline::Clock::duration connect_timeout = std::chrono::seconds(10);
  // Told that the server is there, once the session is. May be null.
  std::shared_ptr<LossWindows> losses;
  // How many bytes the kernel takes in ahead of us, so that a server cannot send what we do not take yet; 0: as it likes.
  int receive_buffer = 0;
  // A silent line is found dead before a deadline says so, see line_watch.h.
  bool watch_line = true;
  // Asked of each new session once its settings are made; throws if it will not do. May be null.
  std::function<void(Connection&)> check;
};

using Param = std::optional<std::string>;
using Params = std::vector<Param>;

// Threads: one at a time; cancel requests run on a thread of their own.
// Errors: every server error is an Error with side and SQLSTATE, its kind from the table in sqlstate.h; a lost session,
// a dead line or a deadline without answer is connection_lost, and the session is unusable from then on (usable() is false).
class Connection {
 public:
  // Blocks for at most connect_timeout, name resolution included.
  Connection(const Endpoint& endpoint, const SessionOptions& options);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // One statement with text parameters $1, $2, ….
  Result query(const std::string& sql, const Params& params, Deadline deadline);
  // One or more statements without parameters, in one round trip; the last one's result.
  Result run(const std::string& sql, Deadline deadline);

  bool usable() const;
  bool in_transaction() const;
  Side side() const;
  const std::string& label() const;
  int server_version() const;   // as 150020
  int backend_pid() const;
  std::string parameter(const char* name) const;  // ParameterStatus, as "server_encoding"
  // What somebody on the way could do, in a sentence: the line to a host that is not local is not encrypted, or to a
  // server that is not verified. Empty if nothing.
  std::string line_risk() const;
  // Notices since the last call, oldest first; at most 100 are kept.
  std::vector<std::string> take_notices();

  // From here on a requested stop interrupts nothing: for what has to be said after it.
  void ignore_stop();
  // Interrupts whatever runs and ends the session; never throws, takes at most about two seconds.
  void abandon() noexcept;

  struct State;  // of this folder's own use

 private:
  friend class CopyOut;
  friend class CopyIn;
  std::unique_ptr<State> state_;
};

// Settings that make values' text form, and what is read from it, the same on every server: DateStyle, TimeZone, array_nulls,
// …; quote_all_identifiers changes the names of types.
std::vector<std::pair<std::string, std::string>> pinned_text_settings();

}  // namespace pghaul::pg
