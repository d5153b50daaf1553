#include "fault/framing.h"

namespace pghaul::test {
namespace {

char untyped_kind(std::uint32_t code) {
  constexpr std::uint32_t cancel = 80877102, ssl = 80877103, gss = 80877104;
  if (code == cancel) return cancel_request;
  return code == ssl || code == gss ? encryption_request : startup_message;
}

}  // namespace

std::uint32_t read_uint32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char c : bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::string uint16_bytes(unsigned number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

std::string uint32_bytes(std::uint32_t number) {
  return uint16_bytes(number >> 16) + uint16_bytes(number & 0xffff);
}

std::optional<FrameHeader> read_untyped_header(std::string_view bytes) {
  if (bytes.size() < untyped_header_bytes) return std::nullopt;
  const auto length = read_uint32(bytes);
  return FrameHeader{untyped_kind(read_uint32(bytes.substr(4))), length < untyped_header_bytes ? 0 : length};
}

std::optional<FrameHeader> read_typed_header(std::string_view bytes) {
  if (bytes.size() < typed_header_bytes) return std::nullopt;
  const auto length = read_uint32(bytes.substr(1));
  return FrameHeader{bytes.front(), length < 4 ? 0 : std::size_t{length} + 1};
}

}  // namespace pghaul::test
