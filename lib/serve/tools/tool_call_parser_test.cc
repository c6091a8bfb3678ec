// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_call_parser.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

Json tools() {
  return Json::array({{{"function", {{"name", "add"}}}}, {{"function", {{"name", "look_up"}}}}});
}

// All of `text`, in pieces of `step` bytes.
ToolCallParser::Output parse(std::string_view text, std::size_t step, const Json& offered) {
  ToolCallParser parser(offered);
  ToolCallParser::Output all;
  const auto append = [&](ToolCallParser::Output output) {
    all.text += output.text;
    all.calls.insert(all.calls.end(), output.calls.begin(), output.calls.end());
  };
  for (std::size_t at = 0; at < text.size(); at += step) append(parser.push(text.substr(at, step)));
  append(parser.finish());
  return all;
}

TEST(ToolCallParser, FindsCallsInAllStylesHoweverTheyAreCut) {
  const char* styles[] = {
      "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>",
      "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}}]",
      "[TOOL_CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": 1}}]",
      "[TOOL_CALLS]add[ARGS]{\"a\": 1}",
      "<|python_tag|>{\"name\": \"add\", \"parameters\": {\"a\": 1}}",
      "{\"name\": \"add\", \"parameters\": {\"a\": 1}}",
      "{\"type\": \"function\", \"function\": {\"name\": \"add\", \"arguments\": {\"a\": 1}}}",
      "[{\"name\": \"add\", \"arguments\": {\"a\": 1}}]",
      "```json\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n```",
  };
  for (const char* text : styles) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
      const auto output = parse(text, step, tools());
      ASSERT_EQ(output.calls.size(), 1U) << text << " by " << step;
      EXPECT_EQ(output.calls[0].name, "add");
      EXPECT_EQ(output.calls[0].arguments, "{\"a\":1}");
      EXPECT_EQ(output.text, "") << text;
    }
  }
}

TEST(ToolCallParser, KeepsTheTextBeforeCallsAndFindsSeveral) {
  const auto output = parse(
      "I will add. <tool_call>{\"name\": \"add\"}</tool_call>\n"
      "<tool_call>{\"name\": \"look_up\", \"arguments\": {}}</tool_call>\n",
      1, tools());
  EXPECT_EQ(output.text, "I will add. ");
  ASSERT_EQ(output.calls.size(), 2U);
  EXPECT_NE(output.calls[0].id, output.calls[1].id);
}

TEST(ToolCallParser, LeavesOtherTextAsItIs) {
  const char* texts[] = {
      "Hello",
      "  spaces  ",
      "{\"answer\": 42}",
      "{\"name\": \"unknown\", \"arguments\": {}}",
      "a < b <tool",
      "<tool_call>not json</tool_call>",
      "<tool_call>{\"name\": \"add\"",
      "[1, 2]",
      "```\ncode\n```",
      "[TOOL",
  };
  for (const char* text : texts) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      const auto output = parse(text, step, tools());
      EXPECT_EQ(output.text, text);
      EXPECT_TRUE(output.calls.empty());
    }
  }
}

TEST(ToolCallParser, LooksForNothingWithoutTools) {
  const char* text = "<tool_call>{\"name\": \"add\"}</tool_call>";
  EXPECT_EQ(parse(text, 3, Json()).text, text);
}

TEST(ToolCallParser, ShowsTextAtOnceWhenNoCallCanBegin) {
  ToolCallParser parser(tools());
  EXPECT_EQ(parser.push("He").text, "He");
  EXPECT_EQ(parser.push("llo <").text, "llo ");
  EXPECT_EQ(parser.push("b>").text, "<b>");
}

}  // namespace
}  // namespace pajamas
