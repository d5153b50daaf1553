#include <span>

#include "cli/run.h"
#include "cli/scrub.h"

int main(int argc, char** argv) {
  pghaul::open_closed_streams();
  auto arguments = pghaul::take_arguments(std::span(argv, static_cast<std::size_t>(argc)));
  if (!arguments.empty()) arguments.erase(arguments.begin());
  return pghaul::run(arguments);
}
