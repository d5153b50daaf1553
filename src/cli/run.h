// The program, from its arguments to its exit code.
#pragma once

#include <string>
#include <vector>

namespace pghaul {

// `arguments` without the program's name. Reports go to standard output; errors, logs and progress to standard error.
int run(const std::vector<std::string>& arguments) noexcept;

}  // namespace pghaul
