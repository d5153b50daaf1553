// How sessions on the two servers are set up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/stop.h"
#include "catalog/catalog.h"
#include "command/copy_options.h"
#include "command/server_check.h"
#include "ledger/ledger_session.h"
#include "pg/connection.h"

namespace pghaul {

// Makes the options of every session of a job. Source sessions are read only, with an empty search_path, row security
// off (an error instead of a silent subset), timeouts of their own and no parallel workers. Values travel in the source
// server's encoding on both sides. Threads: const after construction.
class Sessions {
 public:
  Sessions(const PgCopyOptions& options, const StopSource& stop);

  const pg::Endpoint& source() const { return source_; }
  const pg::Endpoint& target() const { return target_; }
  // Nothing if none was given.
  const std::optional<pg::Endpoint>& primary() const { return primary_; }
  // To be told once it is known, before any session that moves rows is opened.
  void set_encoding(const std::string& source_encoding) { encoding_ = source_encoding; }

  // Of the servers' losses; to be told before any session is opened that may have to be opened again.
  void set_losses(std::shared_ptr<LossWindows> losses) { losses_ = std::move(losses); }

  // Gives an error what it may lack: side, object, what is safe, what to do.
  void complete(Error& error) const;

  // To be told once they are known: a later session that finds itself on another server, or on one that has failed over
  // from `source`, is refused. A failed-over target needs no such check: what it lost it lost with its marks.
  void expect_servers(const catalog::ServerFacts& source, const catalog::ServerFacts& target) {
    expected_source_ = {source, options_.allowed.failover, ""};
    expected_target_ = {target, true, ""};
  }
  // A later session on a standby finds WAL replayed up to `position`, or is refused. To be told before workers start.
  void expect_replayed(const std::string& position) { expected_source_->replayed = position; }

  // `role` is what the session does, as "reader 1"; it shows in application_name.
  pg::SessionOptions source_session(const std::string& role) const;
  // On the source's primary; what it has to be is checked by preflight.
  pg::SessionOptions primary_session(const std::string& role) const;
  pg::SessionOptions target_session(const std::string& role) const;
  // For what only reads there: set up as a source session is.
  pg::SessionOptions target_reader_session(const std::string& role) const;
  // Rows and mark are lost together in a crash, so a chunk's commit need not wait for the disk.
  pg::SessionOptions writer_session(int writer) const;
  // For index builds and the like: bounded by the job only.
  pg::SessionOptions builder_session(int builder) const;

 private:
  pg::SessionOptions common(const std::string& role) const;
  pg::SessionOptions read_only(const std::string& role) const;

  const PgCopyOptions& options_;
  const StopSource& stop_;
  const pg::Endpoint source_, target_;
  const std::optional<pg::Endpoint> primary_;
  std::string encoding_;
  std::shared_ptr<LossWindows> losses_;
  std::optional<ExpectedServer> expected_source_, expected_target_;
};

}  // namespace pghaul
