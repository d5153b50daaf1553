#include "command/preflight.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sqlstate.h"
#include "catalog/target_ddl.h"
#include "command/preflight_checks.h"
#include "command/record_format.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

// A ledger that another role made may not be ours to read.
bool find_ledger(ControlSessions& control) {
  try {
    return ledger_exists(control.target, control.ledger_names, control.deadline());
  } catch (Error& error) {
    if (error.sqlstate() == sqlstate::insufficient_privilege) {
      error.about(control.ledger_names.schema())
          .advise("connect to the target as the role that made this ledger, or give another --ledger-schema");
    }
    throw;
  }
}

void choose_columns(TableJob& job, const PgCopyOptions& options, const Servers& servers) {
  job.columns = catalog::travelling_columns(job.source, job.target ? &*job.target : nullptr, options.columns);
  const auto& target = job.target ? *job.target : job.source;
  job.binary = catalog::binary_copy_possible(job.source, target, job.columns, servers.source.version_num,
                                             servers.target.version_num, &job.why_text);
  job.record_format = show_record_format({job.binary, servers.source.encoding, job.columns});
  const auto& columns = job.columns;
  // The tail is replaced by key on the target, so a key that does not travel is of no use; nor is one of which a column
  // cannot be looked up there when rows clash.
  const auto travels = [&](const std::string& name) { return std::ranges::find(columns, name) != columns.end(); };
  std::erase_if(job.source.ordered_keys, [&](const catalog::OrderedKey& key) {
    return !std::ranges::all_of(key.columns, [&](const auto& column) { return travels(column.name); });
  });
  job.key = job.source.key;
  if (job.key && !travels(job.key->column)) job.key.reset();
  if (!job.key && !job.source.ordered_keys.empty()) job.ordered_key = job.source.ordered_keys.front();
}

void inspect_table(ControlSessions& control, const PgCopyOptions& options, TableJob& job,
                   std::vector<Finding>& findings) {
  const auto source = catalog::read_table_shape(
      control.source, job.name, control.deadline(),
      options.only ? catalog::Descendants::ignore : catalog::Descendants::read);
  if (!check_source(control, options, job.name, source, findings)) return;
  job.source = *source;
  job.target = catalog::read_table_shape(control.target, job.name, control.deadline());
  choose_columns(job, options, control.servers);
  check_where(control, options, job, findings);
  check_key(options, job, findings);
  if (job.target) {
    check_target(control, options, job, findings);
  } else {
    check_creatable(control, job, findings);
  }
}

// By the server's own conversions; SQL_ASCII takes and gives bytes as they are.
bool can_convert(pg::Connection& target, const Servers& servers, Deadline deadline) {
  const auto &from = servers.source.encoding, &to = servers.target.encoding;
  if (from == to || from == catalog::sql_ascii || to == catalog::sql_ascii) return true;
  return target
      .query("SELECT EXISTS (SELECT FROM pg_catalog.pg_conversion AS c WHERE c.condefault "
             "AND c.conforencoding = pg_catalog.pg_char_to_encoding($1) "
             "AND c.contoencoding = pg_catalog.pg_char_to_encoding($2))",
             {from, to}, deadline)
      .boolean(0, 0);
}

pg::Connection open_source(const Sessions& sessions) {
  return pg::Connection(sessions.source(), sessions.source_session("control"));
}
pg::Connection open_primary(const Sessions& sessions) {
  return pg::Connection(*sessions.primary(), sessions.primary_session("late rows"));
}
pg::Connection open_target(const Sessions& sessions) {
  return pg::Connection(sessions.target(), sessions.target_session("preflight"));
}

}  // namespace

void ControlSessions::revive(const Sessions& sessions, const RetryPolicy& policy, const StopSource& stop) {
  use(sessions, policy, stop, [this] {
    source.run("SELECT", deadline());
    if (primary) primary->run("SELECT", deadline());
    target.run("SELECT", deadline());
  });
}

bool ControlSessions::use(const Sessions& sessions, const RetryPolicy& policy, const StopSource& stop,
                          const std::function<void()>& work) {
  int tries = 0;
  try_until_done(policy, &stop, [&](RetryState& retry) {
    if (!source.usable()) source = open_source(sessions);
    if (!target.usable()) target = open_target(sessions);
    if (primary && !primary->usable()) *primary = open_primary(sessions);
    retry.connected();
    ++tries;
    work();
  });
  return tries > 1;
}

ControlSessions::ControlSessions(Sessions& sessions, const PgCopyOptions& options)
    : source(open_source(sessions)),
      target(open_target(sessions)),
      ledger_names(options.ledger_schema),
      statement_timeout(options.statement_timeout) {
  servers.source = catalog::read_server_facts(source, deadline());
  servers.target = catalog::read_server_facts(target, deadline());
  sessions.set_encoding(servers.source.encoding);
  // Later sessions begin with it. Bounds of keys come from this one and go to those.
  const auto set_encoding = "SET client_encoding = " + pg::quote_literal(servers.source.encoding);
  source.run(set_encoding, deadline());
  encodings_fit = can_convert(target, servers, deadline());
  if (encodings_fit) target.run(set_encoding, deadline());  // names are compared, too
  if (sessions.primary() && servers.source.in_recovery) {
    primary = open_primary(sessions);
    servers.primary = catalog::read_server_facts(*primary, deadline());
  }
  sessions.expect_servers(servers.source, servers.target);
  ledger_exists = find_ledger(*this);
}

TableCopyIdentity identity_of(const TableJob& job, const PgCopyOptions& options, const Servers& servers) {
  return TableCopyIdentity{servers.source.system_identifier,
                           servers.source.database,
                           (options.only ? "ONLY " : "") + job.name.display(),
                           servers.target.system_identifier,
                           servers.target.database,
                           job.name.display(),
                           options.where_sql,
                           fmt::format("{}", fmt::join(options.columns, ","))};
}

std::vector<TableJob> inspect_tables(ControlSessions& control, const PgCopyOptions& options,
                                     std::vector<Finding>& findings) {
  check_servers(control, options, findings);
  std::vector<TableJob> jobs;
  for (const auto& text : options.tables) {
    TableJob job;
    job.name = catalog::parse_table_name(text);
    job.report.source_table = job.report.target_table = job.name.display();
    try {
      inspect_table(control, options, job, findings);
      check_ledger(control, options, job, findings);
    } catch (Error& error) {
      if (error.object().empty()) error.about(job.name.display());
      throw;
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// It may end any query, and the next one has a snapshot that is not in its way.
bool ended_by_recovery(const Error& error) {
  return error.side() == Side::source && error.sqlstate() == sqlstate::serialization_failure;
}

void try_despite_recovery(const std::function<void()>& work) {
  constexpr int most_tries = 5;
  for (int tries = 1; tries < most_tries; ++tries) {
    try {
      return work();
    } catch (const Error& error) {
      if (!ended_by_recovery(error)) throw;
    }
  }
  work();
}

// Also a first connection that fails is the user's to mend: waiting would only hide a typing error.
void before_any_write(const std::function<void()>& work) {
  try {
    try_despite_recovery(work);
  } catch (Error& error) {
    if (error.kind() == ErrorKind::stopped) throw;
    if (error.kind() == ErrorKind::failed || error.retryable()) error.become(ErrorKind::refused);
    if (error.kind() == ErrorKind::refused && error.what_is_safe().empty()) error.safe("nothing was written");
    if (error.advice().empty()) error.advise("mend the cause and run the same command again");
    throw;
  }
}

std::vector<Finding> warnings_of(std::vector<Finding> findings) {
  std::erase_if(findings, [](const Finding& finding) { return finding.severity == Finding::Severity::error; });
  return findings;
}

void refuse_if_any(const std::vector<Finding>& findings) {
  std::vector<const Finding*> errors;
  for (const auto& finding : findings) {
    if (finding.severity == Finding::Severity::error) errors.push_back(&finding);
  }
  if (errors.empty()) return;
  std::string text = errors.front()->text, advice = errors.front()->advice;
  for (std::size_t i = 1; i < errors.size(); ++i) {
    text += fmt::format("; {}{}", errors[i]->table.empty() ? "" : errors[i]->table + ": ", errors[i]->text);
    if (!errors[i]->advice.empty() && advice.find(errors[i]->advice) == std::string::npos) {
      advice += "; " + errors[i]->advice;
    }
  }
  throw Error(ErrorKind::refused, text)
      .on(errors.front()->side)
      .about(errors.front()->table.empty() ? errors.front()->server : errors.front()->table)
      .safe("nothing was written")
      .advise(advice.empty() ? "mend this and run the same command again" : advice);
}

}  // namespace pghaul
