/// @file
/// How much a line of a log matters.
#pragma once

namespace pghaul {

/// From the least to the most.
enum class LogLevel {
  debug,    ///< for whoever looks for a fault
  info,     ///< what is being done
  warning,  ///< what may need a look; the job goes on
  error,    ///< what failed
};

}  // namespace pghaul
