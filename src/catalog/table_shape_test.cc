#include "catalog/table_shape.h"

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul::catalog {
namespace {

TableName named(const char* schema, const char* name) { return {schema, name}; }

TEST(ParseTableName, PlainNames) {
  EXPECT_EQ(parse_table_name("profiles"), named("public", "profiles"));
  EXPECT_EQ(parse_table_name("sales.profiles"), named("sales", "profiles"));
  EXPECT_EQ(parse_table_name("Sales.Profiles"), named("sales", "profiles")) << "folded as in SQL";
  EXPECT_EQ(parse_table_name("my-table"), named("public", "my-table"));
}

TEST(ParseTableName, QuotedNames) {
  EXPECT_EQ(parse_table_name("\"Sales\".\"Big Table\""), named("Sales", "Big Table"));
  EXPECT_EQ(parse_table_name("sales.\"a.b\""), named("sales", "a.b"));
  EXPECT_EQ(parse_table_name("\"say \"\"hi\"\"\""), named("public", "say \"hi\""));
}

TEST(ParseTableName, RefusesWhatIsNoName) {
  for (const char* text : {"", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b", "a\"b\"", "\"\"", "a.\"b\".c", "a.\"b\"c"}) {
    try {
      parse_table_name(text);
      ADD_FAILURE() << "taken: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
    }
  }
}

TEST(TableName, DisplayCanBeParsedAgain) {
  EXPECT_EQ(named("public", "profiles").display(), "public.profiles");
  EXPECT_EQ(named("public", "Big \"T\"").display(), "public.\"Big \"\"T\"\"\"");
  for (const TableName& name : {named("s", "t"), named("S", "a.b"), named("a b", "\""), named("x", "1st")}) {
    EXPECT_EQ(parse_table_name(name.display()), name);
  }
}

TEST(TableName, SqlIsAlwaysQuoted) {
  EXPECT_EQ(named("public", "profiles").sql(), "\"public\".\"profiles\"");
}

Column column(const char* name, const char* type, bool not_null = false) {
  Column result;
  result.name = name;
  result.type = type;
  result.not_null = not_null;
  return result;
}

TEST(Fingerprint, TellsWhatChangesHowRowsTravel) {
  TableShape shape;
  shape.columns = {column("id", "bigint", true), column("data", "jsonb")};
  const std::string before = shape.fingerprint();
  EXPECT_EQ(before, "\"id\" bigint not null, \"data\" jsonb");

  const auto changed = [&](auto change) {
    TableShape other = shape;
    change(other.columns);
    return other.fingerprint() != before;
  };
  EXPECT_TRUE(changed([](auto& columns) { columns[1].name = "body"; }));
  EXPECT_TRUE(changed([](auto& columns) { columns[1].type = "json"; }));
  EXPECT_TRUE(changed([](auto& columns) { columns[1].not_null = true; }));
  EXPECT_TRUE(changed([](auto& columns) { columns[1].generated = "'{}'::jsonb"; }));
  EXPECT_TRUE(changed([](auto& columns) { std::swap(columns[0], columns[1]); }));
  EXPECT_FALSE(changed([](auto& columns) { columns[1].has_default = true; }));
}

TEST(Fingerprint, NamesCannotImitateOtherColumns) {
  TableShape one, two;
  one.columns = {column("a\" text, \"b", "text")};
  two.columns = {column("a", "text"), column("b", "text")};
  EXPECT_NE(one.fingerprint(), two.fingerprint());
}

TEST(TableShape, FindsColumnsByExactName) {
  TableShape shape;
  shape.columns = {column("id", "bigint")};
  ASSERT_NE(shape.column("id"), nullptr);
  EXPECT_EQ(shape.column("ID"), nullptr);
}

Index btree(const std::string& first) {
  Index index;
  index.name = first + "_index";
  index.columns = {first, "other"};
  index.definition_tail = "USING btree (" + first + ", other)";
  return index;
}

TEST(RangeIndex, HasToBeAWholeValidBTreeThatBeginsWithTheColumn) {
  TableShape shape;
  shape.indexes = {btree("at"), btree("id")};
  EXPECT_EQ(shape.range_index("id"), "id_index");
  EXPECT_EQ(shape.range_index("other"), "");
  const auto without = [&](auto change) {
    TableShape changed = shape;
    change(changed.indexes[1]);
    return changed.range_index("id").empty();
  };
  EXPECT_TRUE(without([](Index& index) { index.valid = false; }));
  EXPECT_TRUE(without([](Index& index) { index.partial = true; }));
  EXPECT_TRUE(without([](Index& index) { index.definition_tail = "USING brin (id)"; }));
  EXPECT_TRUE(without([](Index& index) { index.columns[0] = ""; }));
}

TEST(RangeIndex, OfAnInheritanceTreeIsThatOfItsKey) {
  TableShape shape;
  shape.indexes = {btree("id")};
  shape.members.resize(2);
  EXPECT_EQ(shape.range_index("id"), "");
  shape.key = IntegerKey{"id", "bigint", false, "id_index", true};
  EXPECT_EQ(shape.range_index("id"), "id_index");
  EXPECT_EQ(shape.range_index("at"), "");
  shape.key.reset();
  shape.kind = 'p';
  EXPECT_EQ(shape.range_index("id"), "id_index");
}

}  // namespace
}  // namespace pghaul::catalog
