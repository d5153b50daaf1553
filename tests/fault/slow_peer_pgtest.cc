// A peer that is only slow is not mistaken for one that is half open.
#include "fault/half_open.h"

namespace pghaul::test {
namespace {

// Silent for long, but at work: a chunk that is read for long, an index that is built for long; and bytes that trickle.
TEST_F(HalfOpen, B9_SlowIsNotSilent) {
  auto& read = add("slow_read");
  auto& index = add("slow_index");
  auto& line = add("slow_line");
  const auto slow_function = [](int seconds) {
    return fmt::format("CREATE FUNCTION public.slow(bigint) RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
                       "$$BEGIN IF $1 = 12000 THEN PERFORM pg_sleep({}); END IF; RETURN 1; END$$", seconds);
  };
  source_sql(slow_function(0) + "; CREATE INDEX ON t_slow_index (public.slow(id)); "
                                "DELETE FROM t_slow_line WHERE id > 6000");
  target_sql(slow_function(28));
  Traffic traffic;
  traffic.bytes_per_second = 10'000;
  line.at_target().set_traffic(traffic);
  read.start({"--where", "(SELECT pg_catalog.pg_sleep(28)) IS NOT NULL"});
  index.start();
  line.start();
  watch_all();
  for (auto& copy : copies_) copy.expect_no_detection();
}

}  // namespace
}  // namespace pghaul::test
