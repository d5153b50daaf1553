// Which encryption a connection asks for. Private to this folder.
#pragma once

#include <string_view>

#include "pg/connection.h"

namespace pghaul::pg {

// The sslmode to use where neither the connection string nor the environment names one: to a host that is not local,
// encryption is required; otherwise libpq's own default.
const char* default_sslmode(const Endpoint& endpoint);

// True for a Unix socket (also an empty or abstract one), localhost, and addresses of the loopback interface.
bool is_local_host(std::string_view host);

}  // namespace pghaul::pg
