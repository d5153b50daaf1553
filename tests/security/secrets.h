// What a password looks like in all the forms in which somebody could print it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pghaul::test {

inline std::string percent_encoded(const std::string& text) {
  std::string result;
  for (const char c : text) result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return result;
}

inline std::string hexadecimal(const std::string& text) {
  std::string result;
  for (const char c : text) result += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return result;
}

inline std::string base64(const std::string& text) {
  constexpr auto digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = i; j < i + 3; ++j)
      group = group << 8 | (j < text.size() ? static_cast<unsigned char>(text[j]) : 0U);
    for (int shift = 18; shift >= 0; shift -= 6) result += digits[group >> shift & 63];
  }
  const auto padding = (3 - text.size() % 3) % 3;
  return result.replace(result.size() - padding, padding, padding, '=');
}

struct Password {
  std::string plain;

  std::vector<std::string> forms() const {
    // Base64 of a text in which it stands depends on where: three ways, without the characters that are
    // shared.
    std::vector<std::string> all{plain, percent_encoded(plain), hexadecimal(plain), base64(plain)};
    for (const auto* before : {"x", "xx"}) all.push_back(base64(before + plain).substr(4, 12));
    return all;
  }
  std::string keyword() const {
    std::string quoted;
    for (const char c : plain) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return "password='" + quoted + "'";
  }
};

inline void expect_silence(const std::string& where, const std::string& text, const Password& password) {
  for (const auto& form : password.forms()) {
    const auto found = text.find(form);
    EXPECT_EQ(found, std::string::npos)
        << where << ": …" << text.substr(found - std::min<std::size_t>(found, 80), 160);
  }
}

}  // namespace pghaul::test
