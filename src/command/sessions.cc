#include "command/sessions.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace pghaul {
namespace {

std::string milliseconds(Duration span) { return std::to_string(span.count()); }

std::optional<pg::Endpoint> parse_primary(const std::string& conninfo) {
  if (conninfo.empty()) return std::nullopt;
  return pg::parse_endpoint(Side::source, conninfo);
}

}  // namespace

Sessions::Sessions(const PgCopyOptions& options, const StopSource& stop)
    : options_(options),
      stop_(stop),
      source_(pg::parse_endpoint(Side::source, options.source)),
      target_(pg::parse_endpoint(Side::target, options.target)),
      primary_(parse_primary(options.primary)) {}

void Sessions::complete(Error& error) const {
  if (error.kind() == ErrorKind::stopped || error.kind() == ErrorKind::usage) return;
  if (error.side() == Side::none) error.on(Side::local);
  if (error.object().empty() && error.side() == Side::source) error.about(source_.label);
  if (error.object().empty() && error.side() == Side::target) error.about(target_.label);
  if (error.what_is_safe().empty()) error.safe("every chunk finished before is kept with its mark in the ledger");
  if (error.advice().empty()) error.advise("mend the cause and run the same command again (without --full)");
}

pg::SessionOptions Sessions::common(const std::string& role) const {
  pg::SessionOptions session;
  session.application_name = fmt::format("pghaul {} {}", ::getpid(), role);
  session.stop = &stop_;
  session.connect_timeout = options_.connect_timeout;
  session.losses = losses_;
  session.settings = pg::pinned_text_settings();
  // search_path comes first: nothing after it can be answered by somebody's look-alike function.
  session.settings.insert(session.settings.begin(), {"search_path", ""});
  session.settings.insert(session.settings.end(),
                          {{"row_security", "off"},
                           {"statement_timeout", milliseconds(options_.statement_timeout)},
                           {"idle_session_timeout", "0"},
                           {"client_min_messages", "warning"},
                           {"jit", "off"},
                           {"tcp_keepalives_idle", "10"},
                           {"tcp_keepalives_interval", "5"},
                           {"tcp_keepalives_count", "3"},
                           // Counts time in which the other side lives but does not read, so it must be longer than
                           // any pause of ours.
                           {"tcp_user_timeout", "120000"},
                           {"client_connection_check_interval", "5000"}});
  if (!encoding_.empty()) session.settings.emplace_back("client_encoding", encoding_);
  return session;
}

pg::SessionOptions Sessions::read_only(const std::string& role) const {
  auto session = common(role);
  session.settings.insert(session.settings.end(), {{"default_transaction_read_only", "on"},
                                                   {"lock_timeout", "2000"},
                                                   // A stopped pghaul must not hold PROD's vacuum back for ever.
                                                   {"idle_in_transaction_session_timeout", "600000"},
                                                   {"max_parallel_workers_per_gather", "0"},
                                                   {"synchronize_seqscans", "off"}});
  return session;
}

pg::SessionOptions Sessions::source_session(const std::string& role) const {
  auto session = read_only(role);
  session.check = server_check(expected_source_, options_.connect_timeout);
  return session;
}

pg::SessionOptions Sessions::primary_session(const std::string& role) const {
  auto session = source_session(role);
  auto expected = expected_source_;
  if (expected) expected->facts.in_recovery = false;
  session.check = server_check(expected, options_.connect_timeout);
  return session;
}

pg::SessionOptions Sessions::target_reader_session(const std::string& role) const {
  auto session = read_only(role);
  session.check = server_check(expected_target_, options_.connect_timeout);
  return session;
}

pg::SessionOptions Sessions::target_session(const std::string& role) const {
  // Shorter than the statement timeout: only a lock that is waited for too long leads to the ghost that holds it.
  const auto lock_timeout = std::clamp<Duration>(options_.statement_timeout / 2, Duration(1), std::chrono::seconds(10));
  auto session = common(role);
  session.check = server_check(expected_target_, options_.connect_timeout);
  session.settings.insert(session.settings.end(), {{"lock_timeout", milliseconds(lock_timeout)},
                                                   {"idle_in_transaction_session_timeout", "600000"}});
  return session;
}

pg::SessionOptions Sessions::writer_session(int writer) const {
  auto session = target_session(fmt::format("writer {}", writer));
  session.settings.emplace_back("synchronous_commit", "off");
  return session;
}

pg::SessionOptions Sessions::builder_session(int builder) const {
  auto session = common(fmt::format("index builder {}", builder));
  session.check = server_check(expected_target_, options_.connect_timeout);
  session.settings.insert(session.settings.end(), {{"statement_timeout", "0"}, {"lock_timeout", "0"}});
  return session;
}

}  // namespace pghaul
