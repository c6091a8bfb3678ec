// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_call_parser.h"

#include <gtest/gtest.h>

#include "serve/api/answer_json.h"

namespace pajamas {
namespace {

Json tools() {
  return Json::array({{{"function", {{"name", "add"}}}}, {{"function", {{"name", "look_up"}}}}});
}

// What was found in all of `text`, given in pieces of `step` bytes.
struct Found {
  std::string text;
  std::vector<ToolCall> calls;
};
Found parse(std::string_view text, std::size_t step, const Json& offered) {
  ToolCallParser parser(offered);
  ChoiceResult all;
  const auto append = [&](const ToolCallParser::Parts& parts) {
    for (const AnswerPart& part : parts) all.add(part);
  };
  for (std::size_t at = 0; at < text.size(); at += step) append(parser.push(text.substr(at, step)));
  append(parser.finish());
  EXPECT_EQ(parser.calls(), all.tool_calls.size());
  return {all.text, all.tool_calls};
}

// The text of the parts.
std::string shown(const ToolCallParser::Parts& parts) {
  std::string text;
  for (const AnswerPart& part : parts) text += part.text;
  return text;
}

TEST(ToolCallParser, FindsCallsInAllStylesHoweverTheyAreCut) {
  const char* styles[] = {
      "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>",
      "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}}]",
      "[TOOL_CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": 1}}]",
      "[TOOL_CALLS]add[ARGS]{\"a\": 1}",
      "[TOOL_CALLS]add[CALL_ID]f00[ARGS]{\"a\": 1}",
      "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}, \"id\": \"}\"}]",
      "<tool_call>{\"arguments\": {\"a\": 1}, \"name\": \"add\"}</tool_call>",
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
  EXPECT_EQ(shown(parser.push("He")), "He");
  EXPECT_EQ(shown(parser.push("llo <")), "llo ");
  EXPECT_EQ(shown(parser.push("b>")), "<b>");
}

TEST(ToolCallParser, PassesArgumentsOnAsTheyCome) {
  ToolCallParser parser(tools());
  EXPECT_TRUE(parser.push("<tool_call>{\"name\": \"add\", \"argum").empty());
  const auto begun = parser.push("ents\": {\"a\": \"x ");
  ASSERT_EQ(begun.size(), 2U);
  EXPECT_EQ(begun[0].kind, AnswerPart::Kind::kCall);
  EXPECT_EQ(begun[0].tool, "add");
  EXPECT_EQ(begun[1].kind, AnswerPart::Kind::kArguments);
  EXPECT_EQ(begun[1].text, "{\"a\":\"x ");
  EXPECT_EQ(shown(parser.push("\\\" }\", \"b\"")), "\\\" }\",\"b\"");
  EXPECT_EQ(shown(parser.push(": [1, {}]} ")), ":[1,{}]}");
  EXPECT_EQ(shown(parser.push("}</tool_")), "");
  EXPECT_EQ(shown(parser.push("call> bye")), " bye");
  EXPECT_TRUE(parser.finish().empty());
}

TEST(ToolCallParser, GivesWhatThereIsOfACallThatWasCut) {
  for (const char* text : {"<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1",
                           "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1"}) {
    const auto output = parse(text, 1, tools());
    ASSERT_EQ(output.calls.size(), 1U) << text;
    EXPECT_EQ(output.calls[0].arguments, "{\"a\":1");
    EXPECT_EQ(output.text, "");
  }
}

TEST(ToolCallParser, FindsAllCallsOfAList) {
  const char* styles[] = {
      "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {}}, {\"name\": \"look_up\", "
      "\"arguments\": {\"q\": 1}}]",
      "[TOOL_CALLS]add[ARGS]{}[TOOL_CALLS]look_up[ARGS]{\"q\": 1}",
      "<|python_tag|>{\"name\": \"add\", \"parameters\": {}}; {\"name\": \"look_up\", "
      "\"parameters\": {\"q\": 1}}",
      "[{\"name\": \"add\", \"arguments\": {}}, {\"arguments\": {\"q\": 1}, \"name\": "
      "\"look_up\"}]",
      "```json\n[{\"name\": \"add\", \"arguments\": {}}, {\"name\": \"look_up\", "
      "\"arguments\": {\"q\": 1}}]\n```",
  };
  for (const char* text : styles) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      const auto output = parse(text, step, tools());
      ASSERT_EQ(output.calls.size(), 2U) << text;
      EXPECT_EQ(output.calls[1].name, "look_up");
      EXPECT_EQ(output.calls[1].arguments, "{\"q\":1}");
    }
  }
}

TEST(ToolCallParser, KeepsTheSpacesOfTextBehindACall) {
  const auto output = parse(
      "<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>\n\nAll\n\n done", 1, tools());
  EXPECT_EQ(output.text, "All\n\n done");
}

}  // namespace
}  // namespace pajamas
