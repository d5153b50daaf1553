// A comparison to which something happens.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "fault/fault_run.h"
#include "support/temporary_folder.h"

namespace pghaul::test {

// Compares the workload's tables, which both servers have; of every second seed some rows of the target are
// others. Goes on by --state. Each outcome is held against what psql knows of the rows, and neither server
// may be changed.
class VerifyRun : public FaultRun {
 public:
  explicit VerifyRun(std::uint64_t seed) : FaultRun(seed) {}

  void use(const Workload& workload) override;
  // 0 for equal tables, 1 for others.
  int through() const override;
  std::int64_t chunks_done() const override;
  const std::vector<std::string_view>& failpoints() const override;

 protected:
  Arguments command() const override;
  void judge_work(const ProgramResult& result) override;
  void judge_outcome() override;

  // What psql knows of a table.
  struct Truth {
    std::multiset<std::string> different;  // "id=5 1:0": one on the source, none on the target
    std::int64_t source_rows = 0, target_rows = 0;
  };
  // Whether the report of a table is the truth, all of it; or, of a comparison that was not finished, a part.
  virtual bool is_true(const nlohmann::json& table, const Truth& truth) const;
  virtual bool is_part(const nlohmann::json& table, const Truth& truth) const;

  // Changes the target, and finds out what is true then.
  void make_differences();
  void keep_without_snapshot(Workload workload);

 private:
  bool should_differ() const;
  std::string changes() const;
  Truth ask_truth(const std::string& table, const std::string& key) const;
  std::string state_file() const { return folder_.file("verify.state"); }
  void expect_complete(const std::string& report);
  void expect_no_lie(const std::string& report);

  TemporaryFolder folder_;
  std::map<std::string, Truth> truth_;  // by table, as "public.profiles"
  std::string objects_;                 // of both servers, before anything was compared
  std::int64_t recorded_ = 0;           // chunks, when the last process had ended
};

// The same without the source: the tables are copied first, and the ledger is held against the target.
class LedgerCheckRun : public VerifyRun {
 public:
  using VerifyRun::VerifyRun;

  void use(const Workload& workload) override;

 protected:
  Arguments command() const override;
  void judge_work(const ProgramResult& result) override;
  bool is_true(const nlohmann::json& table, const Truth& truth) const override;
  bool is_part(const nlohmann::json& table, const Truth& truth) const override;

 private:
  bool copied_ = false;
};

}  // namespace pghaul::test
