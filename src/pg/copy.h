// COPY streams as raw bytes. An unfinished one means aborted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pg/connection.h"

namespace pghaul::pg {

// COPY … TO STDOUT. Borrows the connection, which can do nothing else meanwhile.
// Destroyed before the end: the query is cancelled, the rest is read and thrown away, or else the session is dropped.
class CopyOut {
 public:
  CopyOut(Connection& connection, const std::string& sql, Deadline deadline);
  ~CopyOut();
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

  // The next CopyData frame (the server sends one per row; in binary the header travels with the first row's frame and
  // the trailer alone), valid until the next call. False at the end, when row_count() is known.
  bool next(std::string_view& frame);
  // What the server says it sent.
  std::int64_t row_count() const { return row_count_; }

 private:
  Connection& connection_;
  Deadline deadline_;
  char* frame_ = nullptr;
  bool finished_ = false;
  std::int64_t row_count_ = 0;
};

// COPY … FROM STDIN. As above; destroyed before finish(): CopyFail.
class CopyIn {
 public:
  CopyIn(Connection& connection, const std::string& sql, Deadline deadline);
  ~CopyIn();
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;

  // Any cut of the stream; sent on as frames of at most 64 kB, the size that servers take fastest.
  void write(std::string_view bytes);
  // Ends the COPY; the number of rows that the server took.
  std::int64_t finish();

 private:
  void write_frame(std::string_view frame);
  void await_room();
  void heed_server();
  void fail_with_server_error();

  Connection& connection_;
  Deadline deadline_;
  bool finished_ = false;
};

}  // namespace pghaul::pg
