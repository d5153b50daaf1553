// Text that must not be shown: connection strings with passwords.
#pragma once

#include <string>
#include <utility>

namespace pghaul {

// Has no conversion to string and no stream or fmt support, so that it cannot be logged by accident.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace pghaul
