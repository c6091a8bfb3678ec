// SPDX-License-Identifier: Apache-2.0
#include "generation/text_generator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "runtime/embedding.h"
#include "sampling/grammar/json_schema.h"

namespace pajamas {
namespace {

const std::filesystem::path kSource = PJ_SOURCE_DIR;

class GenerationTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    SilentProgress progress;
    auto engine = Engine::open(kSource / "examples/tiny-storyteller",
                               {.threads = 2, .context = 128, .kv_type = KvType::kF32},
                               CancelToken(), progress);
    ASSERT_TRUE(engine.has_value()) << engine.error().message;
    engine_ = std::move(*engine);
    auto text = ModelText::open(engine_->model());
    ASSERT_TRUE(text.has_value()) << text.error().message;
    text_ = std::make_unique<ModelText>(std::move(*text));
  }
  static void TearDownTestSuite() {
    text_.reset();
    engine_.reset();
  }

  // Greedy unless the options say otherwise.
  GenerationResult generate(std::string_view prompt, GenerationOptions options, Sequence& sequence,
                            std::string& said) {
    const auto ids = text_->tokenizer().encode(prompt);
    EXPECT_TRUE(ids.has_value());
    TextGenerator generator(*engine_, *text_);
    said.clear();
    const auto result = generator.run(
        sequence, *ids, options, [&](std::string_view piece) { said += piece; }, cancel_);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result.value_or(GenerationResult{});
  }
  std::string text_of(std::string_view prompt, const GenerationOptions& options) {
    Sequence sequence = engine_->new_sequence();
    std::string said;
    result_ = generate(prompt, options, sequence, said);
    return said;
  }

  static GenerationOptions greedy(std::int64_t max_tokens) {
    return {.sampling = {.temperature = 0.0F}, .max_tokens = max_tokens};
  }

  static std::unique_ptr<Engine> engine_;
  static std::unique_ptr<ModelText> text_;
  CancelToken cancel_;
  GenerationResult result_;
};

std::unique_ptr<Engine> GenerationTest::engine_;
std::unique_ptr<ModelText> GenerationTest::text_;

TEST_F(GenerationTest, GreedyTextIsWhatLlamaCppGives) {
  std::ifstream file(kSource / "tests/golden/example/greedy.json");
  const Json golden = Json::parse(file);
  const Json& answers = golden["answers"]["F32"];
  ASSERT_FALSE(answers.empty());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto count = static_cast<std::int64_t>(answers[i]["ids"].size());
    EXPECT_EQ(text_of(golden["prompts"][i].get<std::string>(), greedy(count)),
              answers[i]["text"].get<std::string>());
  }
}

TEST_F(GenerationTest, WhatTheSequenceHoldsIsNotComputedAgainAndChangesNothing) {
  Sequence sequence = engine_->new_sequence();
  std::string first;
  std::string second;
  generate("Once upon a time there was a llama", greedy(10), sequence, first);
  const GenerationResult again =
      generate("Once upon a time there was a llama", greedy(10), sequence, second);
  EXPECT_EQ(second, first);
  EXPECT_EQ(again.cached_tokens, again.prompt_tokens - 1);
  std::string other;
  generate("Once upon a time a fox", greedy(10), sequence, other);
  EXPECT_EQ(other, text_of("Once upon a time a fox", greedy(10)));
}

TEST_F(GenerationTest, AStopStringEndsTheTextBeforeIt) {
  GenerationOptions options = greedy(60);
  const std::string all = text_of("Once upon a time", options);
  options.stop = {"little barn"};
  const std::string said = text_of("Once upon a time", options);
  EXPECT_EQ(said, all.substr(0, all.find("little barn")));
  EXPECT_EQ(result_.finish, FinishReason::kStopString);
}

TEST_F(GenerationTest, TheSameSeedGivesTheSameTextAndAnotherSeedAnother) {
  const auto with_seed = [&](std::uint64_t seed) {
    return text_of("Once upon a time",
                   {.sampling = {.temperature = 1.0F, .seed = seed}, .max_tokens = 30});
  };
  EXPECT_EQ(with_seed(1), with_seed(1));
  EXPECT_NE(with_seed(1), with_seed(2));
}

TEST_F(GenerationTest, ASchemaIsRespectedByAModelThatKnowsNoJson) {
  const Json schema = {
      {"type", "object"},
      {"properties", {{"age", {{"type", "integer"}, {"minimum", 1}, {"maximum", 9}}}}},
      {"required", {"age"}}};
  const auto gbnf = json_schema_to_gbnf(schema);
  ASSERT_TRUE(gbnf.has_value()) << gbnf.error().message;
  GenerationOptions options = greedy(40);
  options.grammar = Grammar::parse(*gbnf).value();
  const std::string said = text_of("The llama was", options);
  const Json made = Json::parse(said, nullptr, false);
  ASSERT_TRUE(made.is_object()) << said;
  EXPECT_GE(made["age"].get<int>(), 1);
  EXPECT_LE(made["age"].get<int>(), 9);
  EXPECT_EQ(result_.finish, FinishReason::kEnd);
}

TEST_F(GenerationTest, AFullContextEndsTheTextOrIsShifted) {
  GenerationOptions options = greedy(300);
  options.ignore_end = true;
  text_of("Once upon a time", options);
  EXPECT_EQ(result_.finish, FinishReason::kContextFull);
  EXPECT_LT(result_.generated_tokens, 128);
  options.shift_context = true;
  options.keep = 2;
  text_of("Once upon a time", options);
  EXPECT_EQ(result_.finish, FinishReason::kMaxTokens);
  EXPECT_EQ(result_.generated_tokens, 300);
}

TEST_F(GenerationTest, CancellingEndsTheTextWhereItIs) {
  TextGenerator generator(*engine_, *text_);
  Sequence sequence = engine_->new_sequence();
  std::string said;
  const auto ids = text_->tokenizer().encode("Once upon a time");
  const auto result = generator.run(
      sequence, *ids, greedy(100),
      [&](std::string_view piece) {
        said += piece;
        if (said.size() > 20) cancel_.cancel();
      },
      cancel_);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->finish, FinishReason::kCancelled);
  EXPECT_LT(said.size(), 60U);
}

TEST_F(GenerationTest, APromptThatFillsTheContextIsRefusedWithBothNumbers) {
  TextGenerator generator(*engine_, *text_);
  Sequence sequence = engine_->new_sequence();
  const std::vector<std::int32_t> prompt(128, 300);
  const auto result = generator.run(sequence, prompt, greedy(1), [](std::string_view) {}, cancel_);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("128 tokens, the context 128"), std::string::npos)
      << result.error().message;
}

TEST_F(GenerationTest, AChatPromptIsRenderedAndBeginsOnce) {
  const auto prompt = text_->render_chat(
      {.messages = {{{"role", "user"}, {"content", "hello"}}}, .add_generation_prompt = true});
  ASSERT_TRUE(prompt.has_value()) << prompt.error().message;
  EXPECT_NE(prompt->find("hello"), std::string::npos);
  const auto ids = text_->encode_chat(*prompt);
  ASSERT_TRUE(ids.has_value());
  const auto bos = text_->tokenizer().bos_id();
  EXPECT_EQ(std::ranges::count(*ids, *bos), 1);
}

TEST_F(GenerationTest, EmbeddingsHaveLengthOneAndTellTextsApart) {
  const auto embed = [&](std::string_view text, Pooling pooling) {
    const auto ids = text_->tokenizer().encode(text).value();
    return embed_tokens(*engine_, ids, {.pooling = pooling}, CancelToken()).value();
  };
  const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  };
  const auto llama = embed("the llama slept in the barn", Pooling::kMean);
  EXPECT_NEAR(dot(llama, llama), 1.0, 1e-5);
  EXPECT_GT(dot(llama, embed("the llama slept in a barn", Pooling::kMean)),
            dot(llama, embed("stars!", Pooling::kMean)));
  // The first token is the same for all texts that begin alike, the last is not.
  EXPECT_NEAR(dot(embed("one day", Pooling::kFirst), embed("one fox", Pooling::kFirst)), 1.0, 1e-5);
  EXPECT_LT(dot(embed("one day", Pooling::kLast), embed("one fox", Pooling::kLast)), 0.999);
}

}  // namespace
}  // namespace pajamas
