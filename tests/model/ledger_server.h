// What PostgreSQL does in the ledger model: sessions, locks, snapshots, COMMIT. ledger_model.h has the rest
// and explains the modelling decisions; read it first.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace pghaul::model {

using Byte = std::uint8_t;

// Chunk a holds two rows and may be split into its children a1 and a2; chunk b holds one row.
enum ChunkNo : Byte { chunk_a, chunk_b, chunk_a1, chunk_a2, chunk_count };
inline constexpr int row_count = 3;
inline constexpr std::array<Byte, chunk_count> rows_of = {0b011, 0b100, 0b001, 0b010};  // bit sets
constexpr bool has_row(int chunk, int row) { return (rows_of[chunk] >> row & 1) != 0; }
enum class ChunkState : Byte { absent, pending, done, split };

// How the protocol is broken on purpose.
enum class Mutation {
  none,
  mark_without_epoch,      // the mark does not compare the epoch
  writer_without_fence,    // writers do not take the fence
  blind_pipelining,        // mark, rows and COMMIT are sent without waiting for the mark's row count
  blind_repeat,            // the retry after a lost COMMIT writes rows and `done` without conditions
  split_without_state,     // split does not check that the chunk is pending
  select_then_update,      // SELECT of state and epoch, then an UPDATE without conditions
  takeover_without_fence,  // takeover and new generation do not take the fence
  fence_inside_mark,       // the marking statement takes the fence itself, so after its snapshot
  zero_rows_mean_done,     // 0 rows marked is always read as "already done"
  owner_is_a_row,          // an owner is known by a row, not by its session's lock: a dead one keeps the job
};

// What a backend does, one at a time. Parts of one statement are sent together.
enum class Op : Byte {
  fence_shared,
  fence_exclusive,
  snapshot,    // first half of the UPDATE that marks
  mark,        // second half
  mark_anyway, // an UPDATE without conditions
  rows,
  children,
  raise_epoch,
  truncate,
  commit,
};
struct Part {
  Op op;
  bool ends_statement = true;
};
using Script = std::vector<Part>;
enum class ScriptNo : Byte { none, copy, copy_again, split, take_over, new_generation, count };

struct Session {
  ScriptNo script = ScriptNo::none;
  ChunkNo chunk = chunk_a;
  Byte generation = 0, epoch = 0;  // the client's; of a takeover: the epoch that it raises to
  Byte sent = 0, executed = 0;     // parts of the script
  bool matched = false;            // the mark's WHERE held when its statement started
  bool marked = false;             // one row marked; its lock is held
  auto operator<=>(const Session&) const = default;
};

struct Writer {
  enum Phase : Byte { idle, claimed, working, asking } phase = idle;  // claimed: to be tried again
  ChunkNo chunk = chunk_a;
};

struct Process {
  enum Status : Byte { off, starting, loading, running } status = off;
  Byte epoch = 0, generation = 0;
  Byte todo = 0;        // chunks that it believes unfinished, a bit set
  bool fenced = false;  // it has seen a newer epoch, and claims nothing any more
  std::array<Writer, 2> writers;
};

// How often each may still happen.
struct Bounds {
  Byte crashes = 0, cuts = 0, takeovers = 0, generations = 0;
};

inline constexpr int process_count = 2, max_generations = 2;
// Sessions stand in slots: two control connections, four writers, ghosts.
inline constexpr int first_writer_slot = 2, first_ghost_slot = 6, slot_count = 10;

struct State {
  // Committed, on the target server. Generations count from 0.
  Byte epoch = 1, generation = 0;
  bool finished = false;
  std::array<std::array<ChunkState, chunk_count>, max_generations> chunks{};
  std::array<std::array<Byte, row_count>, max_generations> copies{};  // of rows, by writer's generation
  // Everything else.
  std::array<Process, process_count> processes;
  std::array<Session, slot_count> sessions;
  Bounds left;
};
static_assert(std::has_unique_object_representations_v<State>, "states are compared as bytes");

class Server {
 public:
  Server(Mutation mutation, bool with_chunk_b) : mutation_(mutation), with_chunk_b_(with_chunk_b) {
    write_scripts();
  }

  // The chunks of the current generation.
  void plan(State& state) const {
    state.chunks[state.generation][chunk_a] = ChunkState::pending;
    if (with_chunk_b_) state.chunks[state.generation][chunk_b] = ChunkState::pending;
  }

  bool answered(const Session& session) const { return session.sent == session.executed; }
  // Committed, or there is no session: nothing is held.
  bool over(const Session& session) const { return session.executed == script(session).size(); }
  bool holds(const Session& session, Op op) const {
    const auto first = script(session).begin();
    return !over(session) &&
           std::any_of(first, first + session.executed, [op](Part part) { return part.op == op; });
  }
  // The client was told of 0 rows, or of an error.
  bool zero_rows(const Session& session) const {
    if (holds(session, Op::mark) || holds(session, Op::mark_anyway)) return !session.marked;
    return holds(session, Op::snapshot) && !session.matched;
  }
  // The row of the table copy is locked by an epoch that is raised, but not committed.
  bool epoch_is_locked(const State& state, int but_slot) const {
    return other(state, but_slot, [this](const Session& o) { return holds(o, Op::raise_epoch); });
  }

  bool commit_sent(const Session& session) const { return session.sent == script(session).size(); }
  void send_next(Session& session) const {
    while (!script(session)[session.sent++].ends_statement) {
    }
  }

  // Executes the next part of what was sent. Returns what happened; nullptr if it has to wait.
  const char* execute(State& state, int slot) const {
    Session& me = state.sessions[slot];
    const Op op = script(me)[me.executed].op;
    if (must_wait(state, slot, op)) return nullptr;
    const char* what = apply(state, me, op);
    ++me.executed;
    return what;
  }

 private:
  void write_scripts() {
    const Part fence{Op::fence_shared}, snapshot{Op::snapshot, false}, mark{Op::mark}, rows{Op::rows},
        commit{Op::commit}, exclusive{Op::fence_exclusive}, raise{Op::raise_epoch},
        mark_anyway{Op::mark_anyway};
    Script& copy = script_at(ScriptNo::copy);
    copy = {fence, snapshot, mark, rows, commit};
    if (mutation_ == Mutation::writer_without_fence) copy = {snapshot, mark, rows, commit};
    if (mutation_ == Mutation::fence_inside_mark) {
      copy = {snapshot, {Op::fence_shared, false}, mark, rows, commit};
    }
    if (mutation_ == Mutation::select_then_update) copy = {fence, {Op::snapshot}, mark_anyway, rows, commit};
    if (mutation_ == Mutation::blind_pipelining) {
      for (Part& part : copy) part.ends_statement = part.op == Op::commit;
    }
    Script& copy_again = script_at(ScriptNo::copy_again);
    copy_again = copy;
    if (mutation_ == Mutation::blind_repeat) copy_again = {fence, mark_anyway, rows, commit};
    script_at(ScriptNo::split) = {fence, snapshot, mark, {Op::children}, commit};

    script_at(ScriptNo::take_over) = {exclusive, raise, commit};
    script_at(ScriptNo::new_generation) = {exclusive, raise, {Op::truncate}, commit};
    if (mutation_ == Mutation::takeover_without_fence) {
      script_at(ScriptNo::take_over) = {raise, commit};
      script_at(ScriptNo::new_generation) = {raise, {Op::truncate}, commit};
    }
  }

  Script& script_at(ScriptNo no) { return scripts_[static_cast<int>(no)]; }
  const Script& script(const Session& session) const { return scripts_[static_cast<int>(session.script)]; }

  template <typename Predicate>
  bool other(const State& state, int slot, Predicate predicate) const {
    for (int i = 0; i < slot_count; ++i) {
      if (i != slot && !over(state.sessions[i]) && predicate(state.sessions[i])) return true;
    }
    return false;
  }

  bool waits_for(const Session& session, Op op) const {
    return session.sent > session.executed && script(session)[session.executed].op == op;
  }

  bool must_wait(const State& state, int slot, Op op) const {
    const Session& me = state.sessions[slot];
    const auto another_holds = [&](Op held) {
      return other(state, slot, [this, held](const Session& o) { return holds(o, held); });
    };
    switch (op) {
      case Op::fence_shared:  // behind a waiting exclusive request, too
        return another_holds(Op::fence_exclusive) ||
               other(state, slot, [this](const Session& o) { return waits_for(o, Op::fence_exclusive); });
      case Op::fence_exclusive: return another_holds(Op::fence_shared) || another_holds(Op::fence_exclusive);
      case Op::mark:
      case Op::mark_anyway:  // a row that the snapshot rules out is not waited for
        return (op == Op::mark_anyway || me.matched) && other(state, slot, [&me](const Session& o) {
          return o.marked && o.chunk == me.chunk && o.generation == me.generation;
        });
      case Op::rows: return another_holds(Op::truncate);
      case Op::truncate: return another_holds(Op::rows);
      case Op::raise_epoch: return epoch_is_locked(state, slot);
      default: return false;
    }
  }

  // The part of a mark's WHERE that is looked at again after waiting for the row.
  bool state_fits(const State& state, const Session& me) const {
    const ChunkState now = state.chunks[me.generation][me.chunk];
    const bool any = me.script == ScriptNo::split && mutation_ == Mutation::split_without_state;
    return any ? now != ChunkState::absent : now == ChunkState::pending;
  }
  bool epoch_fits(const State& state, const Session& me) const {
    const bool any = me.script != ScriptNo::split && mutation_ == Mutation::mark_without_epoch;
    return any || state.epoch == me.epoch;
  }

  const char* apply(State& state, Session& me, Op op) const {
    switch (op) {
      case Op::fence_shared: return "gets the fence, shared";
      case Op::fence_exclusive: return "gets the fence, exclusive";
      case Op::snapshot:
        me.matched = state_fits(state, me) && epoch_fits(state, me);
        return me.matched ? "starts to mark: its WHERE holds" : "starts to mark: its WHERE fails";
      case Op::mark:
        me.marked = me.matched && state_fits(state, me);
        if (me.marked) return "marks 1 row";
        return me.matched ? "marks 0 rows, no longer pending" : "marks 0 rows";
      case Op::mark_anyway: me.marked = true; return "marks without conditions";
      case Op::rows: return "inserts rows";
      case Op::children:  // if they exist: a unique violation, the transaction is lost
        me.marked = state.chunks[me.generation][chunk_a1] == ChunkState::absent;
        return me.marked ? "inserts the children" : "fails to insert the children again";
      case Op::raise_epoch: me.epoch = state.epoch + 1; return "raises the epoch";
      case Op::truncate: return "empties the target";
      case Op::commit: commit(state, me); return "COMMITs";
    }
    return nullptr;
  }

  void commit(State& state, const Session& me) const {
    auto& chunks = state.chunks[me.generation];
    switch (me.script) {
      case ScriptNo::copy:
      case ScriptNo::copy_again:
        if (me.marked) chunks[me.chunk] = ChunkState::done;
        for (int row = 0; row < row_count; ++row) state.copies[me.generation][row] += has_row(me.chunk, row);
        break;
      case ScriptNo::split:
        chunks[me.chunk] = ChunkState::split;
        chunks[chunk_a1] = chunks[chunk_a2] = ChunkState::pending;
        break;
      case ScriptNo::new_generation:
        ++state.generation;
        plan(state);
        state.copies = {};
        state.finished = false;
        [[fallthrough]];
      default: state.epoch = me.epoch;
    }
  }

  Mutation mutation_;
  bool with_chunk_b_;
  std::array<Script, static_cast<int>(ScriptNo::count)> scripts_;
};

}  // namespace pghaul::model
