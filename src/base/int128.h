// 128-bit integers: max - min of two bigints overflows 64 bits.
#pragma once

namespace pghaul {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

}  // namespace pghaul
