// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/call_watch.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

// What the watch gives for a text in pieces of `step` bytes; "" when it sees no call.
std::string first_call(std::string_view text, std::size_t step) {
  CallWatch watch;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (const auto call = watch.push(text.substr(at, step))) return call->json;
  }
  return "";
}

TEST(CallWatch, SeesWhereACallBegins) {
  for (const char* text :
       {"Let me see <tool_call>\n{", "[TOOL_CALLS][{", "[TOOL_CALLS] [ {", "<|python_tag|>{"}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
      EXPECT_EQ(first_call(text, step), "{") << text;
    }
  }
  EXPECT_EQ(first_call(" { \"name\": ", 1), "{ \"name\"");
}

TEST(CallWatch, SeesNoneInOtherText) {
  for (const char* text : {"a {\"name\": 1}", "{\"answer\": 1}", "<tool_call> none {", "<tool {"}) {
    EXPECT_EQ(first_call(text, 1), "") << text;
  }
}

TEST(CallWatch, SeesTheNextCallOfAListAndOfTags) {
  CallWatch watch;
  EXPECT_EQ(watch.push("[TOOL_CALLS][{")->json, "{");
  watch.end_call();
  EXPECT_EQ(watch.push(", {\"n")->json, "{\"n");
  watch.end_call();
  EXPECT_FALSE(watch.push("\n</tool_call>\n<tool_call>"));
  EXPECT_EQ(watch.push("{")->json, "{");
}

TEST(CallWatch, SeesTheArgumentsOfANamedTool) {
  CallWatch watch;
  for (const char* piece : {"So [TOOL_CALLS]", "add", "[ARGS]"}) EXPECT_FALSE(watch.push(piece));
  const auto first = watch.push(" {\"");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->json, "{\"");
  EXPECT_EQ(first->tool, "add");
  watch.end_call();
  EXPECT_FALSE(watch.push("[TOOL_CALLS]"));
  const auto second = watch.push("look_up[CALL_ID]a1[ARGS]{");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->tool, "look_up");
  CallWatch other;
  EXPECT_FALSE(other.push("[TOOL_CALLS]add[ARGS] none {"));
}

}  // namespace
}  // namespace pajamas
