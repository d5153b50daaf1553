#include "catalog/table_shape.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "catalog/names.h"
#include "pg/quote.h"
#include "pghaul/error.h"

namespace pghaul::catalog {

namespace {

bool is_lower_letter(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool is_plain(char c) { return is_lower_letter(c) || (c >= '0' && c <= '9') || c == '$'; }

// Reads one name, or a pair, from the text of a command line.
class NameParser {
 public:
  explicit NameParser(std::string_view text) : text_(text) {}
  TableName parse();

 private:
  bool at_end() const { return next_ == text_.size(); }
  std::string part();
  std::string quoted_part();
  std::string bare_part();
  [[noreturn]] void fail(const char* why) const;

  std::string_view text_;
  std::size_t next_ = 0;
};

void NameParser::fail(const char* why) const {
  throw Error(ErrorKind::usage, fmt::format("\"{}\" is not the name of a table: {}", text_, why))
      .advise("write schema.table, with double quotes around a name that has capitals, dots or spaces");
}

std::string NameParser::quoted_part() {
  std::string name;
  for (++next_; !at_end(); ++next_) {
    if (text_[next_] == '"') {
      const bool doubled = next_ + 1 < text_.size() && text_[next_ + 1] == '"';
      ++next_;
      if (!doubled) return name;
    }
    name += text_[next_];
  }
  fail("the closing double quote is missing");
}

// Folded to lower case as the server does, so that a name can be pasted from SQL.
std::string NameParser::bare_part() {
  std::string name;
  for (; !at_end() && text_[next_] != '.'; ++next_) {
    const char c = text_[next_];
    if (c == '"') fail("a double quote in the middle of a name");
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

std::string NameParser::part() {
  std::string name = !at_end() && text_[next_] == '"' ? quoted_part() : bare_part();
  if (name.empty()) fail("a name is empty");
  if (name.find('\0') != std::string::npos) fail("a zero byte in a name");
  return name;
}

TableName NameParser::parse() {
  std::string first = part();
  if (at_end()) return {"public", std::move(first)};
  if (text_[next_] != '.') fail("something follows the closing double quote");
  ++next_;
  std::string second = part();
  if (!at_end() && text_[next_] == '.') fail("more than schema and table");
  if (!at_end()) fail("something follows the closing double quote");
  return {std::move(first), std::move(second)};
}

}  // namespace

std::string display_name(std::string_view name) {
  const bool plain =
      !name.empty() && is_lower_letter(name.front()) && std::all_of(name.begin(), name.end(), is_plain);
  return plain ? std::string(name) : pg::quote_identifier(name);
}

std::string TableName::display() const { return display_name(schema) + "." + display_name(name); }

std::string TableName::sql() const { return pg::quote_qualified(schema, name); }

TableName parse_table_name(const std::string& text) { return NameParser(text).parse(); }

const Member* TableShape::member(std::uint32_t member_oid) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& candidate) { return candidate.oid == member_oid; });
  return found == members.end() ? nullptr : &*found;
}

const Column* TableShape::column(const std::string& column_name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& candidate) { return candidate.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

std::string TableShape::range_index(const std::string& column_name) const {
  // Of all indexes of an inheritance tree, those of its keys alone are known to be in each table.
  if (key_may_repeat()) return key && key->column == column_name ? key->index : "";
  for (const Index& index : indexes) {
    const bool first = !index.columns.empty() && index.columns.front() == column_name;
    if (first && index.valid && !index.partial && index.definition_tail.starts_with("USING btree ")) return index.name;
  }
  return "";
}

std::vector<std::string> TableShape::column_names() const {
  std::vector<std::string> names;
  for (const Column& each : columns) names.push_back(each.name);
  return names;
}

std::string TableShape::fingerprint() const {
  std::string text;
  for (const Column& each : columns) {
    text += fmt::format("{}{} {}{}{}", text.empty() ? "" : ", ", pg::quote_identifier(each.name), each.type,
                        each.not_null ? " not null" : "", each.generated.empty() ? "" : " generated");
  }
  return text;
}

}  // namespace pghaul::catalog
