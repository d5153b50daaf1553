// What queries over many members share; inside catalog/ and for those that ask it.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_shape.h"

namespace pghaul::catalog {

// "{17,18}", a literal of pg_catalog.oid[].
std::string oid_array(const std::vector<Member>& members);

}  // namespace pghaul::catalog
