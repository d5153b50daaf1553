// A TCP proxy before a real PostgreSQL server that understands where messages begin and end, and breaks the line
// there. Encrypted connections pass, but only as bytes.
#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fault/cut_rules.h"
#include "fault/tcp.h"

namespace pghaul::test {

class ProxiedConnection;

// Listens on 127.0.0.1 as long as it lives, with threads of its own; forwards to a port of 127.0.0.1. Where nobody
// listens there, its clients see RST instead of a refused connection.
// Threads: any. Errors: failed, from the constructor.
class CuttingProxy {
 public:
  explicit CuttingProxy(int server_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  int port() const { return port_; }
  // The same connection string, but through the proxy.
  std::string through(const std::string& conninfo) const;

  void cut(CutRule rule) { rules_.add(std::move(rule)); }
  void set_traffic(const Traffic& traffic) { rules_.set_traffic(traffic); }
  // New connections are refused by the kernel, as where no server runs.
  void refuse_connections();
  // Cuts all connections that are open.
  void cut_all(Cut how);
  // No rules, no delays, no refusal; what was silent flows on. Rules that have cut stay done.
  void heal();

  // Cuts that rules have made.
  int cuts() const { return cuts_; }
  // True once that many have been made.
  bool wait_for_cuts(int number, Deadline deadline) const;
  // What went through since the beginning: the places at which one can cut. Also what was lost at a cut.
  std::vector<SeenMessages> seen() const { return rules_.seen(); }
  // Connections that were accepted, and those of them that still live.
  int connections() const { return accepted_; }
  int open_connections();

 private:
  void accept_connections();
  void add_connection(Socket client);

  const int server_port_;
  Socket listener_;
  const int port_;
  RuleBook rules_;
  std::atomic<int> cuts_{0}, accepted_{0};
  std::atomic<bool> refusing_{false}, ending_{false};
  Wake wake_;
  std::mutex mutex_;
  std::list<ProxiedConnection> connections_;
  std::thread acceptor_;
};

}  // namespace pghaul::test
