// Reports and errors as text for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "command/report.h"
#include "command/verify_report.h"
#include "pghaul/error.h"

namespace pghaul {

// Text ends with a line break. Whatever came from a server or user is free of control characters.
std::string copy_text(const CopyReport& report);
std::string plan_text(const PlanReport& report, bool verbose);
std::string status_text(const StatusReport& report, bool verbose);
std::string findings_text(const std::vector<Finding>& findings);

std::string verify_text(const VerifyReport& report);

// One document, all fields under their names in report.h; times in seconds (`time_seconds`), what is unknown as null.
// `exit_code` stands beside the report's fields, and `error` if there was one; `report` may then be null.
std::string copy_json(const CopyReport* report, const Error* error, int code);
std::string verify_json(const VerifyReport* report, const Error* error, int code);
std::string plan_json(const PlanReport* report, const Error* error, int code);
std::string status_json(const StatusReport* report, const Error* error, int code);
// One line: {"findings": […]}
std::string findings_json(const std::vector<Finding>& findings);

// Reports of several copies, as made by the functions above, in one text or one document.
struct NamedDocument {
  std::string name;
  std::string text;  // may be empty
};
std::string copies_text(const std::vector<NamedDocument>& copies);
std::string copies_json(const std::vector<NamedDocument>& copies, int code);

// Whether there is something left that the same command would do.
bool is_complete(const CopyReport& report);
bool has_differences(const VerifyReport& report);
bool has_errors(const std::vector<Finding>& findings);

}  // namespace pghaul
