// Bounds of keys that only the source can compare: of any type, of one column or several.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pghaul {

// The values of a key's first columns (all of them, or fewer: then it is the place before every key that
// begins so), each as the source prints it.
using KeyBound = std::vector<std::string>;

// A JSON array of strings, as the ledger keeps it. Bytes that are not UTF-8 are written as \u00xx, so that
// any encoding of the source survives any of the ledger's. Integer keys and pages are bare numbers and never
// begin like one.
std::string encode_bound(const KeyBound& bound);
// Errors: failed, if it is none.
KeyBound decode_bound(std::string_view text);
bool is_encoded_bound(std::string_view text);

// "7", "(7, "a b")"; for messages: one line, long values cut.
std::string show_bound(std::string_view encoded);

}  // namespace pghaul
