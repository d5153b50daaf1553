// What quote.h makes, read by a real server's parser.
#include "pg/quote.h"

#include <optional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pg/connection.h"
#include "support/servers.h"

namespace pghaul::pg {
namespace {

// The parameter is standard_conforming_strings. The database knows no encoding: all bytes but NUL are text there.
class QuoteOnServer : public test::ServersTest, public testing::WithParamInterface<const char*> {
 protected:
  QuoteOnServer() : bytes_database_(database().substr(0, 55) + "_bytes") {
    source_sql("CREATE DATABASE " + quote_identifier(bytes_database_) +
               " TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
    SessionOptions options;
    options.settings = {{"client_encoding", "SQL_ASCII"},
                        {"standard_conforming_strings", GetParam()},
                        {"search_path", ""}};
    const auto endpoint = parse_endpoint(Side::source, test::source_server().conninfo(bytes_database_));
    connection_.emplace(endpoint, options);
  }
  ~QuoteOnServer() override {
    connection_.reset();
    source_sql("DROP DATABASE " + quote_identifier(bytes_database_) + " WITH (FORCE)");
  }

  Result run(const std::string& sql) { return connection_->run(sql, Deadline::after(std::chrono::seconds(30))); }
  std::string answer(const std::string& sql) { return std::string(run(sql).text(0, 0)); }

 private:
  const std::string bytes_database_;
  std::optional<Connection> connection_;
};

// Names hold 63 bytes: all 255 of them take several.
std::vector<std::string> names() {
  std::vector<std::string> list{"a\"b", "\"",  "\"\"", "\\",   "a\\", "'", "a'; DROP TABLE x; --",
                                "SELECT", "A b", "$1",   "\"x"};
  for (int first = 1; first < 256; first += 50) {
    std::string name;
    for (int byte = first; byte < std::min(first + 50, 256); ++byte) name += static_cast<char>(byte);
    list.push_back(name);
  }
  return list;
}

TEST_P(QuoteOnServer, NamesComeBackFromTheCatalog) {
  for (const auto& name : names()) {
    run(fmt::format("CREATE SCHEMA {0}; CREATE TABLE {1} ({0} pg_catalog.int4)", quote_identifier(name),
                    quote_qualified(name, name)));
    const auto found = run(
        "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 WHERE c.relkind = 'r' "
        "ORDER BY c.oid DESC LIMIT 1");
    for (int column = 0; column < 3; ++column) EXPECT_EQ(found.text(0, column), name);
  }
}

TEST_P(QuoteOnServer, LiteralsComeBack) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) {
    all += static_cast<char>(byte);
    const auto text = fmt::format("{0}x'{0}\\{0}", static_cast<char>(byte));
    EXPECT_EQ(answer("SELECT " + quote_literal(text) + "::pg_catalog.text"), text) << byte;
  }
  EXPECT_EQ(answer("SELECT " + quote_literal(all)), all);
  EXPECT_EQ(answer("SELECT " + quote_literal("")), "");
}

// Also right behind a word, where the E of E'' could become part of it.
TEST_P(QuoteOnServer, LiteralsStandAlone) {
  EXPECT_EQ(answer("SELECT 'x'LIKE" + quote_literal("x")), "t");
  EXPECT_EQ(answer("SELECT" + quote_literal("\\n")), "\\n");
}

INSTANTIATE_TEST_SUITE_P(StandardConformingStrings, QuoteOnServer, testing::Values("on", "off"));

}  // namespace
}  // namespace pghaul::pg
