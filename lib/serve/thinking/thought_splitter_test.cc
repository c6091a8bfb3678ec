// SPDX-License-Identifier: Apache-2.0
#include "serve/thinking/thought_splitter.h"

#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr std::size_t kSteps[] = {1, 2, 5, 1000};

ThoughtSplitter::Output split(std::string_view text, std::size_t step,
                              const ThoughtTags* opened = nullptr) {
  ThoughtSplitter splitter(ReasoningFormat::kSplit, opened);
  ThoughtSplitter::Output all;
  const auto append = [&](const ThoughtSplitter::Output& output) {
    all.thought += output.thought;
    all.text += output.text;
  };
  for (std::size_t at = 0; at < text.size(); at += step) {
    append(splitter.push(text.substr(at, step)));
  }
  append(splitter.finish());
  return all;
}

TEST(ThoughtSplitter, SplitsThoughtsWithAllKnownTags) {
  for (const ThoughtTags& tags : known_thought_tags()) {
    const std::string text = std::string(tags.open) + "\nI add.\n\nThen < > I say. \n" +
                             std::string(tags.close) + "\n\n It is 2.\n";
    for (const std::size_t step : kSteps) {
      const auto output = split(text, step);
      EXPECT_EQ(output.thought, "I add.\n\nThen < > I say.") << tags.open << " by " << step;
      EXPECT_EQ(output.text, "It is 2.\n") << tags.open << " by " << step;
    }
  }
}

TEST(ThoughtSplitter, BeginsInsideAThoughtThatThePromptOpened) {
  const ThoughtTags* opened = thought_opened_by("<|im_start|>assistant\n<think>\n");
  ASSERT_NE(opened, nullptr);
  for (const std::size_t step : kSteps) {
    EXPECT_EQ(split("Hm.</think>Yes", step, opened).thought, "Hm.");
    EXPECT_EQ(split("Hm.</think>Yes", step, opened).text, "Yes");
    EXPECT_EQ(split("<think>\nHm.</think>Yes", step, opened).thought, "Hm.") << "tag repeated";
    EXPECT_EQ(split("</think>\nYes", step, opened).text, "Yes") << "nothing thought";
    EXPECT_EQ(split("Hm", step, opened).thought, "Hm") << "cut";
    EXPECT_EQ(split("Hm</thi", step, opened).thought, "Hm</thi") << "cut";
  }
  EXPECT_EQ(thought_opened_by("<think>\n\n</think>\n\n"), nullptr);
  EXPECT_EQ(thought_opened_by(""), nullptr);
}

TEST(ThoughtSplitter, LeavesOtherTextAsItIs) {
  for (const char* text : {"", "Hello", " \n Hello ", "<thing>", "<thi",
                           "The tag <think> x</think>", "</think>", "[TH"}) {
    for (const std::size_t step : kSteps) {
      const auto output = split(text, step);
      EXPECT_EQ(output.text, text) << step;
      EXPECT_EQ(output.thought, "") << text;
    }
  }
}

TEST(ThoughtSplitter, ShowsThoughtsAtOnce) {
  ThoughtSplitter splitter(ReasoningFormat::kSplit);
  EXPECT_EQ(splitter.push("<think>I a").thought, "I a");
  EXPECT_TRUE(splitter.is_thinking());
  EXPECT_EQ(splitter.push("dd <").thought, "dd");
  EXPECT_EQ(splitter.push("b> x").thought, " <b> x");
  EXPECT_EQ(splitter.push("</think>").thought, "");
  EXPECT_FALSE(splitter.is_thinking());
  EXPECT_EQ(splitter.push("\nYes").text, "Yes");
  EXPECT_EQ(splitter.push(" <think>").text, " <think>");
}

TEST(ThoughtSplitter, LeavesThoughtsInTheTextWhenItIsToldTo) {
  ThoughtSplitter splitter(ReasoningFormat::kNone, thought_opened_by("<think>"));
  EXPECT_EQ(splitter.push("a</think>b").text, "a</think>b");
  EXPECT_EQ(parse_reasoning_format("none"), ReasoningFormat::kNone);
  EXPECT_EQ(parse_reasoning_format("auto"), ReasoningFormat::kSplit);
  EXPECT_EQ(parse_reasoning_format("deepseek"), ReasoningFormat::kSplit);
  EXPECT_FALSE(parse_reasoning_format("other"));
}

}  // namespace
}  // namespace pajamas
