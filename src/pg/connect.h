// Opening a session within a deadline. Private to this folder.
#pragma once

#include "pg/connection_state.h"

namespace pghaul::pg {

// An open libpq session in non-blocking mode. Name resolution blocks inside libpq, so all of it runs on a thread of its
// own, which is left behind (and cleans up after itself) if it does not answer in time.
// Errors: connection_lost where trying again may help, failed otherwise (wrong password, unknown database).
ConnectionHandle connect(const Endpoint& endpoint, const SessionOptions& options);

}  // namespace pghaul::pg
