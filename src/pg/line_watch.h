// Tells a line that carries nothing any more from a server that is at work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pg/connection.h"

namespace pghaul::pg {

// While a session is waited for, bytes are counted. Where none has moved for 8 s, the server is asked over another
// connection what the session's backend does. At work, or waiting for a lock: so we wait on. Waiting for its client, as
// we wait for it: then one of us is not heard. If that is still so 12 s later, and the backend has taken in nothing
// meanwhile, the line is dead, and the backend is ended, lest it keep its locks. The same if the server cannot be
// reached either.
// Threads: one at a time.
class LineWatch {
 public:
  LineWatch(const Endpoint& endpoint, const SessionOptions& options, int backend_pid);

  // A wait begins, or goes on after a poll; `bytes` have moved on this connection so far. The line is dead where the
  // result is not empty: it says why. Takes up to 5 s where it has to ask. Errors: stopped.
  void begin(std::int64_t bytes);
  std::string look(std::int64_t bytes);

 private:
  struct Backend {
    bool waits_for_client = false;
    std::int64_t copied_bytes = 0;
  };
  std::string judge();
  // Nothing: there is no such backend.
  std::optional<Backend> ask(Connection& observer) const;
  void end_backend(Connection& observer) const noexcept;
  std::string suspect(const std::string& why, Connection* observer);

  using Time = Deadline::Clock::time_point;
  const Endpoint endpoint_;
  SessionOptions options_;
  const std::string application_name_;
  const int backend_pid_;
  Time next_look_{};
  std::optional<Time> suspected_since_;
  std::int64_t bytes_ = 0;         // moved
  std::int64_t copied_bytes_ = 0;  // by the backend, when it was suspected
};

}  // namespace pghaul::pg
