// A transaction that rolls back unless it is committed.
#pragma once

#include <string>

#include "pg/connection.h"

namespace pghaul::pg {

// Threads: one. The destructor rolls back, or abandons the session if that is not possible; it never throws.
class Transaction {
 public:
  // `begin` is the statement (or several) that starts it.
  Transaction(Connection& connection, Deadline deadline,
              const std::string& begin = "BEGIN ISOLATION LEVEL READ COMMITTED");
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Errors: connection_lost means that the outcome is unknown.
  void commit(Deadline deadline);
  void rollback(Deadline deadline);

 private:
  void roll_back_quietly() noexcept;

  Connection& connection_;
  bool open_ = true;
};

}  // namespace pghaul::pg
