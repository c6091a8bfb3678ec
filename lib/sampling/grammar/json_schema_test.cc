// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/grammar/grammar_matcher.h"
#include "sampling/grammar/json_grammar.h"
#include "sampling/grammar/pattern_grammar.h"

namespace pajamas {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const TokenTrie> empty_trie() { return TokenTrie::create({}).value(); }

bool schema_accepts(const std::string& gbnf, std::string_view text) {
  const auto grammar = Grammar::parse(gbnf);
  EXPECT_TRUE(grammar) << grammar.error().message << "\n" << gbnf;
  GrammarMatcher matcher(*grammar, empty_trie());
  return matcher.accept_text(text) && matcher.may_end();
}

std::string gbnf_of(std::string_view schema) {
  const auto gbnf = json_schema_to_gbnf(parse_json(schema, "schema", {}).value());
  EXPECT_TRUE(gbnf) << gbnf.error().message;
  return gbnf.value_or("");
}

std::string schema_error_of(std::string_view schema) {
  const auto gbnf = json_schema_to_gbnf(parse_json(schema, "schema", {.max_depth = 200}).value());
  if (!gbnf) return gbnf.error().message;
  const auto grammar = Grammar::parse(*gbnf);
  return grammar ? "no error" : grammar.error().message;
}

struct SchemaCase {
  const char* schema;
  std::vector<const char*> accepted;
  std::vector<const char*> rejected;
};

void check(std::span<const SchemaCase> cases) {
  for (const SchemaCase& one : cases) {
    const std::string gbnf = gbnf_of(one.schema);
    for (const char* text : one.accepted)
      EXPECT_TRUE(schema_accepts(gbnf, text)) << one.schema << " on " << text << "\n" << gbnf;
    for (const char* text : one.rejected)
      EXPECT_FALSE(schema_accepts(gbnf, text)) << one.schema << " on " << text << "\n" << gbnf;
  }
}

TEST(JsonSchema, ObjectsKeepTheOrderOfTheirProperties) {
  const SchemaCase cases[] = {
      {R"({"type":"object","properties":{"z":{"type":"null"},"a":{"type":"boolean"}},"required":["z","a"]})",
       {R"({"z":null,"a":true})", "{ \"z\" : null , \"a\" : false }",
        "{\n  \"z\": null,\n  \"a\": true\n}"},
       {R"({"a":true,"z":null})", R"({"z":null})", "{}", R"({"z":null,"a":true,})"}},
      {R"({"properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["b"]})",
       {R"({"b":null})", R"({"a":null,"b":null})", R"({"b":null,"c":null})"},
       {R"({"a":null})", R"({"a":null "b":null})", R"({,"b":null})", R"({"b":null,"d":null})"}},
      {R"({"type":"object","properties":{},"additionalProperties":false})",
       {"{}", "{ }"},
       {R"({"a":1})"}},
      {R"({"properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"integer"}})",
       {R"({"ab":null,"a":1,"abc":2,"":3})", R"({"x":1})", "{}"},
       {R"({"ab":1})", R"({"a":null})", R"({"a":1,"ab":null})"}},
      {R"({"required":["k"],"additionalProperties":{"type":"integer"}})",
       {R"({"k":1,"m":2})"},
       {R"({"m":2})"}},
      {R"({"properties":{"q\"\n":{"type":"null"}},"required":["q\"\n"]})",
       {R"({"q\"\n":null})"},
       {R"({"q":null})"}},
  };
  check(cases);
}

TEST(JsonSchema, ArraysStringsAndNumbers) {
  const SchemaCase cases[] = {
      {R"({"type":"array","items":{"type":"null"},"minItems":1,"maxItems":2})",
       {"[null]", "[null, null]"},
       {"[]", "[null,null,null]", "[null,]"}},
      {R"({"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}]})",
       {"[]", "[null]", "[null,true]"},
       {"[true]", "[null,true,1]"}},
      {R"({"type":"array","items":[{"type":"null"}],"additionalItems":{"type":"integer"},"maxItems":3})",
       {"[]", "[null,1,2]"},
       {"[1]", "[null,1,2,3]"}},
      {R"({"type":"array","items":false})", {"[]"}, {"[1]"}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("ab")", R"("éé😀")", R"("\n\"")", R"("\u00e9x")"},
       {R"("a")", R"("abcd")", R"("\ud83dx")"}},
      {R"({"type":"integer"})", {"0", "-12", "7"}, {"01", "1.0", "", "+1", "1e5"}},
      {R"({"type":"number"})", {"0", "-1.5e-10", "1E5"}, {".5", "1.", "1e", "NaN"}},
      {R"({"type":["string","null"]})", {"null", R"("")"}, {"1"}},
      {R"({"type":"boolean","nullable":true})", {"null", "true"}, {"1"}},
      {R"({"const":[1,{"a":"b"}]})", {R"([1,{"a":"b"}])"}, {"[1]"}},
      {R"({"enum":["a",2,null],"type":["string","integer"]})", {R"("a")", "2"}, {"null"}},
      {"true", {"1", "[]", R"({"a":[{}]})"}, {"", "x"}},
  };
  check(cases);
}

TEST(JsonSchema, ReferencesAndCombinations) {
  const SchemaCase cases[] = {
      {R"({"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}},"$ref":"#/$defs/t"})",
       {"[]", "[[],[[]]]"},
       {"[1]"}},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}}})",
       {"{}", R"({"next":{"next":{}}})"},
       {R"({"next":1})"}},
      {R"({"properties":{"a/b":{"type":"null"}},"anyOf":[{"$ref":"#/properties/a~1b"},{"$ref":"#/properties/a%7E1b"}]})",
       {},
       {"1"}},
      {R"({"anyOf":[{"type":"null"},{"const":1}]})", {"null", "1"}, {"2"}},
      {R"({"minimum":1,"anyOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":8,"maximum":9}]})",
       {"1", "3", "8"},
       {"0", "4", "10"}},
      {R"({"allOf":[{"type":"integer","minimum":1},{"maximum":3},{"allOf":[{"minimum":2}]}]})",
       {"2", "3"},
       {"1", "4"}},
      {R"({"allOf":[{"type":["string","null"]},{"type":["null","integer"]}]})", {"null"}, {"1"}},
      {R"({"$defs":{"n":{"type":"integer"}},"$ref":"#/$defs/n","maximum":5,"minimum":5})",
       {"5"},
       {"6"}},
  };
  check(cases);
}

TEST(JsonSchema, UnsupportedAndWrongSchemasAreNamed) {
  EXPECT_THAT(
      schema_error_of(R"({"properties":{"a":{"multipleOf":2}}})"),
      HasSubstr("JSON schema at #/properties/a: the keyword 'multipleOf' is not supported"));
  EXPECT_THAT(schema_error_of(R"({"not":{}})"), HasSubstr("'not' is not supported"));
  EXPECT_THAT(schema_error_of(R"({"type":"strin"})"), HasSubstr("'strin' is no type of JSON"));
  EXPECT_THAT(schema_error_of("false"), HasSubstr("found false"));
  EXPECT_THAT(schema_error_of("[]"), HasSubstr("found array"));
  EXPECT_THAT(schema_error_of(R"({"$ref":"other.json"})"), HasSubstr("leads out of the schema"));
  EXPECT_THAT(schema_error_of(R"({"$ref":"#/$defs/x"})"), HasSubstr("names nothing in the schema"));
  EXPECT_THAT(schema_error_of(R"({"$ref":"#"})"), HasSubstr("left recursion"));
  EXPECT_THAT(schema_error_of(R"({"allOf":[{"$ref":"#"}]})"), HasSubstr("left recursion"));
  EXPECT_THAT(schema_error_of(R"({"$ref":"#","minimum":1})"),
              HasSubstr("or a reference to itself"));
  EXPECT_THAT(schema_error_of(R"({"type":"integer","minimum":5,"maximum":4})"),
              HasSubstr("no integer lies between 5 and 4"));
  EXPECT_THAT(schema_error_of(R"({"type":"number","minimum":0.2,"maximum":0.8})"),
              HasSubstr("no integer lies in the range"));
  EXPECT_THAT(schema_error_of(R"({"type":"string","minLength":3,"maxLength":2})"),
              HasSubstr("'minLength' is over 'maxLength'"));
  EXPECT_THAT(schema_error_of(R"({"type":"string","maxLength":2000000})"),
              HasSubstr("expected 0 to 100000"));
  EXPECT_THAT(schema_error_of(R"({"type":"string","pattern":"a","minLength":2})"),
              HasSubstr("more than one of 'pattern'"));
  EXPECT_THAT(schema_error_of(R"({"enum":[1],"minimum":0})"), HasSubstr("'minimum' beside 'enum'"));
  EXPECT_THAT(schema_error_of(R"({"type":"string","enum":[1]})"),
              HasSubstr("no listed value has the type"));
  EXPECT_THAT(schema_error_of(R"({"properties":{},"required":["a"],"additionalProperties":false})"),
              HasSubstr("'a' is required"));
  EXPECT_THAT(schema_error_of(R"({"minProperties":1})"),
              HasSubstr("'minProperties' and 'maxProperties'"));
  EXPECT_THAT(
      schema_error_of(
          R"({"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]})"),
      HasSubstr("name it in both parts"));
  EXPECT_THAT(schema_error_of(R"({"minItems":2,"items":false})"),
              HasSubstr("more items than there are"));
}

TEST(JsonSchema, HostileSchemasAreErrorsInLittleTime) {
  std::string deep = R"({"type":"null"})";
  for (int level = 0; level < 80; ++level) deep = R"({"items":)" + deep + "}";
  EXPECT_THAT(schema_error_of(deep), HasSubstr("nested deeper than 64 levels"));
  std::string wide = R"({"enum":[0)";
  for (int value = 1; value < 30'000; ++value) wide += fmt::format(",{}", value);
  EXPECT_THAT(schema_error_of(wide + "]}"), HasSubstr("more than 20000 values"));
  // Each definition uses the next twice; the rules are shared, so this is small.
  std::string shared = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int level = 0; level < 50; ++level) {
    shared += fmt::format(
        R"("d{0}":{{"prefixItems":[{{"$ref":"#/$defs/d{1}"}},{{"$ref":"#/$defs/d{1}"}}]}},)", level,
        level + 1);
  }
  EXPECT_EQ(schema_error_of(shared + R"("d50":{"type":"null"}}})"), "no error");
}

// Exhaustive over small bounds, and every integer around them.
TEST(JsonSchema, IntegerRangesAreExact) {
  for (std::int64_t least = -23; least <= 112; least += 9) {
    for (std::int64_t most = least; most <= 115; most += 7) {
      const auto grammar = Grammar::parse("root ::= " + integers_in({least, most}).value()).value();
      GrammarMatcher matcher(grammar, empty_trie());
      for (std::int64_t value = -130; value <= 1200; ++value) {
        matcher.reset();
        const bool accepted = matcher.accept_text(std::to_string(value)) && matcher.may_end();
        ASSERT_EQ(accepted, least <= value && value <= most)
            << value << " in " << least << ".." << most;
      }
    }
  }
}

TEST(JsonSchema, OpenAndLargeRanges) {
  const auto in = [](const IntegerRange& range, const char* text) {
    return schema_accepts("root ::= " + integers_in(range).value(), text);
  };
  EXPECT_TRUE(in({.least = 98}, "98") && in({.least = 98}, "100000"));
  EXPECT_FALSE(in({.least = 98}, "97") || in({.least = 98}, "-98") || in({.least = 98}, "0099"));
  EXPECT_TRUE(in({.most = -5}, "-5") && in({.most = -5}, "-60000"));
  EXPECT_FALSE(in({.most = -5}, "-4") || in({.most = -5}, "0"));
  EXPECT_TRUE(in({.least = INT64_MIN, .most = INT64_MAX}, "-9223372036854775808"));
  EXPECT_FALSE(in({.least = INT64_MIN, .most = INT64_MAX}, "9223372036854775808"));
  const auto number = [](const NumberRange& range, const char* text) {
    return schema_accepts("root ::= " + numbers_in(range).value(), text);
  };
  const NumberRange unit{.least = 0, .most = 1, .excludes_most = true};
  EXPECT_TRUE(number(unit, "0") && number(unit, "0.5") && number(unit, "0.999999"));
  EXPECT_FALSE(number(unit, "1") || number(unit, "-0.5") || number(unit, "1.5"));
  EXPECT_TRUE(number({.least = -1}, "-0.25") && number({.least = -1}, "3.75"));
  EXPECT_FALSE(number({.least = -1}, "-1.25"));
}

TEST(JsonSchema, PatternsInsideStrings) {
  struct PatternCase {
    const char* pattern;
    std::vector<const char*> accepted;
    std::vector<const char*> rejected;
  };
  const PatternCase cases[] = {
      {"^[A-Z]{2}-\\d+$", {"AB-1", "ZZ-099"}, {"A-1", "AB-", "xAB-1"}},
      {"^(ab|c)*?$", {"", "abc", "cc"}, {"a"}},
      {"b", {"abc", "b", "\\\"b"}, {"ac", ""}},
      {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
      {"^.$", {"x", "é", "\\\"", "\\\\"}, {"", "xx", "\\n"}},
      {"^[^\\w-]$", {"!", "\\t"}, {"a", "-", "_"}},
      {"^(?:x[\\]\\-])+\\.$", {"x]x-."}, {"x]"}},
      {"^\\x41\\u0042\\/$", {"AB/"}, {"AB"}},
      {"^$", {""}, {"a"}},
  };
  for (const PatternCase& one : cases) {
    const std::string gbnf = "root ::= " + pattern_to_gbnf(one.pattern).value() +
                             "\nchar ::= [^\"\\\\] | \"\\\\\" [\"\\\\]\n";
    for (const char* text : one.accepted)
      EXPECT_TRUE(schema_accepts(gbnf, text)) << one.pattern << " on " << text;
    for (const char* text : one.rejected)
      EXPECT_FALSE(schema_accepts(gbnf, text)) << one.pattern << " on " << text;
  }
  for (const char* bad : {"(?=a)", "\\b", "a^b", "(a$)", "[b-a]", "*", "(a", "[a", "a{x}", "\\1",
                          "a)", "a++", "\\k"}) {
    EXPECT_FALSE(pattern_to_gbnf(bad)) << bad;
  }
  EXPECT_THAT(pattern_to_gbnf(std::string(60'000, '(')).error().message,
              HasSubstr("nested deeper"));
}

TEST(JsonSchema, FormatsAreTrueDates) {
  const SchemaCase cases[] = {
      {R"({"type":"string","format":"date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("2023-12-31")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")",
        R"("0000-01-01")"}},
      {R"({"type":"string","format":"date-time"})",
       {R"("2024-01-01T23:59:59.5+01:00")"},
       {R"("2024-01-01T24:00:00Z")"}},
      {R"({"type":"string","format":"uuid"})",
       {R"("123e4567-e89b-12d3-a456-426614174000")"},
       {R"("123e4567")"}},
      {R"({"type":"string","format":"color"})", {R"("any")"}, {"1"}},
  };
  check(cases);
}

TEST(JsonObject, IsAnyObjectAndNothingElse) {
  const std::string gbnf = json_object_gbnf();
  EXPECT_TRUE(schema_accepts(gbnf, R"({"a": [1, {"b": null}, "c\n"], "d": -1.5e3})"));
  EXPECT_TRUE(schema_accepts(gbnf, "{}"));
  for (const char* text : {"[]", "1", "", "{", R"({"a"})", R"({'a':1})"})
    EXPECT_FALSE(schema_accepts(gbnf, text)) << text;
}

}  // namespace
}  // namespace pajamas
