// tools/check_layers finds what it is there for, and nothing else.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/program.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CheckLayers : public testing::Test {
 protected:
  CheckLayers() : root_(fs::temp_directory_path() / ("pghaul_check_layers_" + std::to_string(::getpid()))) {
    write("base/a.h", "#include <string>\n#include \"base/b.h\"\n#include \"pghaul/error.h\"\n");
  }
  ~CheckLayers() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const auto file = root_ / "src" / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  ProgramResult run() const {
    ProcessOptions options;
    options.argv = {PGHAUL_SOURCE_DIR "/tools/check_layers", root_};
    return run_program(options);
  }
  void expect_violation(const std::string& path, const std::string& text, const std::string& message) const {
    write(path, "\n" + text + "\n");
    const auto result = run();
    EXPECT_EQ(result.status, 1) << result;
    EXPECT_EQ(result.err, "src/" + path + ":2: " + message + "\n");
  }

 private:
  fs::path root_;
};

TEST_F(CheckLayers, AllowsWhatTheTableAllows) {
  write("plan/a.cc", "#include \"catalog/table_shape.h\"\n#include \"plan/b.h\"\n");
  write("pg/a.cc", "#include <libpq-fe.h>\n// PQexec(c) blocks\nthrow system_error(1); pg_control_system();\n");
  write("pipeline/a.cc", "#include \"sink/sink.h\"\n");
  write("base/a_test.cc", "#include \"pg/connection.h\"\nsystem(\"true\");\n");
  const auto result = run();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "check_layers: 4 files, 0 violations\n");
}

TEST_F(CheckLayers, AnIncludeThatPointsUp) {
  expect_violation("base/x.h", "#include \"pg/quote.h\"", "base may not use \"pg/quote.h\"");
}

TEST_F(CheckLayers, OneHeaderOfARoomIsNotTheRoom) {
  expect_violation("plan/x.h", "# include \"catalog/catalog.h\"", "plan may not use \"catalog/catalog.h\"");
}

TEST_F(CheckLayers, ThePipelineKnowsNoConcreteSink) {
  expect_violation("pipeline/x.cc", "#include <sink/pg_sink.h>", "pipeline may not use \"sink/pg_sink.h\"");
}

TEST_F(CheckLayers, LibpqOutsideItsRoom) {
  expect_violation("catalog/x.cc", "#include <libpq-fe.h>", "only src/pg may include libpq-fe.h");
}

TEST_F(CheckLayers, APublicHeaderKnowsItselfAndTheStandardLibrary) {
  write("../include/pghaul/a.h", "#include <string>\n#include \"pghaul/b.h\"\n");
  write("../examples/a.cc", "#include <string>\n#include <pghaul/b.h>\n");
  EXPECT_EQ(run().status, 0);
  for (const auto* header : {"<libpq-fe.h>", "<fmt/format.h>", "<spdlog/spdlog.h>", "\"base/log.h\""}) {
    write("../include/pghaul/a.h", std::string("#include ") + header + "\n");
    const auto result = run();
    EXPECT_EQ(result.status, 1) << header;
    EXPECT_THAT(result.err, HasSubstr("include/pghaul/a.h:1: programs that use the library may not have this header"));
  }
}

TEST_F(CheckLayers, WordsWithoutAPlace) {
  expect_violation("command/x.cc", "  std::system (\"ls\");", "system() has no place in src/");
  expect_violation("command/x.cc", "f = popen(\"ls\", \"r\");", "popen() has no place in src/");
  expect_violation("command/x.cc", "PQexec(connection, sql);", "PQexec() has no place in src/");
}

TEST_F(CheckLayers, AHeaderWithoutItsRoom) {
  expect_violation("pg/x.cc", "#include \"quote.h\"", "\"quote.h\": write \"room/file.h\"");
}

TEST_F(CheckLayers, ARoomThatIsNotInTheTable) {
  write("attic/a.cc", "");
  const auto result = run();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("src/attic is no room"));
}

}  // namespace
}  // namespace pghaul::test
