// The job's control session on the target: owner locks live and die with it.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "ledger/pg_ledger_schema.h"
#include "pg/connection.h"

namespace pghaul {

// Threads: safe; calls wait for each other. One session; when it is lost it is opened again for reconnect_timeout, and
// every lock it held is taken again, or the call fails: somebody else is the owner now. Once a caller has waited in vain
// all later ones get the same error at once.
class LedgerSession {
 public:
  LedgerSession(pg::Endpoint endpoint, pg::SessionOptions options, LedgerNames names, RetryPolicy policy,
                Duration statement_timeout);

  const LedgerNames& names() const { return names_; }
  Deadline statement_deadline() const;

  // Runs `work` on the session. After a lost connection `work` is run again on a new one, so it must be such that a
  // second run does no harm.
  void use(const std::function<void(pg::Connection&)>& work);

  // As use(), once, on the session as it is, even after a stop was requested. Nothing happens if the session is lost.
  void use_after_stop(const std::function<void(pg::Connection&)>& work);

  // A server needs a moment to see that its client was killed: so long its locks are waited for.
  static constexpr Duration moment{2000};

  // Takes a session-level advisory lock and remembers it. False: another session still holds it after `patience`.
  bool hold_lock(std::int32_t lock_class, std::int32_t id, Duration patience = Duration::zero());
  // Backend that holds such a lock, if any.
  std::optional<int> lock_holder(std::int32_t lock_class, std::int32_t id);
  // Ends a session of our own role and waits until it is gone.
  void terminate(int backend_pid);
  void release_locks();

 private:
  void reconnect();
  void work_on_session(RetryState& retry, const std::function<void(pg::Connection&)>& work);
  void retake_lock(pg::Connection& connection, std::int32_t lock_class, std::int32_t id);
  bool try_lock(pg::Connection& connection, std::int32_t lock_class, std::int32_t id);
  std::optional<int> holder_of(pg::Connection& connection, std::int32_t lock_class, std::int32_t id);
  void end_backend(pg::Connection& connection, int backend_pid);

  const pg::Endpoint endpoint_;
  const pg::SessionOptions options_;
  const LedgerNames names_;
  const RetryPolicy policy_;
  const Duration statement_timeout_;
  std::recursive_mutex mutex_;
  // Guarded by mutex_:
  pg::Connection connection_;
  std::vector<std::pair<std::int32_t, std::int32_t>> locks_;
  std::optional<Error> given_up_;  // the server was waited for long enough
  std::vector<int> own_backends_;  // that may hold our locks: of this session, and of those lost before it
};

}  // namespace pghaul
