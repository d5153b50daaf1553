// Whether the message that a run ends with has all its parts.
#pragma once

#include <string>

#include "support/program.h"

namespace pghaul::test {

// What is missing, or wrong, in the last words of a run that ended with code 2, 3, 4 or 5; empty if nothing is, and for
// any other code. On standard error, as the last thing said:
//
//   pghaul: SIDE: OBJECT: [RANGE: ]message [ [SQLSTATE x]][ [errno n: text]]
//     safe:   …                (3, 4, 5)
//     next:   …
//
// SIDE and OBJECT are asked of 3 and 5; OBJECT not of what happens on this machine. Also judged: it is said once, on
// one line each, without control characters, and without one story inside another. With --json the fields of the
// document's `error` are judged as well, and must say the same. Threads: any.
std::string missing_parts(const ProgramResult& result);

}  // namespace pghaul::test
