#include "ledger/range_ledger.h"

#include <utility>

#include <fmt/format.h>

#include "base/failpoint.h"

namespace pghaul {
namespace {

constexpr auto grace = std::chrono::seconds(1);
// A list is rewritten when it is so many times as long as it needs to be, and not for less than some thousand records.
constexpr std::size_t most_records_per_range = 4;
constexpr std::size_t records_before_shortening = 4000;

Error completed(Error error, const std::string& name) {
  if (error.kind() != ErrorKind::refused && error.kind() != ErrorKind::usage) error.become(ErrorKind::failed);
  if (error.side() == Side::none) error.on(Side::local);
  if (error.object().empty()) error.about(name);
  if (error.what_is_safe().empty()) error.safe("rows that were saved stay; what was not recorded is saved again");
  if (error.advice().empty()) error.advise("mend the cause and call copy_table() again with full = false");
  return error;
}

Error other_copy() {
  return Error(ErrorKind::refused, "this is the record of another copy: of other databases, or by another id column")
      .safe("nothing was written")
      .advise("keep the progress of each copy in a place of its own");
}

}  // namespace

RangeLedger::RangeLedger(std::shared_ptr<ProgressStore> store, Duration call_timeout, Deadline whole)
    : store_(std::move(store)),
      name_(store_->name()),
      call_timeout_(call_timeout),
      whole_(whole),
      thread_(std::make_unique<CallThread>()) {}

RangeLedger::~RangeLedger() {
  try {
    if (thread_) [[maybe_unused]] const bool back = thread_->run([store = store_] { store->close(); }, Deadline::after(grace));
  } catch (...) {
    // close() does not throw.
  }
}

// The store may be the user's, so it may throw anything, and hang.
void RangeLedger::call(const std::function<void(ProgressStore&, const Deadline&)>& work) {
  if (broken_) throw *broken_;
  const auto deadline = Deadline::after(call_timeout_).sooner(whole_);
  try {
    const auto latest = deadline.is_never() ? deadline : Deadline::at(deadline.when() + grace);
    if (thread_->run([store = store_, work, deadline] { work(*store, deadline); }, latest)) return;
    thread_.reset();
    broken_ = completed(Error(ErrorKind::failed, "the store of progress has not come back after its deadline"), name_);
  } catch (const Error& error) {
    broken_ = completed(error, name_);
  } catch (const std::exception& error) {
    broken_ = completed(Error(ErrorKind::failed, error.what()), name_);
  } catch (...) {
    broken_ = completed(Error(ErrorKind::failed, "the store of progress threw what is no std::exception"), name_);
  }
  throw *broken_;
}

void RangeLedger::open(const std::string& copy) {
  const std::lock_guard lock(mutex_);
  const auto records = std::make_shared<std::vector<std::string>>();
  call([records, copy](ProgressStore& store, const Deadline& deadline) { *records = store.open(copy, deadline); });
  try {
    for (const auto& text : *records) progress_.apply(text);
    if (!records->empty() && progress_.copy() != copy) throw other_copy();
  } catch (const Error& error) {
    throw completed(error, name_);
  }
  records_ = records->size();
  if (records->empty()) record(copy);
}

void RangeLedger::record(const std::string& text) {
  call([text](ProgressStore& store, const Deadline& deadline) { store.append(text, deadline); });
  progress_.apply(text);
  const auto needed = most_records_per_range * progress_.pending().size() + records_before_shortening;
  if (++records_ > needed) shorten();
}

void RangeLedger::shorten() {
  const auto records = std::make_shared<const std::vector<std::string>>(progress_.shortened());
  call([records](ProgressStore& store, const Deadline& deadline) { store.replace(*records, deadline); });
  records_ = records->size();
}

void RangeLedger::start_generation(bool clear_first) {
  const std::lock_guard lock(mutex_);
  record(generation_record(progress_.generation() + 1, clear_first));
}

void RangeLedger::note_cleared() {
  const std::lock_guard lock(mutex_);
  record(cleared_record());
}

void RangeLedger::start_round(std::uint64_t up_to, IdRange range) {
  const std::lock_guard lock(mutex_);
  record(round_record(up_to, progress_.next_no(), range));
}

MarkOutcome RangeLedger::outcome_of(const Mark& mark) const {
  if (mark.generation != progress_.generation()) return MarkOutcome::fenced;
  if (progress_.pending().contains(mark.chunk)) return MarkOutcome::written;
  return !progress_.children_of(mark.chunk).empty() ? MarkOutcome::split : MarkOutcome::already_done;
}

MarkOutcome RangeLedger::state_of(const Mark& mark) const {
  const std::lock_guard lock(mutex_);
  return outcome_of(mark);
}

MarkOutcome RangeLedger::mark_done(const Mark& mark) {
  const std::lock_guard lock(mutex_);
  const auto outcome = outcome_of(mark);
  if (outcome == MarkOutcome::written) record(done_record(mark.chunk));
  return outcome;
}

std::vector<Chunk> RangeLedger::split(const Chunk& parent, const std::vector<Chunk>& children) {
  const std::lock_guard lock(mutex_);
  if (progress_.pending().contains(parent.no)) {
    failpoint(fp::chunk_before_split);
    record(split_record(parent.no, progress_.next_no(), children));
    failpoint(fp::chunk_split);
  }
  std::vector<Chunk> left;
  for (const auto no : progress_.children_of(parent.no)) {
    if (progress_.pending().contains(no)) left.push_back(progress_.pending().at(no));
  }
  return left;
}

std::vector<Chunk> RangeLedger::pending_chunks() {
  const std::lock_guard lock(mutex_);
  std::vector<Chunk> chunks;
  for (const auto& [no, chunk] : progress_.pending()) chunks.push_back(chunk);
  return chunks;
}

Mark RangeLedger::mark_for(const Chunk& chunk) const {
  const std::lock_guard lock(mutex_);
  Mark mark;
  mark.generation = progress_.generation();
  mark.chunk = chunk.no;
  mark.attempts = chunk.failed_attempts + 1;
  return mark;
}

}  // namespace pghaul
