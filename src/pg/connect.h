// Opening a session within a deadline. Private to this folder.
#pragma once

#include <string_view>

#include "pg/connection_state.h"

namespace pghaul::pg {

// An open libpq session in non-blocking mode. Name resolution blocks inside libpq, so all of it runs on a thread of its
// own, which is left behind (and cleans up after itself) if it does not answer in time.
// Errors: connection_lost where trying again may help, failed otherwise (wrong password, unknown database).
ConnectionHandle connect(const Endpoint& endpoint, const SessionOptions& options);

// The sslmode to use where neither the connection string nor the environment names one: to a host that is not local,
// encryption is required; otherwise libpq's own default.
const char* default_sslmode(const Endpoint& endpoint);

// True for a Unix socket (also an empty or abstract one), localhost, and addresses of the loopback interface.
bool is_local_host(std::string_view host);

}  // namespace pghaul::pg
