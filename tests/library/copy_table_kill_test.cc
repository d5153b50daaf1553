// A process that copies is killed on the way, again and again. A program of its own: it forks, and must have no threads.
#include <filesystem>
#include <fstream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library/copy_table_test.h"
#include "library/folder.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;

class Killed : public CopyTable {
 protected:
  Killed() { options.progress = progress_in_file(folder_.path() / "progress"); }

  Folder folder_;
};

// A process that keeps its target in a file, and is killed with SIGKILL on the way.
class FileWorld {
 public:
  FileWorld(fs::path folder, std::shared_ptr<MemoryWorld> world) : folder_(std::move(folder)), world_(std::move(world)) {
    world_->after = [this](MemoryWorld::Call& call) {
      if (call.name == "save_rows") save();
    };
  }
  // As rename() is one step, and survives the process: what save_rows() has promised.
  void save() const {
    static std::mutex mutex;
    const std::lock_guard one(mutex), lock(world_->mutex);
    {
      std::ofstream file(folder_ / "target.new");
      for (const auto& [id, row] : world_->tables["to"]) file << id << '\n';
    }
    fs::rename(folder_ / "target.new", folder_ / "target");
  }
  void load() const {
    std::ifstream file(folder_ / "target");
    for (std::uint64_t id = 0; file >> id;) world_->tables["to"][id] = row_of(id);
  }

 private:
  const fs::path folder_;
  const std::shared_ptr<MemoryWorld> world_;
};

TEST_F(Killed, InTheMiddleAgainAndAgain) {
  fill(source(), 1, 400);
  fill(source(), 1'000'000, 200);
  const FileWorld file(folder_.path(), world);
  int killed = 0;
  for (int saves = 1;; saves += 3) {
    const auto child = ::fork();
    if (child == 0) {
      file.load();
      std::atomic<int> left{saves};
      world->before = [&](MemoryWorld::Call& call) {
        if (call.name == "save_rows" && left-- == 0) ::kill(::getpid(), SIGKILL);
      };
      try {
        copy();
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    ++killed;
  }
  EXPECT_GE(killed, 3);
  file.load();
  expect_equal();
}

}  // namespace
}  // namespace pghaul::test
