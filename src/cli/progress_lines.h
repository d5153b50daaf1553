// Progress as lines of text. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/progress_numbers.h"

namespace pghaul {

struct TerminalSize { std::size_t columns = 80, rows = 24; };

// One line on the whole job: "copying  42 %  8,400,000 rows  3.36 GB  50.1 MB/s  ETA 1 min 10 s".
std::string job_line(const PaceKeeper& pace);

// A line per table with a bar, narrower than `width`; what matters less is left out where it does not fit.
std::string bar_line(const Pace& table, std::size_t name_width, std::size_t width);

// The job's line and as many tables as fit the terminal: those at work first, then a line on the rest.
std::vector<std::string> bar_frame(const PaceKeeper& pace, TerminalSize size);

// {"time": …, "phase": …, "tables": […], "rate_bytes_per_second": …, "eta_seconds": …}
std::string json_line(const PaceKeeper& pace, std::string_view time);

}  // namespace pghaul
