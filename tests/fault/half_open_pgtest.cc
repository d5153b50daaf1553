// Half-open peers: a connection that is there and carries nothing any more, while new ones work. Found within 30 s in
// every phase, with default options.
#include "fault/half_open.h"

namespace pghaul::test {
namespace {

TEST_F(HalfOpen, B6_Source) {
  add("login").at_source().cut(silence(Direction::to_client, 'R', "reader"));
  add("query").at_source().cut(silence(Direction::to_server, 'Q', "reader", 3));
  add("answer").at_source().cut(silence(Direction::to_client, 'C', "reader", 5));
  add("copy_out").at_source().cut(silence(Direction::to_client, 'd', "reader", 1500));
  add("control").at_source().cut(silence(Direction::to_server, 'P', "control", 1, "pg_locks"));
  start_all();
  // Anchors are asked for a sign of life every few seconds: this copy lasts for longer.
  auto& anchor = add("anchor");
  anchor.at_source().cut(silence(Direction::to_server, 'Q', "snapshot", 4));
  anchor.start({"--batch-bytes", "64kB", "--readers", "1", "--sleep", "1500ms"});
  expect_detections();
}

TEST_F(HalfOpen, B7_Target) {
  add("login").at_target().cut(silence(Direction::to_client, 'R', "writer"));
  add("mark").at_target().cut(silence(Direction::to_server, 'P', "writer", 3));
  add("copy_in").at_target().cut(silence(Direction::to_server, 'd', "writer", 3));
  add("copy_done").at_target().cut(silence(Direction::to_server, 'c', "writer", 2));
  auto commit = lose_commit(Cut::silence, "writer"), answer = lose_commit_answer(Cut::silence, "writer");
  commit.nth = answer.nth = 2;
  add("commit").at_target().cut(commit);
  add("commit_answer").at_target().cut(answer);
  add("ledger").at_target().cut(silence(Direction::to_server, 'Q', "ledger", 3));
  add("index").at_target().cut(silence(Direction::to_client, 'C', "index builder", 1, "CREATE INDEX"));
  for (auto& copy : copies_) {
    run_psql(source_conninfo(), fmt::format("CREATE INDEX ON {} (s)", copy.table()));
  }
  start_all();
  expect_detections();
}

}  // namespace
}  // namespace pghaul::test
