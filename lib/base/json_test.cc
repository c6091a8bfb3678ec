// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using ::testing::HasSubstr;

std::string problem_of(std::string_view text, const JsonLimits& limits = {}) {
  const Result<Json> parsed = parse_json(text, "doc", limits);
  return parsed ? "" : parsed.error().message;
}

TEST(Json, KeepsValuesAndTheOrderOfKeys) {
  const Result<Json> parsed =
      parse_json(R"({"z":1,"a":[true,null,-2,1.5,"x\u00e9"],"m":{"k":{}}})", "doc", {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), "{\"z\":1,\"a\":[true,null,-2,1.5,\"x\xc3\xa9\"],\"m\":{\"k\":{}}}");
}

TEST(Json, TakesAScalarDocument) {
  const Result<Json> parsed = parse_json("7", "doc", {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->get<int>(), 7);
}

TEST(Json, RejectsADuplicateKeyInSmallAndLargeObjects) {
  EXPECT_THAT(problem_of(R"({"a":1,"b":2,"a":3})"), HasSubstr("doc: the key 'a' stands twice"));
  std::string large = "{";
  for (int member = 0; member < 100; ++member) large += fmt::format("\"k{}\":0,", member);
  EXPECT_EQ(problem_of(large + "\"k100\":0}"), "");
  EXPECT_THAT(problem_of(large + "\"k0\":0}"), HasSubstr("the key 'k0' stands twice"));
  EXPECT_THAT(problem_of(large + "\"k99\":0}"), HasSubstr("the key 'k99' stands twice"));
}

TEST(Json, TakesTheSameKeyInDifferentObjects) {
  EXPECT_EQ(problem_of(R"([{"a":{"a":1}},{"a":2}])"), "");
}

TEST(Json, RejectsNestingOverTheLimit) {
  EXPECT_EQ(problem_of(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_THAT(problem_of(std::string(65, '[') + std::string(65, ']')),
              HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(problem_of(std::string(1'000'000, '[')), HasSubstr("nested deeper"));
}

TEST(Json, RejectsBrokenText) {
  EXPECT_THAT(problem_of(R"({"a":)"), HasSubstr("not valid JSON near byte"));
  EXPECT_THAT(problem_of("[1,2] x"), HasSubstr("not valid JSON"));
  EXPECT_THAT(problem_of("\"\xff\""), HasSubstr("not valid JSON"));
  EXPECT_THAT(problem_of(""), HasSubstr("not valid JSON"));
}

TEST(Json, RejectsTextOverTheByteLimit) {
  EXPECT_THAT(problem_of("[1,2,3]", {.max_bytes = 6}), HasSubstr("7 bytes of JSON"));
}

TEST(Json, GettersNameTheKeyThatIsWrong) {
  const Json object =
      parse_json(R"({"n":"x","f":4096.0,"big":18446744073709551615})", "d", {}).value();
  EXPECT_EQ(get_int(object, "f").value(), 4096);
  EXPECT_EQ(get_int(object, "absent").value(), std::nullopt);
  EXPECT_THAT(get_int(object, "n").error().message, HasSubstr("'n' is \"x\", expected an integer"));
  EXPECT_THAT(get_int(object, "big").error().message, HasSubstr("below 2^63"));
  EXPECT_THAT(get_bool(object, "n").error().message, HasSubstr("expected true or false"));
}

}  // namespace
}  // namespace pajamas
