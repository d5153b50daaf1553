// Where messages of PostgreSQL's protocol 3 begin and end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pghaul::test {

enum class Direction { to_server, to_client };

// Messages without a type byte get one of these.
constexpr char startup_message = '^';
constexpr char encryption_request = '!';  // SSLRequest, GSSENCRequest
constexpr char encryption_answer = '?';   // one byte: S, G or N
constexpr char cancel_request = '*';

struct FrameHeader {
  char type = 0;
  std::size_t bytes = 0;  // of the whole message: type, length and body
};

// Length, then 4 bytes that say what it is.
constexpr std::size_t untyped_header_bytes = 8;
constexpr std::size_t typed_header_bytes = 5;

std::uint32_t read_uint32(std::string_view bytes);  // of its first 4
std::string uint16_bytes(unsigned number);
std::string uint32_bytes(std::uint32_t number);

// Header of the message at the front of `bytes`; nothing if more bytes are needed. A length that cannot be gives
// a message of 0 bytes.
std::optional<FrameHeader> read_untyped_header(std::string_view bytes);
std::optional<FrameHeader> read_typed_header(std::string_view bytes);

}  // namespace pghaul::test
