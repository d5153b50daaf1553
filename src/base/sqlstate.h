// Names of the SQLSTATE codes that pghaul acts upon; pg/sqlstate.h says what any of them means.
#pragma once

#include <string_view>

namespace pghaul::sqlstate {

inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view invalid_parameter_value = "22023";
inline constexpr std::string_view undefined_object = "42704";
inline constexpr std::string_view object_not_in_prerequisite_state = "55000";
inline constexpr std::string_view undefined_table = "42P01";
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view too_many_connections = "53300";

}  // namespace pghaul::sqlstate
