// Reports of comparisons, for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "command/verify_report.h"

namespace pghaul {

// Without findings. Values of columns only where the report has them.
nlohmann::ordered_json to_document(const VerifyReport& report);

}  // namespace pghaul
