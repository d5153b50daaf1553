// The ledger of one table copy in a PostgreSQL target.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/ledger_session.h"

namespace pghaul {

// What makes a table copy the same one in the next run. Numbers of workers, timeouts and the like are not part of it.
struct TableCopyIdentity {
  std::string source_system, source_database, source_table;
  std::string target_system, target_database, target_table;
  std::string where_sql;
  std::string columns;  // as asked for; empty: all

  std::string key() const;
};

struct OwnerInfo {
  std::string host;
  int pid = 0;
};

// Facts that a generation is bound to.
struct GenerationFacts {
  std::uint32_t source_oid = 0;
  std::uint32_t source_filenode = 0;
  std::int64_t source_timeline = 0;
  std::string source_shape;
  std::string key_column;  // empty: none
  std::string strategy;
  bool created_target = false;
  bool merged = false;  // with --on-conflict: the target may hold rows of others
};

// A partition, or a table of an inheritance tree, that a generation reads.
struct LedgerMember {
  std::uint32_t oid = 0;
  std::string name;  // for messages, as of the round that took it in
  std::uint32_t filenode = 0;
};

// Facts of a round.
struct RoundFacts {
  int round = 0;
  std::optional<std::int64_t> high_water;
  bool settled = true;
  std::string late_since;  // xid, if not settled
  std::string unsettled;   // the transactions that outlasted the wait, for people
  std::string reason;      // why the plan is cut as it is
  std::vector<LedgerMember> new_members = {};  // that earlier rounds of the generation did not read; written, never read
};

struct LedgerTotals {
  std::int64_t chunks_done = 0, chunks_pending = 0, rows_done = 0, bytes_done = 0;
  std::int64_t estimated_bytes_pending = 0;
};

// As Ledger. The epoch is raised by claim_table_copy() and start_generation(); everything done with an older one is
// fenced.
class PgLedger : public Ledger {
 public:
  PgLedger(LedgerSession& session, int table_copy, int generation, std::int64_t epoch)
      : session_(session), table_copy_(table_copy), generation_(generation), epoch_(epoch) {}

  int table_copy() const { return table_copy_; }
  int generation() const { return generation_; }  // 0: none yet
  Mark owner_mark() const;

  std::optional<GenerationFacts> generation_facts();
  // Newest first round of the current generation that has been planned.
  std::optional<RoundFacts> last_round();
  LedgerTotals totals();
  bool step_done(const std::string& step);
  bool is_complete();

  // A new generation: the epoch goes up, `statements` (create or empty the target) run, and all of it commits together.
  void start_generation(const GenerationFacts& facts, const std::vector<std::string>& statements, Deadline deadline);
  // Stores a round and its chunks in one transaction; gives them their numbers.
  // `statements` run in the same transaction.
  std::vector<Chunk> save_plan(const RoundFacts& round, std::vector<Chunk> chunks, Deadline deadline,
                               const std::vector<std::string>& statements = {});
  // The source's file was rewritten, and the user says that its rows are the same.
  void accept_filenode(std::uint32_t filenode);
  // The same of a member.
  void accept_member_filenode(const LedgerMember& member);
  // The source was failed over, and the user says that no commit was lost.
  void accept_timeline(std::int64_t timeline);
  // The last transaction of a run: a writing, synchronous one, which makes all earlier ones durable. False: the target lost
  // acknowledged commits (chunks are pending, the plan or one of `steps` is gone), and nothing was done.
  bool finish(const std::vector<std::string>& steps, Deadline deadline);
  // Why the run ended before its end; for status. Best effort.
  void note_stop(const std::string& reason) noexcept;

  std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) override;
  void note_failed_attempt(const Chunk& chunk, std::string_view error) noexcept override;
  std::vector<Chunk> pending_chunks() override;
  void note_forgotten() noexcept override { forgotten_ = true; }
  // Whether any was, by mark or by split, since this was asked last.
  bool take_forgotten() { return forgotten_.exchange(false); }
  void check_ownership() override;
  Mark mark_for(const Chunk& chunk) const override;

 private:
  bool has_step(pg::Connection& connection, const std::string& step);
  bool has_lost_work(pg::Connection& connection, const std::vector<std::string>& steps);
  bool claim_for_split(pg::Connection& connection, const Chunk& parent);
  bool knows(pg::Connection& connection, const Chunk& chunk);
  void take_fence(pg::Connection& connection, Deadline deadline);
  void change_generation(const char* column, const std::string& value);
  void adopt_generation(pg::Connection& connection, int generation);
  void supersede_replaced(pg::Connection& connection);
  std::int64_t next_chunk_number(pg::Connection& connection);
  void insert_chunks(pg::Connection& connection, std::vector<Chunk>& chunks, std::int64_t first_number);
  void insert_members(pg::Connection& connection, const RoundFacts& round);

  LedgerSession& session_;
  const int table_copy_;
  int generation_;
  std::int64_t epoch_;
  int planned_round_ = 0;  // by this owner
  std::atomic<bool> forgotten_{false};
};

// Becomes the owner: takes the owner lock for as long as the session lives, and raises the epoch under the exclusive
// fence lock. Ghosts of the owner before (its process is dead) are ended if they hold the fence.
// Errors: refused, naming host and pid, if another process owns it and `take_over` is not set.
std::unique_ptr<PgLedger> claim_table_copy(LedgerSession& session, const TableCopyIdentity& identity,
                                           const OwnerInfo& owner, bool take_over);

// What the ledger says of a table copy, without becoming its owner.
struct LedgerEntry {
  int table_copy = 0;
  int generation = 0;  // 0: nothing was begun
  bool complete = false;
  std::optional<RoundFacts> last_round;  // nothing: the generation has no plan yet
  GenerationFacts facts;            // if generation > 0
  std::vector<LedgerMember> members;  // of the generation; none: its rows are in one table
  LedgerTotals totals;
};
std::optional<LedgerEntry> find_table_copy(pg::Connection& connection, const LedgerNames& names,
                                           const TableCopyIdentity& identity, Deadline deadline);

}  // namespace pghaul
