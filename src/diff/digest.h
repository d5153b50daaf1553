// What a server says of the rows of a chunk: counts and sums of hashes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pghaul {

// Of the rows whose hash falls into one bucket. Sums and not exclusive ors: two equal rows would cancel each
// other.
struct BucketDigest {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // of their forms
  std::string sums;  // of two 64-bit hashes of each row, under different seeds; as the server prints them
  bool operator==(const BucketDigest&) const = default;
};

// By bucket; those without rows are left out.
using Digest = std::map<int, BucketDigest>;

// Of COPY's text lines `bucket rows bytes sum sum`. Errors: failed, if they are not.
Digest parse_digest(std::string_view lines);
std::vector<int> unequal_buckets(const Digest& one, const Digest& other);
std::int64_t rows_of(const Digest& digest);
std::int64_t bytes_of(const Digest& digest);

}  // namespace pghaul
