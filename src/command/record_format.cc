#include "command/record_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

namespace pghaul {
namespace {

// One name after the other until nothing is left; there has to be one.
bool read_names(std::string_view rest, const std::vector<std::string>& known,
                std::vector<std::string>& names) {
  for (const auto& name : known) {
    if (!rest.starts_with(name)) continue;
    const auto after = rest.substr(name.size());
    names.push_back(name);
    if (after.empty() || (after.starts_with(", ") && read_names(after.substr(2), known, names))) return true;
    names.pop_back();
  }
  return false;
}

}  // namespace

std::string show_record_format(const RecordFormat& format) {
  return fmt::format("{}{} ({})", format.binary ? "binary" : "text",
                     format.encoding == "UTF8" ? "" : " in " + format.encoding,
                     fmt::join(format.columns, ", "));
}

std::optional<RecordFormat> parse_record_format(const std::string& text,
                                                const std::vector<std::string>& table_columns) {
  const auto open = text.find(" (");
  if (open == std::string::npos || !text.ends_with(')')) return std::nullopt;
  const auto kind = std::string_view(text).substr(0, open);
  RecordFormat format;
  format.binary = kind.starts_with("binary");
  if (!format.binary && !kind.starts_with("text")) return std::nullopt;
  const auto in = kind.find(" in ");
  format.encoding = in == std::string_view::npos ? "UTF8" : kind.substr(in + 4);
  const auto names = std::string_view(text).substr(open + 2, text.size() - open - 3);
  if (!names.empty() && !read_names(names, table_columns, format.columns)) return std::nullopt;
  return format;
}

}  // namespace pghaul
