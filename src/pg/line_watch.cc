#include "pg/line_watch.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;

constexpr auto quiet_before_look = 8s;
constexpr auto suspicion_to_certainty = 12s;
constexpr auto longest_look = 5s;

// A COPY through something that holds bytes back moves
// none that we see, but the backend counts them.
constexpr std::string_view backend_sql =
    "SELECT a.wait_event_type OPERATOR(pg_catalog.=) 'Client', coalesce(p.bytes_processed, 0) "
    "FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_progress_copy p "
    "ON p.pid OPERATOR(pg_catalog.=) a.pid WHERE a.pid OPERATOR(pg_catalog.=) $1::pg_catalog.int4";

constexpr std::string_view end_sql =
    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a "
    "WHERE a.pid OPERATOR(pg_catalog.=) $1::pg_catalog.int4 AND a.usename OPERATOR(pg_catalog.=) current_user "
    "AND a.application_name OPERATOR(pg_catalog.=) $2";

}  // namespace

LineWatch::LineWatch(const Endpoint& endpoint, const SessionOptions& options, int backend_pid)
    : endpoint_(endpoint),
      options_(options),
      application_name_(options.application_name),
      backend_pid_(backend_pid) {
  options_.application_name += ", line watch";
  options_.settings = {{"search_path", ""}};
  options_.connect_timeout = std::min<Deadline::Clock::duration>(options.connect_timeout, longest_look);
  options_.losses = nullptr;
  options_.watch_line = false;
}

void LineWatch::begin(std::int64_t bytes) {
  bytes_ = bytes;
  suspected_since_.reset();
  next_look_ = Deadline::Clock::now() + quiet_before_look;
}

std::string LineWatch::look(std::int64_t bytes) {
  if (bytes != bytes_) begin(bytes);
  return Deadline::Clock::now() < next_look_ ? "" : judge();
}

std::string LineWatch::judge() {
  try {
    Connection observer(endpoint_, options_);
    const auto backend = ask(observer);
    if (!backend) return "the server has ended the session";
    const bool took_in = suspected_since_ && backend->copied_bytes != copied_bytes_;
    copied_bytes_ = backend->copied_bytes;
    if (backend->waits_for_client && !took_in) return suspect("while the server waits for us", &observer);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::stopped) throw;
    log_debug("line watch: {}", error.headline());
    // Where a server says why it wants no further connection, that much is alive.
    if (error.sqlstate().empty()) return suspect("and the server cannot be reached", nullptr);
  }
  begin(bytes_);
  return "";
}

std::optional<LineWatch::Backend> LineWatch::ask(Connection& observer) const {
  const auto deadline = Deadline::after(longest_look);
  const auto row = observer.query(std::string(backend_sql), {std::to_string(backend_pid_)}, deadline);
  if (row.rows() == 0) return std::nullopt;
  return Backend{row.boolean(0, 0), row.int64(0, 1)};
}

std::string LineWatch::suspect(const std::string& why, Connection* observer) {
  const auto now = Deadline::Clock::now();
  if (!suspected_since_) {
    suspected_since_ = now;
    next_look_ = now + suspicion_to_certainty;
    return "";
  }
  if (observer != nullptr) end_backend(*observer);
  const auto quiet = std::chrono::duration_cast<std::chrono::seconds>(now - *suspected_since_ + quiet_before_look);
  return fmt::format("the line is silent for {} s, {}", quiet.count(), why);
}

void LineWatch::end_backend(Connection& observer) const noexcept try {
  const auto deadline = Deadline::after(longest_look);
  observer.query(std::string(end_sql), {std::to_string(backend_pid_), application_name_}, deadline);
} catch (const std::exception& failure) {
  log_debug("line watch: {}", failure.what());
}

}  // namespace pghaul::pg
