#include "pg/sqlstate.h"

#include <array>

namespace pghaul::pg {
namespace {

struct Rule {
  std::string_view prefix;  // a whole code, or the two characters of a class
  ErrorKind kind;
};

// Whole codes come before the classes they are an exception to; the first match wins.
constexpr std::array rules = {
    Rule{"08P01", ErrorKind::failed},           // protocol_violation: a bug on one side
    Rule{"08", ErrorKind::connection_lost},     // connection exceptions
    Rule{"40002", ErrorKind::failed},           // transaction_integrity_constraint_violation
    Rule{"40", ErrorKind::transient},           // serialization failure, deadlock, recovery conflict
    Rule{"53100", ErrorKind::failed},           // disk_full: somebody has to act
    Rule{"53300", ErrorKind::connection_lost},  // too_many_connections: only when connecting
    Rule{"53400", ErrorKind::failed},           // configuration_limit_exceeded
    Rule{"53", ErrorKind::transient},           // out of memory and the like
    Rule{"55P03", ErrorKind::transient},        // lock_not_available
    Rule{"55006", ErrorKind::transient},        // object_in_use
    Rule{"57014", ErrorKind::transient},        // query_canceled: a timeout, or a person who cancelled us
    Rule{"57P04", ErrorKind::failed},           // database_dropped
    Rule{"57P", ErrorKind::connection_lost},    // admin_shutdown, crash_shutdown, cannot_connect_now, idle timeout
    Rule{"25P03", ErrorKind::connection_lost},  // idle_in_transaction_session_timeout
    Rule{"25P04", ErrorKind::connection_lost},  // transaction_timeout
    Rule{"58000", ErrorKind::transient},        // system_error
    Rule{"58030", ErrorKind::transient},        // io_error
    Rule{"XX000", ErrorKind::transient},        // internal_error; XX001 and XX002 are corruption
    Rule{"72000", ErrorKind::transient},        // snapshot_too_old
};

}  // namespace

ErrorKind classify_sqlstate(std::string_view code) {
  for (const auto& rule : rules) {
    if (code.starts_with(rule.prefix)) return rule.kind;
  }
  return ErrorKind::failed;
}

}  // namespace pghaul::pg
