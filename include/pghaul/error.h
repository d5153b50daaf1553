/// @file
/// The one exception type of pghaul. Errors have properties, not a taxonomy: what the caller may do next (kind), and what
/// the user must know (side, object, range, SQLSTATE or errno, what is safe, what to type).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "pghaul/api.h"

namespace pghaul {

/// Which side something happened on.
enum class Side {
  none,    ///< not known, or not of either side
  source,  ///< where rows come from
  target,  ///< where rows go
  local,   ///< this machine
};
/// "source", "target", "local"; nothing for none.
PGHAUL_API std::string_view to_string(Side side);

/// What may be done next.
enum class ErrorKind {
  usage,            ///< bad command line, options or configuration
  refused,          ///< refused before anything was written
  stopped,          ///< deadline, signal or pause; the same command continues
  failed,           ///< trying again does not help
  transient,        ///< may succeed when tried again, on the same session
  connection_lost,  ///< the session is gone; whether its last statement took effect is unknown
};

/// Documented exit code of the program for an error of this kind (0 done, 1 differences are not errors).
PGHAUL_API int exit_code(ErrorKind kind);

/// Built up fluently: throw Error(ErrorKind::refused, "…").on(Side::source).about("public.profiles").advise("…").
/// A value. Never contains row values (see detail()) or secrets.
class PGHAUL_API Error : public std::runtime_error {
 public:
  /// `message` says what is the matter, without side, object and range.
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  /// Where it happened.
  Error& on(Side side) { side_ = side; return *this; }
  /// Fully qualified name of the table, file or host concerned.
  Error& about(std::string object) { object_ = std::move(object); return *this; }
  /// The chunk concerned, as `id in [1, 5000)`.
  Error& in_range(std::string range) { range_ = std::move(range); return *this; }
  /// Code of the server's error, of five characters.
  Error& with_sqlstate(std::string code) { sqlstate_ = std::move(code); return *this; }
  /// Number of the system's error.
  Error& with_errno(int number) { errno_ = number; return *this; }
  /// Server's DETAIL; may contain row values and is shown only with --verbose.
  Error& with_detail(std::string detail) { detail_ = std::move(detail); return *this; }
  /// What is safe so far.
  Error& safe(std::string text) { safe_ = std::move(text); return *this; }
  /// What to do or type next.
  Error& advise(std::string text) { advice_ = std::move(text); return *this; }
  /// Of a message that tells of several tries: the first one's alone.
  Error& caused_by(std::string message) { cause_ = std::move(message); return *this; }
  /// Makes it one of another kind.
  Error& become(ErrorKind kind) { kind_ = kind; return *this; }

  ErrorKind kind() const { return kind_; }                      ///< what may be done next
  Side side() const { return side_; }                           ///< as on() says
  const std::string& object() const { return object_; }         ///< as about() says, or empty
  const std::string& range() const { return range_; }           ///< as in_range() says, or empty
  const std::string& sqlstate() const { return sqlstate_; }     ///< as with_sqlstate() says, or empty
  int error_number() const { return errno_; }                   ///< as with_errno() says, or 0
  const std::string& detail() const { return detail_; }         ///< as with_detail() says, or empty
  const std::string& what_is_safe() const { return safe_; }     ///< as safe() says, or empty
  const std::string& advice() const { return advice_; }         ///< as advise() says, or empty
  std::string cause() const { return cause_.empty() ? what() : cause_; }  ///< message of the first try

  /// Whether another try may help.
  bool retryable() const { return kind_ == ErrorKind::transient || kind_ == ErrorKind::connection_lost; }

  /// Several lines for a person: message with side, object, range and code; then what is safe; then what to do.
  std::string story(bool with_detail = false) const;
  /// The first of these lines.
  std::string headline() const;

 private:
  ErrorKind kind_;
  Side side_ = Side::none;
  int errno_ = 0;
  std::string object_, range_, sqlstate_, detail_, safe_, advice_, cause_;
};

}  // namespace pghaul
