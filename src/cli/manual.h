// What is installed beside the program, made from the tables of options and verbs.
#pragma once

#include <string>

namespace pghaul {

// The manual page pghaul(1), in troff's man macros.
std::string manual_page();
// To be sourced by bash and by zsh's compinit.
std::string bash_completion();
std::string zsh_completion();

}  // namespace pghaul
