#include "pghaul/error.h"

#include <cstring>

#include <fmt/format.h>

namespace pghaul {

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
  return text;
}

namespace {

// Further lines of a server's text, or of a name, must not look like lines of ours.
std::string indented(std::string text) {
  constexpr std::string_view margin = "          ";
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1)) text.insert(end + 1, margin);
  return text;
}

}  // namespace

std::string Error::story(bool with_detail) const {
  std::string text = indented(headline());
  if (with_detail && !detail_.empty()) text += "\n  detail: " + indented(detail_);
  if (!safe_.empty()) text += "\n  safe:   " + indented(safe_);
  if (!advice_.empty()) text += "\n  next:   " + indented(advice_);
  return text;
}

}  // namespace pghaul
