/// @file
/// What the shared library shows of itself.
#pragma once

/// Marks what programs may use; everything else in libpghaul.so is hidden.
#define PGHAUL_API __attribute__((visibility("default")))
