#include "catalog/binary_types.h"

#include <algorithm>
#include <array>

namespace pghaul::catalog {

namespace {

constexpr auto portable = std::to_array<std::uint32_t>({
    16,    // bool
    17,    // bytea
    18,    // "char"
    19,    // name
    20,    // bigint
    21,    // smallint
    23,    // integer
    25,    // text
    114,   // json
    142,   // xml
    600,   // point
    601,   // lseg
    602,   // path
    603,   // box
    604,   // polygon
    628,   // line
    650,   // cidr
    700,   // real
    701,   // double precision
    718,   // circle
    774,   // macaddr8
    829,   // macaddr
    869,   // inet
    1042,  // character
    1043,  // character varying
    1082,  // date
    1083,  // time
    1114,  // timestamp
    1184,  // timestamptz
    1186,  // interval
    1266,  // timetz
    1560,  // bit
    1562,  // bit varying
    1700,  // numeric
    2950,  // uuid
    3802,  // jsonb
    3904,  // int4range
    3906,  // numrange
    3908,  // tsrange
    3910,  // tstzrange
    3912,  // daterange
    3926,  // int8range
    4451,  // int4multirange
    4532,  // nummultirange
    4533,  // tsmultirange
    4534,  // tstzmultirange
    4535,  // datemultirange
    4536,  // int8multirange
});
static_assert(std::is_sorted(portable.begin(), portable.end()));

}  // namespace

bool has_portable_binary_form(std::uint32_t type_oid) {
  return std::binary_search(portable.begin(), portable.end(), type_oid);
}

}  // namespace pghaul::catalog
