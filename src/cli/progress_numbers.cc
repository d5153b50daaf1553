#include "cli/progress_numbers.h"

#include <algorithm>

namespace pghaul {
namespace {

constexpr auto kWindow = std::chrono::seconds(10);
constexpr auto kShortestWatch = std::chrono::seconds(1);
constexpr double kLongestEta = 1e9;  // seconds; beyond that it is no estimate

std::int64_t bytes_left(const Counts& counts) {
  return std::max<std::int64_t>(0, counts.bytes_expected - counts.bytes);
}

}  // namespace

// Bytes left are summed by table: one that outgrew its estimate does not speed up the others.
Counts total_of(const std::vector<Counts>& tables) {
  Counts total;
  for (const auto& each : tables) {
    total.rows_before += each.rows_before;
    total.bytes_before += each.bytes_before;
    total.chunks_before += each.chunks_before;
    total.rows += each.rows;
    total.bytes += each.bytes;
    total.chunks += each.chunks;
    total.bytes_expected += each.bytes + bytes_left(each);
    total.chunks_pending += each.chunks_pending;
    total.retries += each.retries;
    total.late_rows += each.late_rows;
  }
  return total;
}

std::string_view phase_text(Phase phase) {
  switch (phase) {
    case Phase::preparing: return "preparing";
    case Phase::waiting_for_late_rows: return "waiting for late rows";
    case Phase::copying: return "copying";
    case Phase::checking_indexes: return "checking indexes";
    case Phase::comparing: return "comparing";
    case Phase::looking_again: return "looking again at what differs";
    case Phase::building_indexes: return "building indexes";
    case Phase::vacuuming: return "vacuuming";
    case Phase::finished: break;
  }
  return "finished";
}

double fraction_done(const Counts& counts) {
  if (counts.chunks_pending == 0) return 1;
  const auto done = static_cast<double>(counts.bytes_before + counts.bytes);
  const auto all = done + static_cast<double>(bytes_left(counts));
  return all == 0 ? 0 : std::min(done / all, 0.99);
}

void RateWindow::add(TimePoint now, std::int64_t bytes) {
  samples_.push_back({now, bytes});
  while (samples_.size() > 2 && samples_[1].time <= now - kWindow) samples_.pop_front();
}

std::optional<double> RateWindow::per_second() const {
  if (samples_.empty()) return std::nullopt;
  const auto span = samples_.back().time - samples_.front().time;
  if (span < kShortestWatch) return std::nullopt;
  const auto bytes = static_cast<double>(samples_.back().bytes - samples_.front().bytes);
  return bytes / std::chrono::duration<double>(span).count();
}

std::optional<Duration> time_left(const Counts& counts, std::optional<double> bytes_per_second) {
  if (counts.chunks_pending == 0) return Duration::zero();
  const auto left = bytes_left(counts);
  if (!bytes_per_second || *bytes_per_second <= 0 || left == 0) return std::nullopt;
  const double seconds = static_cast<double>(left) / *bytes_per_second;
  if (seconds > kLongestEta) return std::nullopt;
  return Duration(static_cast<Duration::rep>(seconds * 1000));
}

void PaceKeeper::add(const PgCopyProgress& progress, RateWindow::TimePoint now) {
  if (!started_) started_ = now;
  elapsed_ = std::chrono::duration_cast<Duration>(now - *started_);
  phase_ = progress.phase;
  limit_ = progress.limit;
  const auto& counts = progress.tables;
  windows_.resize(std::max(windows_.size(), counts.size()));
  tables_.clear();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    windows_[i].add(now, counts[i].bytes);
    const auto rate = windows_[i].per_second();
    tables_.push_back({counts[i], rate, time_left(counts[i], rate)});
  }
  total_.counts = total_of(counts);
  total_window_.add(now, total_.counts.bytes);
  total_.rate = total_window_.per_second();
  total_.eta = time_left(total_.counts, total_.rate);
}

}  // namespace pghaul
