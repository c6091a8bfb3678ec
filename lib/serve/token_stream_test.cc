// SPDX-License-Identifier: Apache-2.0
// Streams with logits made by hand, on the tokenizer of the example model.
#include "serve/token_stream.h"

#include <gtest/gtest.h>

#include "sampling/grammar/json_schema.h"

namespace pajamas {
namespace {

class TokenStreamTest : public ::testing::Test {
 protected:
  TokenStreamTest()
      : text_(*ModelText::open(*open_model_folder(std::filesystem::path(PJ_SOURCE_DIR) /
                                                  "examples/tiny-storyteller"))) {}

  TokenStream create(const GenerationJob& job, std::int64_t max_tokens) {
    auto stream = TokenStream::create(job, max_tokens, text_);
    EXPECT_TRUE(stream);
    return std::move(*stream);
  }
  // A step at which the model wants token `id`.
  GenerationStep want(TokenStream& stream, std::int32_t id) {
    std::vector<float> logits(text_.vocabulary().pieces.size(), 0.0F);
    logits[static_cast<std::size_t>(id)] = 10.0F;
    auto step = stream.next(logits);
    EXPECT_TRUE(step) << step.error().message;
    return step ? *step : GenerationStep{.end = GenerationStep::End::kStop};
  }
  std::vector<std::int32_t> ids(std::string_view text) {
    return *text_.tokenizer().encode(text, {.add_special = false});
  }
  static GenerationJob greedy() { return {.sampling = {.temperature = 0.0F}}; }

  ModelText text_;
};

TEST_F(TokenStreamTest, HoldsACallOfAToolToItsSchemaAndTheRestIsFree) {
  const Json schema{{"type", "object"},
                    {"properties",
                     {{"name", {{"const", "add"}}},
                      {"arguments",
                       {{"type", "object"},
                        {"properties", {{"a", {{"enum", {1, 2}}}}}},
                        {"required", {"a"}},
                        {"additionalProperties", false}}}}},
                    {"required", {"name", "arguments"}},
                    {"additionalProperties", false}};
  GenerationJob job = greedy();
  job.call_grammar = *Grammar::parse(*json_schema_to_gbnf(schema));
  job.show_control = true;
  TokenStream stream = create(job, 500);
  std::string text;
  for (const std::int32_t id : ids("Once <tool_call>{")) text += want(stream, id).text;
  EXPECT_EQ(text, "Once <tool_call>{");
  // The model only wants to say "x" now.
  const std::int32_t x = ids("x").back();
  for (int count = 0; count < 60; ++count) text += want(stream, x).text;
  const std::size_t begin = text.find('{');
  const std::size_t end = text.find("}}") + 2;
  ASSERT_NE(end, std::string::npos + 2) << text;
  const Json call = Json::parse(text.substr(begin, end - begin), nullptr, false);
  EXPECT_EQ(call["name"], "add") << text;
  EXPECT_TRUE(call["arguments"]["a"] == 1 || call["arguments"]["a"] == 2);
  EXPECT_TRUE(text.ends_with("xxx")) << text;
}

TEST_F(TokenStreamTest, HoldsTheArgumentsOfANamedToolToItsSchema) {
  GenerationJob job = greedy();
  job.argument_grammars["add"] = *Grammar::parse("root ::= \"{\" [a-c] \"}\"");
  job.show_control = true;
  TokenStream stream = create(job, 500);
  std::string text;
  for (const std::int32_t id : ids("[TOOL_CALLS]add[ARGS]{")) text += want(stream, id).text;
  const std::int32_t x = ids("x").back();
  for (int count = 0; count < 5; ++count) text += want(stream, x).text;
  EXPECT_TRUE(text.starts_with("[TOOL_CALLS]add[ARGS]{")) << text;
  const char letter = text.at(text.find('{') + 1);
  EXPECT_TRUE(letter >= 'a' && letter <= 'c') << text;
  EXPECT_TRUE(text.ends_with("}xxx")) << text;
}

TEST_F(TokenStreamTest, FollowsAGrammarFromTheEndOfAThoughtOn) {
  GenerationJob job = greedy();
  job.grammar = *Grammar::parse("root ::= \"{\" [a-c]+ \"}\"");
  job.grammar_after = "</think>";
  TokenStream stream = create(job, 200);
  std::string text;
  for (const std::int32_t id : ids("I think {x.")) text += want(stream, id).text;
  const std::int32_t end = text_.tokenizer().end_of_generation_ids().front();
  EXPECT_EQ(want(stream, end).end, GenerationStep::End::kNo) << "no answer was given yet";
  for (const std::int32_t id : ids("</think>")) text += want(stream, id).text;
  EXPECT_NE(text.find("I think {x."), std::string::npos) << "thoughts are free";
  const std::size_t answer = text.size();
  for (const char* piece : {"x", "x", "b", "}"}) text += want(stream, ids(piece).back()).text;
  EXPECT_TRUE(text.substr(answer).starts_with("{")) << text;
  EXPECT_EQ(text.find('x', answer), std::string::npos) << text;
}

TEST_F(TokenStreamTest, HoldsBackWhatMayBecomeAStopString) {
  GenerationJob job = greedy();
  job.stop = {"the end"};
  TokenStream stream = create(job, 100);
  std::string text;
  GenerationStep step;
  for (const std::int32_t id : ids("now the end.")) {
    step = want(stream, id);
    text += step.text;
    EXPECT_EQ(text.find("the e"), std::string::npos);
    if (step.end != GenerationStep::End::kNo) break;
  }
  EXPECT_EQ(step.end, GenerationStep::End::kStop);
  EXPECT_EQ(step.stop_text, "the end");
}

TEST_F(TokenStreamTest, GivesBackWhatItHeldWhenTheTokensRunOut) {
  GenerationJob job = greedy();
  job.stop = {"cats and dogs"};
  const auto tokens = ids("cats and");
  TokenStream stream = create(job, static_cast<std::int64_t>(tokens.size()));
  std::string text;
  GenerationStep step;
  for (const std::int32_t id : tokens) {
    step = want(stream, id);
    text += step.text;
  }
  EXPECT_EQ(step.end, GenerationStep::End::kLength);
  EXPECT_NE(text.find("cats and"), std::string::npos) << text;
}

TEST_F(TokenStreamTest, EndsAtAnEndTokenUnlessToldNotTo) {
  const std::int32_t end = text_.tokenizer().end_of_generation_ids().front();
  GenerationJob job = greedy();
  TokenStream stream = create(job, 10);
  EXPECT_EQ(want(stream, end).end, GenerationStep::End::kStop);
  job.ignore_end = true;
  TokenStream endless = create(job, 10);
  EXPECT_EQ(want(endless, end).end, GenerationStep::End::kNo);
}

}  // namespace
}  // namespace pajamas
