// Where the time went, as text and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "cli/text.h"
#include "pghaul/pg_copy_report.h"

namespace pghaul {

// Nothing, if there are no stages.
void show_stages(Sheet& sheet, const std::vector<StageReport>& stages, const LimitReport& limit);
void add_stages(nlohmann::ordered_json& document, const std::vector<StageReport>& stages,
                const LimitReport& limit);

}  // namespace pghaul
