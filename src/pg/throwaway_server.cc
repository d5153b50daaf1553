#include "pg/throwaway_server.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <thread>

#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul::pg {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

bool has_server(const fs::path& bindir) {
  std::error_code ignored;
  return fs::exists(bindir / "initdb", ignored) && fs::exists(bindir / "postgres", ignored);
}

int version_of(const fs::path& folder) {
  int version = -1;
  const auto name = folder.filename().string();
  std::from_chars(name.data(), name.data() + name.size(), version);
  return version;
}

fs::path newest_debian_bindir() {
  fs::path newest;
  int newest_version = -1;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = version_of(entry.path());
    if (version <= newest_version || !has_server(entry.path() / "bin")) continue;
    newest_version = version;
    newest = entry.path() / "bin";
  }
  return newest;
}

fs::path bindir_by_pg_config() {
  ProcessOptions options;
  options.argv = {"pg_config", "--bindir"};
  try {
    const auto result = run_process(options, Deadline::after(10s));
    return result.output.substr(0, result.output.find('\n'));
  } catch (const Error&) {
    return {};  // not installed
  }
}

fs::path bindir_in_path() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (has_server(folder)) return folder;
  }
  return {};
}

std::string read_file(const std::string& path, std::size_t from = 0) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t size_of(const std::string& path) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  return missing ? 0 : static_cast<std::size_t>(size);
}

Error system_error(const std::string& message, const std::string& object) {
  return Error(ErrorKind::failed, message).on(Side::local).about(object).with_errno(errno);
}

const passwd* unprivileged_user() {
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = ::getpwnam(name); user != nullptr && user->pw_uid != 0) return user;
  }
  throw Error(ErrorKind::failed, "servers do not run as root, and there is no user postgres or nobody")
      .on(Side::local)
      .advise("run this as an ordinary user");
}

bool can_bind(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw system_error("cannot make a socket", "127.0.0.1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

// Below the ports that the kernel gives to clients, so that none of them takes it while the server restarts.
int free_port() {
  std::random_device random;
  std::uniform_int_distribution ports(20'000, 31'999);
  for (int i = 0; i < 1000; ++i) {
    if (const int port = ports(random); can_bind(port)) return port;
  }
  throw Error(ErrorKind::failed, "no free TCP port between 20000 and 31999").on(Side::local);
}

// For a value of a connection string.
std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

std::string line(const std::string& text, int number) {
  std::istringstream lines(text);
  std::string found;
  for (int i = 0; i < number; ++i) {
    if (!std::getline(lines, found)) return "";
  }
  return found;
}

}  // namespace

std::string find_postgres_bindir() {
  if (const char* given = std::getenv("PGHAUL_PG_BINDIR"); given != nullptr && *given != '\0') {
    if (has_server(given)) return fs::absolute(given);
    throw Error(ErrorKind::failed, "PGHAUL_PG_BINDIR: no initdb and postgres there").on(Side::local).about(given);
  }
  if (const auto found = newest_debian_bindir(); !found.empty()) return found;
  if (const auto found = bindir_by_pg_config(); has_server(found)) return found;
  if (const auto found = bindir_in_path(); !found.empty()) return found;
  throw Error(ErrorKind::failed, "no PostgreSQL server is installed")
      .on(Side::local)
      .advise("apt-get install postgresql, or name its folder of programs in PGHAUL_PG_BINDIR");
}

ThrowawayServer::ThrowawayServer(ThrowawayOptions options)
    : options_(std::move(options)),
      bindir_(options_.bindir.empty() ? find_postgres_bindir() : options_.bindir),
      port_(free_port()) {
  if (::geteuid() == 0) {
    const passwd* const user = unprivileged_user();
    uid_ = user->pw_uid;
    gid_ = user->pw_gid;
  }
  try {
    make_folder();
    initialise();
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw;
  }
}

ThrowawayServer::~ThrowawayServer() {
  try {
    stop(StopMode::immediate);
  } catch (const Error&) {  // the Process kills it
  }
  process_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void ThrowawayServer::make_folder() {
  folder_ = (fs::temp_directory_path() / "pghaul-XXXXXX").string();
  // The socket's whole path has to fit sockaddr_un.
  if (folder_.size() > 80) throw Error(ErrorKind::failed, "the path is too long for a socket: set TMPDIR").about(folder_);
  if (::mkdtemp(folder_.data()) == nullptr) throw system_error("cannot make a temporary folder", folder_);
  if (uid_ && ::chown(folder_.c_str(), *uid_, *gid_) != 0) throw system_error("cannot give away the folder", folder_);
}

ProcessOptions ThrowawayServer::as_server_user(std::vector<std::string> argv) const {
  ProcessOptions options;
  options.argv = std::move(argv);
  options.uid = uid_;
  options.gid = gid_;
  options.working_directory = folder_;  // ours may be closed to that user
  options.parent_death_signal = SIGQUIT;
  return options;
}

void ThrowawayServer::initialise() {
  std::vector<std::string> argv{bindir_ + "/initdb", "-D", data_directory(), "-U", "postgres", "-E", options_.encoding,
                                "--locale=" + options_.locale, "--no-sync", "--no-instructions", "-A"};
  const auto password_file = folder_ + "/password";
  if (options_.superuser_password.empty()) {
    argv.push_back("trust");
  } else {
    argv.insert(argv.end(), {"scram-sha-256", "--pwfile=" + password_file});
    std::ofstream(password_file) << options_.superuser_password << '\n';
    if (uid_ && ::chown(password_file.c_str(), *uid_, *gid_) != 0) throw system_error("cannot give it away", password_file);
  }
  const auto result = run_process(as_server_user(argv), Deadline::after(120s));
  fs::remove(password_file);
  if (result.status != 0) {
    throw Error(ErrorKind::failed, fmt::format("initdb failed: {}", result.output)).on(Side::local).about(folder_);
  }
}

void ThrowawayServer::start() {
  if (running()) return;
  const auto deadline = Deadline::after(60s);
  const bool first = !fs::exists(log_file());
  for (auto outcome = try_to_start(deadline); outcome != Startup::ready; outcome = try_to_start(deadline)) {
    if (deadline.expired()) {
      throw Error(ErrorKind::failed, fmt::format("port {} or shared memory stays taken", port_)).about(folder_);
    }
    if (first && outcome == Startup::port_taken) port_ = free_port();
    std::this_thread::sleep_for(50ms);
  }
}

ThrowawayServer::Startup ThrowawayServer::try_to_start(Deadline deadline) {
  std::vector<std::string> argv{bindir_ + "/postgres", "-D", data_directory()};
  std::vector<std::string> settings{"listen_addresses=127.0.0.1", fmt::format("port={}", port_),
                                    "unix_socket_directories=" + folder_};
  if (!options_.fsync) settings.insert(settings.end(), {"fsync=off", "full_page_writes=off"});
  settings.insert(settings.end(), options_.settings.begin(), options_.settings.end());
  for (const auto& setting : settings) argv.insert(argv.end(), {"-c", setting});
  auto options = as_server_user(std::move(argv));
  options.new_session = true;  // Ctrl-C is for us; we stop the server
  options.stdout_file = options.stderr_file = log_file();
  const auto log_begin = size_of(log_file());
  process_.emplace(options);
  return wait_until_ready(deadline, log_begin);
}

ThrowawayServer::Startup ThrowawayServer::wait_until_ready(Deadline deadline, std::size_t log_begin) {
  while (true) {
    // Line 1 of postmaster.pid is the process, which may be a predecessor's; line 8 its status.
    const auto pid_file = read_file(data_directory() + "/postmaster.pid");
    const auto status = line(pid_file, 8);
    const bool mine = line(pid_file, 1) == std::to_string(process_->pid());
    if (mine && (status.starts_with("ready") || status.starts_with("standby"))) return Startup::ready;
    const bool ended = process_->wait(Deadline::after(10ms)).has_value();
    if (!ended && !deadline.expired()) continue;
    process_.reset();
    const auto said = read_file(log_file(), log_begin);
    if (ended && said.find("could not bind") != std::string::npos) return Startup::port_taken;
    // After a SIGKILL its children need a moment to notice.
    if (ended && said.find("pre-existing shared memory") != std::string::npos) return Startup::predecessor_alive;
    throw Error(ErrorKind::failed, fmt::format("the server did not start: {}", said)).on(Side::local).about(folder_);
  }
}

void ThrowawayServer::stop(StopMode mode) {
  if (!process_) return;
  process_->signal(mode == StopMode::fast ? SIGINT : SIGQUIT);
  const bool ended = process_->wait(Deadline::after(60s)).has_value();
  process_.reset();
  if (!ended) throw Error(ErrorKind::failed, "the server did not stop within 60 s").on(Side::local).about(folder_);
}

void ThrowawayServer::restart(StopMode mode) {
  stop(mode);
  start();
}

bool ThrowawayServer::running() {
  if (process_ && process_->wait(Deadline::after(0s)).has_value()) process_.reset();  // it was killed or crashed
  return process_.has_value();
}

std::string ThrowawayServer::conninfo(const std::string& dbname, const std::string& user) const {
  auto text = fmt::format("host=127.0.0.1 port={} dbname={} user={}", port_, quoted(dbname), quoted(user));
  if (user == "postgres" && !options_.superuser_password.empty()) {
    text += " password=" + quoted(options_.superuser_password);
  }
  return text;
}

std::string ThrowawayServer::socket_conninfo(const std::string& dbname, const std::string& user) const {
  const auto tcp = conninfo(dbname, user);
  return "host=" + quoted(folder_) + tcp.substr(tcp.find(' '));
}

}  // namespace pghaul::pg
