// A ledger in a fresh database, and sessions of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "ledger/ledger_session.h"
#include "ledger/pg_ledger.h"
#include "ledger/pg_mark.h"
#include "pg/connection.h"
#include "pg/transaction.h"
#include "support/servers.h"

namespace pghaul::test {

inline Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }

class LedgerTest : public ServersTest {
 protected:
  LedgerTest() {
    set_log_level(LogLevel::error);  // lost sessions are what these tests are about
    auto connection = connect();
    create_ledger(connection, names_, soon());
  }

  static pg::SessionOptions session_options(const std::string& lock_timeout = "2s") {
    pg::SessionOptions options;
    options.application_name = "pghaul test";
    options.settings = {{"search_path", ""}, {"lock_timeout", lock_timeout}, {"statement_timeout", "20s"}};
    return options;
  }
  // `detour`: what is added to the connection string.
  pg::Endpoint endpoint(const std::string& detour = "") const {
    return pg::parse_endpoint(Side::target, target_conninfo() + detour);
  }
  pg::Connection connect(const std::string& lock_timeout = "2s") const {
    return pg::Connection(endpoint(), session_options(lock_timeout));
  }
  std::unique_ptr<LedgerSession> open_session(const std::string& detour = "") const {
    RetryPolicy policy;
    policy.first_pause = policy.longest_pause = Duration(20);
    policy.reconnect_timeout = Duration(5000);
    return std::make_unique<LedgerSession>(endpoint(detour), session_options(), names_, policy, Duration(20'000));
  }

  static TableCopyIdentity identity(const std::string& table = "public.t") {
    TableCopyIdentity identity;
    identity.source_system = "1";
    identity.source_database = "prod";
    identity.source_table = identity.target_table = table;
    identity.target_system = "2";
    identity.target_database = "stats";
    return identity;
  }
  static std::unique_ptr<PgLedger> claim(LedgerSession& session, bool take_over = false,
                                         const OwnerInfo& owner = {"alpha", 4711}) {
    return claim_table_copy(session, identity(), owner, take_over);
  }
  static GenerationFacts generation_facts() {
    GenerationFacts facts;
    facts.source_oid = 4'000'000'000;
    facts.source_filenode = 17;
    facts.source_timeline = 3;
    facts.source_shape = "id bigint";
    facts.key_column = "id";
    facts.strategy = "key";
    return facts;
  }
  static RoundFacts round_facts(int round = 1) {
    RoundFacts facts;
    facts.round = round;
    facts.high_water = 1000;
    facts.reason = "because";
    return facts;
  }
  static Chunk key_chunk(std::optional<std::int64_t> lower, std::optional<std::int64_t> upper) {
    Chunk chunk;
    chunk.range.kind = ChunkKind::key;
    if (lower) chunk.range.lower = std::to_string(*lower);
    if (upper) chunk.range.upper = std::to_string(*upper);
    chunk.estimated_bytes = 1000;
    chunk.estimated_rows = 10;
    return chunk;
  }
  // `n` chunks of 100 keys each, open at both ends.
  static std::vector<Chunk> key_chunks(int n) {
    std::vector<Chunk> chunks;
    for (int i = 0; i < n; ++i) {
      chunks.push_back(key_chunk(i == 0 ? std::nullopt : std::optional(100 * i),
                                 i + 1 == n ? std::nullopt : std::optional(100 * (i + 1))));
    }
    return chunks;
  }
  // A generation and its plan.
  static std::vector<Chunk> begin(PgLedger& ledger, std::vector<Chunk> chunks) {
    ledger.start_generation(generation_facts(), {}, soon());
    return ledger.save_plan(round_facts(), std::move(chunks), soon());
  }
  static BatchSummary summary(std::int64_t rows = 10) {
    BatchSummary summary;
    summary.rows = rows;
    summary.bytes = 100 * rows;
    summary.record_format = "binary";
    summary.snapshot = "10:20:11,12";
    summary.read_time = std::chrono::milliseconds(1250);
    return summary;
  }
  // As a writer does it, without rows.
  MarkOutcome mark(pg::Connection& connection, const Mark& mark) const {
    const auto facts = summary();
    pg::Transaction transaction(connection, soon(), begin_fenced_sql(names_, mark.table_copy));
    const auto outcome = mark_done(connection, names_, mark, &facts, soon());
    if (outcome == MarkOutcome::written) transaction.commit(soon());
    return outcome;
  }
  std::string state_of(const Chunk& chunk) const {
    return target_sql("SELECT state FROM pghaul.chunk WHERE no = " + std::to_string(chunk.no));
  }
  // Of the ledger's only table copy.
  std::string epoch() const { return target_sql("SELECT epoch FROM pghaul.table_copy"); }
  // Ends a session at once, as an administrator would, and waits until it is gone.
  void terminate(int backend) const {
    target_sql("SELECT pg_terminate_backend(" + std::to_string(backend) + ", 5000)");
  }
  static int backend_of(LedgerSession& session) {
    int backend = 0;
    session.use([&](pg::Connection& connection) { backend = connection.backend_pid(); });
    return backend;
  }

  const LedgerNames names_{"pghaul"};
};

// The error that `action` ends with.
template <typename Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::usage, "no error");
}

}  // namespace pghaul::test
