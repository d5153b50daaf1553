// Records of progress in a file. Each line is a checksum of 16 hexadecimal digits, a space, and a record.
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pghaul/error.h"
#include "pghaul/progress_store.h"

namespace pghaul {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view first_record = "pghaul-progress 1";
constexpr std::size_t checksum_digits = 16;

// FNV-1a: what is looked for is a torn write or a changed byte, not somebody who forges.
std::uint64_t checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211U;
  return hash;
}

std::string line_of(std::string_view record) { return fmt::format("{:016x} {}\n", checksum(record), record); }

// A line without its end.
bool is_whole(std::string_view line) {
  if (line.size() <= checksum_digits || line[checksum_digits] != ' ') return false;
  const auto record = line.substr(checksum_digits + 1);
  return line_of(record).starts_with(line);
}

class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

class FileProgressStore : public ProgressStore {
 public:
  explicit FileProgressStore(fs::path file) : file_(std::move(file)) {}

  std::string name() const override { return file_.string(); }
  std::vector<std::string> open(const std::string& copy, const Deadline& deadline) override;
  void append(const std::string& record, const Deadline& deadline) override;
  void replace(std::span<const std::string> records, const Deadline& deadline) override;
  void close() noexcept override { open_ = OpenFile(); }

 private:
  Error error(ErrorKind kind, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const;
  OpenFile open_file(const fs::path& path, int flags) const;
  void lock();
  bool is_still_the_file() const;
  std::string content() const;
  std::vector<std::string> records_of(const std::string& text);
  void cut(std::size_t bytes);
  void write_all(int fd, std::string_view text) const;
  void sync_folder() const;

  const fs::path file_;
  OpenFile open_;
  std::size_t size_ = 0;
};

Error FileProgressStore::error(ErrorKind kind, const std::string& what) const {
  return Error(kind, what).on(Side::local).about(name());
}

void FileProgressStore::fail(const std::string& what) const {
  const int number = errno;
  throw error(ErrorKind::failed, what).with_errno(number);
}

OpenFile FileProgressStore::open_file(const fs::path& path, int flags) const {
  OpenFile file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd() < 0) fail("cannot open the file of progress");
  return file;
}

// The file may be replaced between open() and flock(); then the lock is on one that nobody sees any more.
bool FileProgressStore::is_still_the_file() const {
  struct stat here{}, there{};
  return ::fstat(open_.fd(), &here) == 0 && ::stat(file_.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

void FileProgressStore::lock() {
  do {
    open_ = open_file(file_, O_RDWR | O_CREAT);
    if (::flock(open_.fd(), LOCK_EX | LOCK_NB) == 0) continue;
    if (errno != EWOULDBLOCK) fail("cannot lock the file of progress");
    throw error(ErrorKind::refused, "another copy is using this file of progress right now")
        .safe("nothing was written")
        .advise("wait for it, or give this copy a file of its own");
  } while (!is_still_the_file());
}

std::string FileProgressStore::content() const {
  std::string text;
  char block[64 * 1024];
  for (;;) {
    const auto count = ::pread(open_.fd(), block, sizeof block, static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read the file of progress");
    if (count == 0) return text;
    text.append(block, static_cast<std::size_t>(count));
  }
}

void FileProgressStore::cut(std::size_t bytes) {
  if (::ftruncate(open_.fd(), static_cast<off_t>(bytes)) != 0) fail("cannot cut off what a crash left in the file of progress");
  size_ = bytes;
}

// Only the last line can be torn, as each was on disk before the next one was begun. Without it all is as it was before,
// and what was saved meanwhile is saved again.
std::vector<std::string> FileProgressStore::records_of(const std::string& text) {
  std::vector<std::string> records;
  std::size_t at = 0, number = 0;
  while (at < text.size()) {
    ++number;
    const auto end = text.find('\n', at);
    const auto line = std::string_view(text).substr(at, end == std::string::npos ? end : end - at);
    const bool last = end == std::string::npos || end + 1 == text.size();
    if (end == std::string::npos || !is_whole(line)) {
      const bool ours = number > 1 || (end == std::string::npos && line_of(first_record).starts_with(line));
      if (last && ours) break;
      throw error(ErrorKind::refused, number == 1 ? "this is no file of progress of pghaul"
                                                  : fmt::format("the file of progress is damaged in line {}", number))
          .safe("nothing was written")
          .advise("bring it back from a backup, or remove it to begin anew");
    }
    records.emplace_back(line.substr(checksum_digits + 1));
    at = end + 1;
  }
  if (at < text.size()) cut(at);
  size_ = at;
  return records;
}

std::vector<std::string> FileProgressStore::open(const std::string&, const Deadline& deadline) {
  lock();
  auto records = records_of(content());
  if (records.empty()) {
    append(std::string(first_record), deadline);
    sync_folder();
    return {};
  }
  if (records.front() != first_record) throw error(ErrorKind::refused, "the file of progress is of another version of pghaul");
  records.erase(records.begin());
  return records;
}

void FileProgressStore::write_all(int fd, std::string_view text) const {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot write the file of progress");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fdatasync(fd) != 0) fail("cannot write the file of progress");
}

void FileProgressStore::append(const std::string& record, const Deadline&) {
  const auto line = line_of(record);
  if (::lseek(open_.fd(), static_cast<off_t>(size_), SEEK_SET) < 0) fail("cannot write the file of progress");
  write_all(open_.fd(), line);
  size_ += line.size();
}

void FileProgressStore::sync_folder() const {
  const auto folder = fs::absolute(file_).parent_path();
  const OpenFile file = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (::fsync(file.fd()) != 0) fail("cannot write the folder of the file of progress");
}

void FileProgressStore::replace(std::span<const std::string> records, const Deadline&) {
  auto text = line_of(first_record);
  for (const auto& record : records) text += line_of(record);
  const fs::path made = file_.string() + ".new";
  auto file = open_file(made, O_RDWR | O_CREAT | O_TRUNC);
  // Locked before it gets the name, so that nobody comes in between.
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) fail("cannot lock the file of progress");
  write_all(file.fd(), text);
  if (::rename(made.c_str(), file_.c_str()) != 0) fail("cannot replace the file of progress");
  open_ = std::move(file);
  size_ = text.size();
  sync_folder();
}

}  // namespace

ProgressStore::~ProgressStore() = default;

std::shared_ptr<ProgressStore> progress_in_file(fs::path file) {
  return std::make_shared<FileProgressStore>(std::move(file));
}

}  // namespace pghaul
