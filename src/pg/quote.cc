#include "pg/quote.h"

#include "pghaul/error.h"

namespace pghaul::pg {
namespace {

void refuse_nul(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::failed, "a NUL byte cannot be part of an SQL name or literal");
  }
}

std::string doubled(std::string_view text, char quote, bool and_backslashes) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote || (and_backslashes && c == '\\')) out += c;
    out += c;
  }
  return out += quote;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  refuse_nul(name);
  if (name.empty()) throw Error(ErrorKind::failed, "an empty SQL name");
  return doubled(name, '"', false);
}

std::string quote_qualified(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

std::string quote_literal(std::string_view text) {
  refuse_nul(text);
  const bool backslash = text.find('\\') != std::string_view::npos;
  return (backslash ? " E" : "") + doubled(text, '\'', backslash);
}

}  // namespace pghaul::pg
