// The two servers of the demonstration.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "pg/connection.h"
#include "pg/throwaway_server.h"

namespace pghaul::demonstration {

using Environment = std::vector<std::pair<std::string, std::string>>;

// PROD and STATS, running, each with a database of that name, open only to who knows the password.
// The destructor stops them and removes their folders. Threads: one. Errors: failed, stopped.
class Servers {
 public:
  explicit Servers(const StopSource& stop);

  const pg::ThrowawayServer& prod() const { return prod_; }
  const pg::ThrowawayServer& stats() const { return stats_; }
  // For the copy, whose roles are no superusers: on PROD one that may read every table, on STATS the database's owner.
  std::string prod_conninfo() const { return prod_.conninfo("prod", "reader") + " password=" + password_; }
  std::string stats_conninfo() const { return stats_.conninfo("stats", "loader") + " password=" + password_; }
  // For us.
  pg::Connection connect_prod() const { return connect(Side::source, prod_.conninfo("prod")); }
  pg::Connection connect_stats() const { return connect(Side::target, stats_.conninfo("stats")); }

  // What psql has to know; in the environment, as everybody can read a command line.
  Environment prod_environment() const { return environment(prod_, "prod"); }
  Environment stats_environment() const { return environment(stats_, "stats"); }

  // Stops both and puts their folders, and a file with the password, into one that stays; its path.
  std::string keep();

 private:
  void make_databases() const;
  pg::Connection connect(Side side, const std::string& conninfo) const;
  Environment environment(const pg::ThrowawayServer& server, const std::string& database) const;

  const StopSource& stop_;
  const std::string password_;
  pg::ThrowawayServer prod_, stats_;
};

}  // namespace pghaul::demonstration
