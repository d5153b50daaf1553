#include "fault/hostile_server.h"

namespace pghaul::test {
namespace {

constexpr std::uint32_t text_oid = 25;

std::string c_string(const std::string& text) { return text + '\0'; }

}  // namespace

std::string announced(char type, std::uint32_t length, std::string_view body) {
  return type + uint32_bytes(length) + std::string(body);
}

std::string message(char type, std::string_view body) {
  return announced(type, static_cast<std::uint32_t>(body.size()) + 4, body);
}

std::string authentication(std::uint32_t kind, std::string_view rest) {
  return message('R', uint32_bytes(kind) + std::string(rest));
}

std::string parameter_status(const std::string& name, const std::string& value) {
  return message('S', c_string(name) + c_string(value));
}

std::string ready_for_query(char status) { return message('Z', std::string(1, status)); }

std::string row_description(int columns) {
  auto body = uint16_bytes(static_cast<unsigned>(columns));
  for (int i = 0; i < columns; ++i) {
    // Name, table, column, type, its length and modifier, format.
    body += c_string("c") + uint32_bytes(0) + uint16_bytes(0) + uint32_bytes(text_oid) + uint16_bytes(0xffff) +
            uint32_bytes(0xffffffff) + uint16_bytes(0);
  }
  return message('T', body);
}

std::string data_row(const std::vector<std::optional<std::string>>& fields) {
  auto body = uint16_bytes(static_cast<unsigned>(fields.size()));
  for (const auto& field : fields) {
    body += field ? uint32_bytes(static_cast<std::uint32_t>(field->size())) + *field : uint32_bytes(0xffffffff);
  }
  return message('D', body);
}

std::string command_complete(const std::string& tag) { return message('C', c_string(tag)); }

std::string error_response(const std::vector<std::pair<char, std::string>>& fields, char type) {
  std::string body;
  for (const auto& [letter, text] : fields) body += letter + c_string(text);
  return message(type, body + '\0');
}

}  // namespace pghaul::test
