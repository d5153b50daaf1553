// Types of every kind, with values that are nasty to write down.
#pragma once

#include <string>
#include <vector>

namespace pghaul::test {

struct TypeCase {
  std::string name;
  std::string type;                 // as in CREATE TABLE
  std::vector<std::string> values;  // SQL expressions that can be cast to it
  bool binary = true;               // may travel in binary between servers of one major version
  std::string setup;                // on both sides, before the table
  std::string extension;            // that it is of; empty: none
};

std::vector<TypeCase> type_cases();

// Of what CREATE EXTENSION can make on a server of conninfo.
bool has_extension(const std::string& conninfo, const std::string& name);

}  // namespace pghaul::test
