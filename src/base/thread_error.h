// What is said where no thread can be started.
#pragma once

#include <system_error>

#include "pghaul/error.h"

namespace pghaul {

inline Error no_thread_error(const std::system_error& error) {
  return Error(ErrorKind::failed, "cannot start a thread")
      .on(Side::local)
      .with_errno(error.code().value())
      .safe("what was finished before is kept with its mark")
      .advise("raise the limit of processes (ulimit -u), or lower the numbers of readers and writers; then try again");
}

}  // namespace pghaul
