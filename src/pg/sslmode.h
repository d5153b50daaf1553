// What a connection asks for so that nobody on the way can listen. Private to this folder.
#pragma once

#include <string_view>

#include "pg/connection.h"

struct pg_conn;

namespace pghaul::pg {

// The sslmode to use where neither the connection string nor the environment or a service chose one: to a
// host that is not local, encryption is required; otherwise libpq's own default. ("prefer" in a service file
// counts as not chosen.)
const char* default_sslmode(const Endpoint& endpoint);

// The require_auth to use, as far as this version of libpq has it (16 and later): a server that is not local
// and that nobody verifies is not handed the password itself. Null: libpq's own default.
const char* default_require_auth(const Endpoint& endpoint, int libpq_version);

// True for a Unix socket (also an empty or abstract one), localhost, and addresses of the loopback interface.
// Names are not looked up: whoever answers for the name could say anything.
bool is_local_host(std::string_view host);

// What somebody on the way could do to this session; empty if it is local, or encrypted to a server that is
// verified.
std::string line_risk(const pg_conn* conn);

}  // namespace pghaul::pg
