// A PostgreSQL server of our own, made in a temporary folder and thrown away: for `pghaul demo` and for tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/subprocess.h"
#include "pghaul/deadline.h"

namespace pghaul::pg {

// Folder of the installed PostgreSQL's programs: $PGHAUL_PG_BINDIR, else the newest of /usr/lib/postgresql/*/bin, else
// what pg_config or PATH say. Errors: failed, if there is none.
std::string find_postgres_bindir();

struct ThrowawayOptions {
  std::vector<std::string> settings;  // "name=value"; they win over ours
  // Empty: everybody is trusted. Else SCRAM for everybody, this being the password of the superuser.
  std::string superuser_password;
  bool fsync = false;
  std::string encoding = "UTF8";
  std::string locale = "C.UTF-8";
  std::string bindir;  // of the server's programs; empty: find_postgres_bindir()
};

// Initialised by the constructor, running between start() and stop(). The superuser is "postgres"; the operating
// system's user is ours, or as we are root "postgres" (else "nobody"), as servers refuse to run as root.
// Listens on a free port of 127.0.0.1, the same over restarts, and on a socket in its folder.
// The destructor stops it and removes the folder. When the *thread* that called start() ends, by SIGKILL of the process
// or otherwise, the server stops too (and leaves its folder): call it from one that lasts.
// Threads: one at a time. Errors: failed, with what initdb or the server said.
class ThrowawayServer {
 public:
  enum class StopMode { fast, immediate };

  explicit ThrowawayServer(ThrowawayOptions options = {});
  ~ThrowawayServer();
  ThrowawayServer(const ThrowawayServer&) = delete;
  ThrowawayServer& operator=(const ThrowawayServer&) = delete;

  // Returns when connections are accepted.
  void start();
  // Returns when all its processes' parent is gone. Nothing to do if it is not running.
  void stop(StopMode mode);
  void restart(StopMode mode = StopMode::fast);
  bool running();

  // libpq keywords, over TCP or the socket; with the password, if `user` is the superuser and has one.
  std::string conninfo(const std::string& dbname = "postgres", const std::string& user = "postgres") const;
  std::string socket_conninfo(const std::string& dbname = "postgres", const std::string& user = "postgres") const;
  int port() const { return port_; }
  std::string bindir() const { return bindir_; }
  std::string data_directory() const { return folder_ + "/data"; }
  std::string socket_directory() const { return folder_; }
  std::string log_file() const { return folder_ + "/log"; }
  // 0 if it is not running.
  pid_t postmaster_pid() const { return process_ ? process_->pid() : 0; }

 private:
  enum class Startup { ready, port_taken, predecessor_alive };

  void make_folder();
  void initialise();
  Startup try_to_start(Deadline deadline);
  Startup wait_until_ready(Deadline deadline, std::size_t log_begin);
  ProcessOptions as_server_user(std::vector<std::string> argv) const;

  ThrowawayOptions options_;
  std::string bindir_, folder_;
  std::optional<uid_t> uid_;
  std::optional<gid_t> gid_;
  int port_ = 0;
  std::optional<Process> process_;
};

}  // namespace pghaul::pg
