// How the rows of a chunk were written down when its checksum was made.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pghaul {

struct RecordFormat {
  bool binary = false;
  std::string encoding;  // of text, as the server names it
  std::vector<std::string> columns;
};

// "binary (id, data)", "text in LATIN1 (id, data)"; UTF8 is not said.
std::string show_record_format(const RecordFormat& format);
// Names may hold what separates them: they are looked for among those that a table has. Nothing, if it cannot
// be read so.
std::optional<RecordFormat> parse_record_format(const std::string& text,
                                                const std::vector<std::string>& table_columns);

}  // namespace pghaul
