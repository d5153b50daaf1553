#include "pghaul/error.h"

#include <cstring>

#include <fmt/format.h>

namespace pghaul {
namespace {

// Servers and libpq say things in several lines, and names may have them; none of these must look like a line of ours.
std::string in_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  bool broken = false;
  for (const char c : text) {
    const bool breaks = c == '\n' || c == '\r' || c == '\t';
    if (!broken && !breaks) line += c;
    if (broken && !breaks && c != ' ') (line += line.ends_with(' ') || line.empty() ? "" : " ") += c;
    broken = breaks || (broken && c == ' ');
  }
  return line;
}

}  // namespace

std::string_view to_string(Side side) {
  switch (side) {
    case Side::source: return "source";
    case Side::target: return "target";
    case Side::local: return "local";
    case Side::none: break;
  }
  return "";
}

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::refused: return 3;
    case ErrorKind::stopped: return 4;
    case ErrorKind::failed:
    case ErrorKind::transient:
    case ErrorKind::connection_lost: break;
  }
  return 5;
}

std::string Error::headline() const {
  std::string text;
  if (side_ != Side::none) text += fmt::format("{}: ", to_string(side_));
  if (!object_.empty()) text += fmt::format("{}: ", object_);
  if (!range_.empty()) text += fmt::format("{}: ", range_);
  text += what();
  if (!sqlstate_.empty()) text += fmt::format(" [SQLSTATE {}]", sqlstate_);
  if (errno_ != 0) text += fmt::format(" [errno {}: {}]", errno_, std::strerror(errno_));
  return in_one_line(text);
}

std::string Error::story(bool with_detail) const {
  std::string text = headline();
  if (with_detail && !detail_.empty()) text += "\n  detail: " + in_one_line(detail_);
  if (!safe_.empty()) text += "\n  safe:   " + in_one_line(safe_);
  if (!advice_.empty()) text += "\n  next:   " + in_one_line(advice_);
  return text;
}

}  // namespace pghaul
