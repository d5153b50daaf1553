// A model of the ledger protocol, small enough to be explored exhaustively: mark, split, fence, takeover, new
// generation, lost COMMIT. Here are the modelling decisions and what pghaul does; ledger_server.h is what
// PostgreSQL does.
//
// The protocol. Four transactions, each in READ COMMITTED:
//   copy            fence shared | mark: chunk done, where pending and the epoch is mine | rows | COMMIT
//   split           fence shared | mark: chunk split, where pending and the epoch is mine | children | COMMIT
//   take over       fence exclusive | epoch + 1 | COMMIT; then the pending chunks are loaded
//   new generation  fence exclusive | epoch + 1, generation + 1, its plan | TRUNCATE of the target | COMMIT
// 1 row marked: go on. 0 rows: ROLLBACK, and read epoch and state: fenced, already done, or split. After
// a lost connection the same chunk is begun again, by copy or split, on a new one.
//
// Who acts. Two processes of pghaul, each with a control connection and one or two writers; the backends of
// these connections; and ghosts: backends whose client is gone. Each acts in steps of its own and nobody is
// ever made to act: so a process that was stopped for an hour, or a backend frozen with a COMMIT in its
// socket, is simply one that takes its next step late. It needs no rule.
//
// Connections. A session runs a script: statements that the client sends and the backend executes. The client
// sends the next one when it has the answer to the last. When the connection is cut or the process crashes,
// the backend may still execute what was sent, a COMMIT included, and may be rolled back at any moment; the
// client cannot know which. So a lost COMMIT needs no rule either. A backend that is terminated is a cut, and
// then a ghost that rolls back. Only ghosts with a COMMIT in their socket are kept: others could but make
// somebody wait, which everybody may do anyway.
//
// Transactions. What a transaction has written nobody else can see; so it is applied to the ledger and the
// target only at COMMIT, all at once. Until then it shows by its locks, which follow from the statements
// executed:
//   * the fence (advisory lock of the table copy); a shared request queues behind a waiting exclusive one;
//   * the chunk's row, once it is marked; the row of the table copy, once the epoch is raised;
//   * the target table: inserting keeps TRUNCATE out, and the other way round.
// READ COMMITTED: the UPDATE that marks is two steps. `snapshot` evaluates its WHERE, the epoch included, on
// what is committed when the statement starts. `mark` waits for the row's lock and looks again at the row's
// newest version, but not at the epoch. Anything may happen in between.
//
// Left out: reading from the source (the same rows each time), attempts and times, and the owner's session
// lock: any process may take over at any moment, which covers more. Reads by a client that change nothing are
// one step; so is the last UPDATE, `finished`, which may be repeated.
//
// Bounds. Crashes, cuts, takeovers from a living owner and new generations are counted down. Nothing else is
// bounded, and the states are still finitely many: an epoch matters only by whether it is the ledger's.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "model/ledger_server.h"
#include "pghaul/error.h"

namespace pghaul::model {

struct Config {
  Mutation mutation = Mutation::none;
  std::array<int, process_count> writers = {1, 1};
  bool with_chunk_b = true;
  Bounds bounds;
  bool target_only = false;  // look only for what a user would see, not for what led to it
};

struct Step {
  const char* what;
  bool by_server;
  int slot;  // of the session that it concerns
  ChunkNo chunk;
  bool bounded;  // counted down in Bounds; recovery must not need it
};

struct Successor {
  State state;
  Step step;
};

class LedgerModel {
 public:
  using State = model::State;
  using Successors = std::vector<Successor>;

  explicit LedgerModel(const Config& config)
      : config_(config), server_(config.mutation, config.with_chunk_b) {}

  // Process 1 runs and owns the table copy; process 2 is off.
  State initial() const {
    State state;
    server_.plan(state);
    state.processes[0].status = Process::loading;
    state.processes[0].epoch = state.epoch;
    state.left = config_.bounds;
    return state;
  }

  void successors(const State& state, Successors& out) const {
    for (int slot = 0; slot < slot_count; ++slot) server_steps(state, slot, out);
    for (int p = 0; p < process_count; ++p) process_steps(state, p, out);
    for (Successor& successor : out) normalise(successor.state);
  }

  // What is wrong with what is committed; nullptr if nothing is.
  const char* violation(const State& state) const {
    const auto& chunks = state.chunks[state.generation];
    for (int row = 0; row < row_count; ++row) {
      int done = 0, pending = 0;
      for (int chunk = 0; chunk < chunk_count; ++chunk) {
        done += has_row(chunk, row) && chunks[chunk] == ChunkState::done;
        pending += has_row(chunk, row) && chunks[chunk] == ChunkState::pending;
      }
      const int copies = state.copies[state.generation][row];
      const int planned = config_.with_chunk_b || !has_row(chunk_b, row) ? 1 : 0;
      if (state.copies[1 - state.generation][row] > 0) return "a row of another generation is in the target";
      if (copies > 1) return "a row is in the target twice";
      if (state.finished && copies < planned) return "the copy is finished and a row is missing";
      if (config_.target_only) continue;
      if (copies < done) return "a chunk is done and a row of it is not in the target";
      if (copies > done) return "a row is in the target and its chunk is not done";
      if (done + pending != planned) return "a row is not in exactly one chunk that is done or pending";
    }
    return nullptr;
  }

  // With the invariants: every row is there exactly once, and the ledger says so.
  bool is_goal(const State& state) const { return state.finished; }

  static std::string describe(const Step& step) {
    static constexpr std::array names = {"a", "b", "a1", "a2"};
    const int writer = step.slot - first_writer_slot;
    std::string who = "ghost";
    if (writer < 0) who = fmt::format("process {}", step.slot + 1);
    if (writer >= 0 && step.slot < first_ghost_slot) {
      who = fmt::format("process {} writer {}", writer / 2 + 1, writer % 2 + 1);
    }
    const std::string chunk = writer < 0 ? "" : fmt::format(" [chunk {}]", names[step.chunk]);
    return fmt::format("{}{}: {}{}", step.by_server ? "  server for " : "", who, step.what, chunk);
  }

 private:
  static int writer_slot(int p, int w) { return first_writer_slot + 2 * p + w; }

  // ---- Backends and their connections ----------------------------------------------------------

  void server_steps(const State& before, int slot, Successors& out) const {
    const Session& session = before.sessions[slot];
    const bool ghost = slot >= first_ghost_slot;
    if (session.script == ScriptNo::none) return;
    if (!server_.answered(session)) {
      State state = before;
      const char* what = server_.execute(state, slot);
      if (ghost && server_.over(state.sessions[slot])) {
        state.sessions[slot] = {};
        what = "COMMITs, though its client is gone";
      }
      if (what != nullptr) out.push_back({state, {what, true, slot, session.chunk, false}});
    }
    if (!ghost) return;
    State state = before;
    state.sessions[slot] = {};
    out.push_back({state, {"rolls back", true, slot, session.chunk, false}});
  }

  // The backend goes on without its client. Without a COMMIT it can only roll back, and does so at once.
  void orphan(State& state, int slot) const {
    const Session session = std::exchange(state.sessions[slot], {});
    if (server_.over(session) || !server_.commit_sent(session)) return;
    const auto place = std::find(state.sessions.begin() + first_ghost_slot, state.sessions.end(), Session{});
    if (place == state.sessions.end()) throw Error(ErrorKind::failed, "too few slots for ghosts");
    *place = session;
  }

  // A new session, with its first statement on the way.
  void begin(Session& session, ScriptNo script, ChunkNo chunk, const Process& process) const {
    session = {script, chunk, process.generation, process.epoch};
    server_.send_next(session);
  }

  // ---- Processes: take over, load, finish, crash -----------------------------------------------

  void process_steps(const State& before, int p, Successors& out) const {
    const Process& process = before.processes[p];
    if (process.status == Process::off || process.status == Process::starting) start_steps(before, p, out);
    if (process.status == Process::off) return;
    crash_steps(before, p, out);
    if (process.status == Process::starting) control_steps(before, p, out);
    if (process.status == Process::loading) load_steps(before, p, out);
    if (process.status != Process::running) return;
    finish_steps(before, p, out);
    for (int w = 0; w < config_.writers[p]; ++w) writer_steps(before, p, w, out);
  }

  static bool somebody_owns(const State& state) {
    return std::any_of(state.processes.begin(), state.processes.end(), [&state](const Process& process) {
      if (process.status == Process::off) return false;
      return process.status == Process::starting || process.epoch == state.epoch;
    });
  }

  // A process that is off may always continue an orphaned job; the rest is bounded. One whose takeover lost
  // its connection starts again.
  void start_steps(const State& before, int p, Successors& out) const {
    if (before.sessions[p].script != ScriptNo::none) return;
    const bool continues = before.processes[p].status == Process::starting;
    const bool orphaned =
        !before.finished && !somebody_owns(before) && config_.mutation != Mutation::owner_is_a_row;
    State state = before;
    state.processes[p].status = Process::starting;
    begin(state.sessions[p], ScriptNo::take_over, chunk_a, {});
    if (continues || orphaned) {
      out.push_back({state, {"takes over", false, p, chunk_a, false}});
    } else if (before.left.takeovers > 0) {
      --state.left.takeovers;
      out.push_back({state, {"takes over from an owner, or after the end", false, p, chunk_a, true}});
    }
    if (before.left.generations == 0) return;
    state.left = before.left;
    --state.left.generations;
    begin(state.sessions[p], ScriptNo::new_generation, chunk_a, {});
    out.push_back({state, {"starts a new generation", false, p, chunk_a, true}});
  }

  void control_steps(const State& before, int p, Successors& out) const {
    const Session& session = before.sessions[p];
    if (session.script == ScriptNo::none) return;
    cut_steps(before, p, out);
    if (!server_.answered(session)) return;
    State state = before;
    if (!server_.over(session)) {
      server_.send_next(state.sessions[p]);
      out.push_back({state, {"sends the next statement of its takeover", false, p, chunk_a, false}});
      return;
    }
    state.processes[p].status = Process::loading;
    state.processes[p].epoch = session.epoch;
    state.sessions[p] = {};
    out.push_back({state, {"owns the table copy", false, p, chunk_a, false}});
  }

  void load_steps(const State& before, int p, Successors& out) const {
    State state = before;
    Process& process = state.processes[p];
    process.status = Process::running;
    process.generation = state.generation;
    for (int chunk = 0; chunk < chunk_count; ++chunk) {
      if (state.chunks[state.generation][chunk] == ChunkState::pending) process.todo |= Byte(1 << chunk);
    }
    out.push_back({state, {"loads the pending chunks", false, p, chunk_a, false}});
  }

  // UPDATE of the table copy's row: finished, where the epoch is mine.
  void finish_steps(const State& before, int p, Successors& out) const {
    const Process& process = before.processes[p];
    const bool busy = std::any_of(process.writers.begin(), process.writers.end(),
                                  [](const Writer& writer) { return writer.phase != Writer::idle; });
    if (busy || (process.todo != 0 && !process.fenced) || server_.epoch_is_locked(before, p)) return;
    State state = before;
    const bool mine = !process.fenced && process.epoch == before.epoch;
    if (mine) state.finished = true;
    state.processes[p] = {};
    const char* what = mine ? "finishes the copy and exits" : "exits, being fenced";
    out.push_back({state, {what, false, p, chunk_a, false}});
  }

  void crash_steps(const State& before, int p, Successors& out) const {
    if (before.left.crashes == 0) return;
    State state = before;
    --state.left.crashes;
    state.processes[p] = {};
    for (int slot : {p, writer_slot(p, 0), writer_slot(p, 1)}) orphan(state, slot);
    out.push_back({state, {"crashes", false, p, chunk_a, true}});
  }

  void cut_steps(const State& before, int slot, Successors& out) const {
    if (before.left.cuts == 0) return;
    State state = before;
    --state.left.cuts;
    orphan(state, slot);
    const int writer = slot - first_writer_slot;
    if (writer >= 0) state.processes[writer / 2].writers[writer % 2].phase = Writer::claimed;
    out.push_back({state, {"loses its connection", false, slot, before.sessions[slot].chunk, true}});
  }

  // ---- Writers: copy or split one chunk --------------------------------------------------------

  void writer_steps(const State& before, int p, int w, Successors& out) const {
    const Process& process = before.processes[p];
    const Writer& writer = process.writers[w];
    const Writer& sibling = process.writers[1 - w];
    if (writer.phase == Writer::working) return working_steps(before, p, w, out);
    if (writer.phase == Writer::asking) return asking_steps(before, p, w, out);
    if (writer.phase == Writer::claimed) return begin_steps(before, p, w, writer.chunk, out);
    for (int i = 0; i < chunk_count && !process.fenced; ++i) {
      const auto chunk = static_cast<ChunkNo>(i);
      const bool taken = sibling.phase != Writer::idle && sibling.chunk == chunk;
      if ((process.todo >> chunk & 1) != 0 && !taken) begin_steps(before, p, w, chunk, out);
    }
  }

  // Whether a chunk is copied or split first is open, and may change from try to try.
  void begin_steps(const State& before, int p, int w, ChunkNo chunk, Successors& out) const {
    const int slot = writer_slot(p, w);
    const bool again = before.processes[p].writers[w].phase == Writer::claimed;
    State state = before;
    state.processes[p].writers[w] = {Writer::working, chunk};
    begin(state.sessions[slot], again ? ScriptNo::copy_again : ScriptNo::copy, chunk, state.processes[p]);
    out.push_back({state, {again ? "tries again to copy" : "begins to copy", false, slot, chunk, false}});
    if (chunk != chunk_a) return;
    begin(state.sessions[slot], ScriptNo::split, chunk, state.processes[p]);
    out.push_back({state, {"begins to split", false, slot, chunk, false}});
  }

  void working_steps(const State& before, int p, int w, Successors& out) const {
    const int slot = writer_slot(p, w);
    const Session& session = before.sessions[slot];
    cut_steps(before, slot, out);
    if (!server_.answered(session)) return;
    State state = before;
    const char* what = "sends the next statement";
    if (server_.over(session)) {
      settle(state, p, w, session.script == ScriptNo::split);
      what = "is told of the COMMIT";
    } else if (server_.zero_rows(session)) {
      state.processes[p].writers[w].phase = Writer::asking;
      state.sessions[slot] = {};
      what = "sees 0 rows and rolls back";
    } else {
      server_.send_next(state.sessions[slot]);
      if (server_.commit_sent(state.sessions[slot])) what = "sends COMMIT";
    }
    out.push_back({state, {what, false, slot, session.chunk, false}});
  }

  // 0 rows have three meanings. One SELECT reads the epoch and the state.
  void asking_steps(const State& before, int p, int w, Successors& out) const {
    State state = before;
    Process& process = state.processes[p];
    Writer& writer = process.writers[w];
    const ChunkNo chunk = writer.chunk;
    const ChunkState found = before.chunks[process.generation][chunk];
    const char* what = "finds its chunk still pending";
    if (config_.mutation == Mutation::zero_rows_mean_done) {
      settle(state, p, w, false);
      what = "takes its chunk for done";
    } else if (before.epoch != process.epoch) {
      process.fenced = true;
      process.todo = 0;
      writer = {};
      what = "finds that it is fenced";
    } else if (found == ChunkState::pending) {
      writer.phase = Writer::claimed;
    } else {
      settle(state, p, w, found == ChunkState::split);
      what = found == ChunkState::split ? "finds its chunk split" : "finds its chunk already done";
    }
    out.push_back({state, {what, false, writer_slot(p, w), chunk, false}});
  }

  static void settle(State& state, int p, int w, bool split) {
    Process& process = state.processes[p];
    Writer& writer = process.writers[w];
    process.todo &= Byte(~(1 << writer.chunk));
    if (split) process.todo |= 1 << chunk_a1 | 1 << chunk_a2;
    writer = {};
    state.sessions[writer_slot(p, w)] = {};
  }

  // ---- Fewer states ----------------------------------------------------------------------------

  // The ledger's epoch becomes 1: older ones 0, one being raised to 2. The order of ghosts means nothing,
  // nor does the epoch of one that has compared it.
  static void normalise(State& state) {
    const auto relative = [now = state.epoch](Byte epoch) { return Byte(epoch < now ? 0 : epoch - now + 1); };
    for (Session& session : state.sessions) session.epoch = relative(session.epoch);
    for (Process& process : state.processes) process.epoch = relative(process.epoch);
    state.epoch = 1;
    const auto ghosts = state.sessions.begin() + first_ghost_slot;
    std::for_each(ghosts, state.sessions.end(), [](Session& ghost) { ghost.epoch *= ghost.matched ? 0 : 1; });
    std::sort(ghosts, state.sessions.end());
  }

  Config config_;
  Server server_;
};

}  // namespace pghaul::model
