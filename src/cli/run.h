// The program, from its arguments to its exit code.
#pragma once

#include <string>
#include <vector>

namespace pghaul {

// `arguments` without the program's name. Reports go to standard output; errors, logs and progress to standard error.
int run(const std::vector<std::string>& arguments) noexcept;

// To be called before anything is opened, as that takes the lowest free number: where standard output or standard error
// was closed, messages would be written into a session with a server.
void open_closed_streams() noexcept;

}  // namespace pghaul
