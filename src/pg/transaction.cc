#include "pg/transaction.h"

namespace pghaul::pg {

Transaction::Transaction(Connection& connection, Deadline deadline, const std::string& begin)
    : connection_(connection) {
  try {
    connection_.run(begin, deadline);
  } catch (...) {
    roll_back_quietly();  // `begin` may be several statements, of which the first succeeded
    throw;
  }
}

Transaction::~Transaction() {
  if (open_) roll_back_quietly();
}

void Transaction::roll_back_quietly() noexcept {
  if (!connection_.usable() || !connection_.in_transaction()) return;
  try {
    rollback(Deadline::after(std::chrono::seconds(2)));
  } catch (...) {
    connection_.abandon();
  }
}

void Transaction::commit(Deadline deadline) {
  open_ = false;
  const auto result = connection_.run("COMMIT", deadline);
  if (result.command() == "COMMIT") return;
  throw Error(ErrorKind::failed, "the server rolled the transaction back instead of committing it").on(connection_.side());
}

void Transaction::rollback(Deadline deadline) {
  open_ = false;
  connection_.run("ROLLBACK", deadline);
}

}  // namespace pghaul::pg
