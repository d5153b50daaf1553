#include "pghaul/error.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

TEST(Error, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(exit_code(ErrorKind::usage), 2);
  EXPECT_EQ(exit_code(ErrorKind::refused), 3);
  EXPECT_EQ(exit_code(ErrorKind::stopped), 4);
  EXPECT_EQ(exit_code(ErrorKind::failed), 5);
  EXPECT_EQ(exit_code(ErrorKind::transient), 5);
  EXPECT_EQ(exit_code(ErrorKind::connection_lost), 5);
}

TEST(Error, ABareMessage) {
  const Error error(ErrorKind::failed, "no luck");
  EXPECT_EQ(error.headline(), "no luck");
  EXPECT_EQ(error.story(), "no luck");
}

TEST(Error, TheWholeStory) {
  const auto error = Error(ErrorKind::failed, "division by zero")
                         .on(Side::source)
                         .about("public.profiles")
                         .in_range("id in [1, 5000)")
                         .with_sqlstate("22012")
                         .with_detail("row 7")
                         .safe("12 chunks are done")
                         .advise("run the same command again");
  EXPECT_EQ(error.headline(), "source: public.profiles: id in [1, 5000): division by zero [SQLSTATE 22012]");
  EXPECT_EQ(error.story(), error.headline() + "\n  safe:   12 chunks are done\n  next:   run the same command again");
  EXPECT_EQ(error.story(true), error.headline() + "\n  detail: row 7\n  safe:   12 chunks are done\n"
                                                  "  next:   run the same command again");
}

TEST(Error, SystemErrorsAreNamed) {
  EXPECT_EQ(Error(ErrorKind::failed, "cannot open").on(Side::local).with_errno(ENOENT).headline(),
            "local: cannot open [errno 2: No such file or directory]");
}

TEST(Error, OnlyTransientAndLostMayBeTriedAgain) {
  EXPECT_TRUE(Error(ErrorKind::transient, "").retryable());
  EXPECT_TRUE(Error(ErrorKind::connection_lost, "").retryable());
  for (const auto kind : {ErrorKind::usage, ErrorKind::refused, ErrorKind::stopped, ErrorKind::failed}) {
    EXPECT_FALSE(Error(kind, "").retryable());
  }
  EXPECT_FALSE(Error(ErrorKind::transient, "").become(ErrorKind::failed).retryable());
}

// A server may say several lines; whoever reads ours must not take them for lines of ours.
TEST(Error, S31_EachPartIsOneLine) {
  const auto error = Error(ErrorKind::failed, "one\n\ttwo \r\n three\npghaul: b")
                         .on(Side::source)
                         .with_detail("a\n  safe: b")
                         .safe("c\n")
                         .advise("d\te");
  EXPECT_EQ(error.headline(), "source: one two three pghaul: b");
  EXPECT_EQ(error.story(true), "source: one two three pghaul: b\n  detail: a safe: b\n  safe:   c\n  next:   d e");
}

}  // namespace
}  // namespace pghaul
