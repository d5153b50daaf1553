#include "command/demo_servers.h"

#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "pg/quote.h"

namespace pghaul::demonstration {
namespace {

namespace fs = std::filesystem;

// Both servers listen on the loopback interface, which other users of the machine reach, too.
std::string new_password() {
  std::random_device random;
  std::string password;
  for (int i = 0; i < 4; ++i) password += fmt::format("{:08x}", random());
  return password;
}

pg::ThrowawayOptions with_password(const std::string& password) {
  pg::ThrowawayOptions options;
  options.superuser_password = password;
  return options;
}

std::string new_folder() {
  auto path = (fs::temp_directory_path() / "pghaul-demo-XXXXXX").string();
  // The servers' own folders, below, stay private; their owner may be another user than ours.
  if (::mkdtemp(path.data()) == nullptr || ::chmod(path.c_str(), 0755) != 0) {
    throw Error(ErrorKind::failed, "cannot make a temporary folder").on(Side::local).about(path).with_errno(errno);
  }
  return path;
}

void write_private_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int number = errno;
  if (fd >= 0) ::close(fd);
  if (!written) throw Error(ErrorKind::failed, "cannot write the file").on(Side::local).about(path).with_errno(number);
}

void move_folder(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  throw Error(ErrorKind::failed, "cannot move the folder").on(Side::local).about(from).with_errno(error.value());
}

}  // namespace

Servers::Servers(const StopSource& stop)
    : stop_(stop), password_(new_password()), prod_(with_password(password_)), stats_(with_password(password_)) {
  stop_.throw_if_requested();
  prod_.start();
  stats_.start();
  make_databases();
}

void Servers::make_databases() const {
  const auto deadline = Deadline::after(std::chrono::minutes(1));
  const auto role = " LOGIN PASSWORD " + pg::quote_literal(password_);
  auto prod = connect(Side::source, prod_.conninfo());
  prod.run("CREATE DATABASE prod", deadline);
  prod.run("CREATE ROLE reader" + role + "; GRANT pg_read_all_data TO reader", deadline);
  auto stats = connect(Side::target, stats_.conninfo());
  stats.run("CREATE ROLE loader" + role, deadline);
  stats.run("CREATE DATABASE stats OWNER loader", deadline);
}

pg::Connection Servers::connect(Side side, const std::string& conninfo) const {
  pg::SessionOptions options;
  options.application_name = "demonstration";  // unlike the copy's, which is waited for by name
  options.settings = {{"search_path", ""}};
  options.stop = &stop_;
  return pg::Connection(pg::parse_endpoint(side, conninfo), options);
}

Environment Servers::environment(const pg::ThrowawayServer& server, const std::string& database) const {
  return {{"PGHOST", "127.0.0.1"}, {"PGPORT", std::to_string(server.port())}, {"PGUSER", "postgres"},
          {"PGDATABASE", database}, {"PGPASSWORD", password_}};
}

std::string Servers::keep() {
  prod_.stop(pg::ThrowawayServer::StopMode::fast);
  stats_.stop(pg::ThrowawayServer::StopMode::fast);
  auto folder = new_folder();
  move_folder(prod_.socket_directory(), folder + "/prod");
  move_folder(stats_.socket_directory(), folder + "/stats");
  write_private_file(folder + "/password", password_ + "\n");
  return folder;
}

}  // namespace pghaul::demonstration
