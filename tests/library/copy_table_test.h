// A source and a target in memory, and a copy between them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "library/memory_database.h"

namespace pghaul::test {

class CopyTable : public testing::Test {
 protected:
  CopyTable() {
    options.batch_size = 10;
    options.retry_pause = std::chrono::milliseconds(1);
    options.progress = progress;
  }

  MemoryTable& source() { return world->tables["from"]; }
  MemoryTable& target() { return world->tables["to"]; }
  CopySummary copy(bool full = false) { return copy_table(pool, "from", "to", full, options); }
  // The error that the copy must end with.
  Error failure(bool full = false) {
    try {
      copy(full);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "the copy went through";
    return Error(ErrorKind::usage, "");
  }
  void expect_equal() {
    const std::lock_guard lock(world->mutex);
    EXPECT_EQ(world->tables["from"].size(), world->tables["to"].size());
    EXPECT_TRUE(world->tables["from"] == world->tables["to"]);
  }
  int calls(const std::string& name) const {
    const std::lock_guard lock(world->mutex);
    const auto found = world->calls.find(name);
    return found == world->calls.end() ? 0 : found->second;
  }

  const std::shared_ptr<MemoryWorld> world = std::make_shared<MemoryWorld>();
  const std::shared_ptr<MemoryProgress> progress = std::make_shared<MemoryProgress>();
  const std::shared_ptr<MemoryPool> pool = std::make_shared<MemoryPool>(world);
  CopyOptions options;
};

}  // namespace pghaul::test
