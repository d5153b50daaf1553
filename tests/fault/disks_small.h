// File systems that are full when the test wants it.
#pragma once

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "pghaul/error.h"

namespace pghaul::test {

// A tmpfs in a folder of its own, owned like `model`. Errors: failed, with errno: only root may mount.
class SmallDisk {
 public:
  SmallDisk(const std::string& size, const std::string& model) {
    if (::mkdtemp(folder_.data()) == nullptr) throw_errno("cannot make a folder");
    struct stat owner{};
    if (::stat(model.c_str(), &owner) != 0) throw_errno("cannot see who owns " + model);
    options_ = fmt::format("uid={},gid={},mode=0700", owner.st_uid, owner.st_gid);
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, with_size(size).c_str()) != 0) {
      const int reason = errno;
      ::rmdir(folder_.c_str());
      errno = reason;
      throw_errno("cannot mount a tmpfs");
    }
  }
  ~SmallDisk() {
    ::umount2(folder_.c_str(), MNT_DETACH);
    ::rmdir(folder_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& folder() const { return folder_; }
  void resize(const std::string& size) const {
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, with_size(size).c_str()) != 0)
      throw_errno("cannot resize");
  }
  // Takes all the room that is left; give_room() gives it back.
  void fill() const {
    std::ofstream file(ballast(), std::ios::binary | std::ios::app);
    const std::string block(64 * 1024, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void give_room() const { std::filesystem::remove(ballast()); }

  // Root may mount, but not in every container.
  static bool possible() {
    if (::geteuid() != 0) return false;
    try {
      const SmallDisk disk("1m", "/");
      return true;
    } catch (const Error&) {
      return false;
    }
  }

 private:
  std::string with_size(const std::string& size) const { return options_ + ",size=" + size; }
  std::string ballast() const { return folder_ + "/ballast"; }
  [[noreturn]] void throw_errno(const std::string& what) const {
    throw Error(ErrorKind::failed, what + ": " + std::strerror(errno))
        .on(Side::local)
        .about(folder_)
        .with_errno(errno);
  }

  std::string folder_ = (std::filesystem::temp_directory_path() / "pghaul-disk-XXXXXX").string();
  std::string options_;
};

}  // namespace pghaul::test
