// Collects what is found out about a server or a table before a job begins.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "command/report.h"
#include "pg/connection.h"

namespace pghaul {

// Adds to `all`, which must outlive it. A value.
class FindingList {
 public:
  // An empty name: of the servers.
  FindingList(std::vector<Finding>& all, std::string table, Side side = Side::none)
      : all_(all), table_(std::move(table)), side_(side) {}

  // What is found from here on is of that side, or of the server itself.
  FindingList& on(Side side) {
    side_ = side;
    return *this;
  }
  FindingList& on(const pg::Connection& connection) {
    server_ = connection.label();
    return on(connection.side());
  }

  void error(std::string text, std::string advice) {
    refused_ = true;
    add(Finding::Severity::error, std::move(text), std::move(advice));
  }
  void warning(std::string text, std::string advice) {
    add(Finding::Severity::warning, std::move(text), std::move(advice));
  }
  // An error unless the user said that it may be.
  void unless(bool allowed, std::string text, std::string advice) {
    allowed ? warning(std::move(text), std::move(advice)) : error(std::move(text), std::move(advice));
  }
  // An error was added by this one.
  bool refused() const { return refused_; }

 private:
  void add(Finding::Severity severity, std::string text, std::string advice) {
    all_.push_back({severity, table_, std::move(text), std::move(advice), side_, server_});
  }

  std::vector<Finding>& all_;
  const std::string table_;
  Side side_;
  std::string server_;
  bool refused_ = false;
};

}  // namespace pghaul
