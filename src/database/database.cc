// Where the vtables of the public interfaces are.
#include "pghaul/database.h"

namespace pghaul {

Database::~Database() = default;
std::optional<std::uint64_t> Database::next_id(std::uint64_t from, const Deadline&) { return from; }
void Database::clear(const Deadline&) {}

ConnectionPool::~ConnectionPool() = default;

}  // namespace pghaul
