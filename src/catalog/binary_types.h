// Which built-in types have the same binary form on every server of one major version.
#pragma once

#include <cstdint>

namespace pghaul::catalog {

// By OID, which is fixed for built-in types; of the element for arrays of a built-in type. Left out on purpose: money
// (lc_monetary), oid and reg* (of one cluster), everything that users made.
bool has_portable_binary_form(std::uint32_t type_oid);

}  // namespace pghaul::catalog
