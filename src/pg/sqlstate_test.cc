#include "pg/sqlstate.h"

#include <gtest/gtest.h>

namespace pghaul::pg {
namespace {

struct Case {
  const char* code;
  ErrorKind kind;
};

class SqlstateTest : public ::testing::TestWithParam<Case> {};

TEST_P(SqlstateTest, MeansWhatTheTableSays) {
  EXPECT_EQ(classify_sqlstate(GetParam().code), GetParam().kind) << GetParam().code;
}

INSTANTIATE_TEST_SUITE_P(
    EveryClass, SqlstateTest,
    ::testing::Values(
        Case{"08000", ErrorKind::connection_lost}, Case{"08006", ErrorKind::connection_lost},
        Case{"08P01", ErrorKind::failed}, Case{"0A000", ErrorKind::failed}, Case{"22P04", ErrorKind::failed},
        Case{"23505", ErrorKind::failed}, Case{"25006", ErrorKind::failed},
        Case{"25P03", ErrorKind::connection_lost}, Case{"28P01", ErrorKind::failed},
        Case{"40001", ErrorKind::transient}, Case{"40P01", ErrorKind::transient}, Case{"40002", ErrorKind::failed},
        Case{"42501", ErrorKind::failed}, Case{"42P01", ErrorKind::failed}, Case{"53100", ErrorKind::failed},
        Case{"53200", ErrorKind::transient}, Case{"53300", ErrorKind::connection_lost},
        Case{"54000", ErrorKind::failed}, Case{"55P03", ErrorKind::transient}, Case{"55000", ErrorKind::failed},
        Case{"57014", ErrorKind::transient}, Case{"57P01", ErrorKind::connection_lost},
        Case{"57P02", ErrorKind::connection_lost}, Case{"57P03", ErrorKind::connection_lost},
        Case{"57P04", ErrorKind::failed}, Case{"57P05", ErrorKind::connection_lost},
        Case{"58030", ErrorKind::transient}, Case{"58P01", ErrorKind::failed}, Case{"XX000", ErrorKind::transient},
        Case{"XX001", ErrorKind::failed}, Case{"", ErrorKind::failed}, Case{"?????", ErrorKind::failed}));

}  // namespace
}  // namespace pghaul::pg
