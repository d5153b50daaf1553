// Keeps connection strings out of what `ps` shows.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace pghaul {

// Copies the arguments, then overwrites in place, with as many 'x', the values of --source and --target and every
// argument that looks like a connection string. To be called first of all: the arguments can be read by every user
// of the machine until then. Threads: before any is started.
std::vector<std::string> take_arguments(std::span<char*> argv);

}  // namespace pghaul
