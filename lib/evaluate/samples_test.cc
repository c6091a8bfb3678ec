// SPDX-License-Identifier: Apache-2.0
#include "evaluate/samples.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace pajamas {
namespace {

using testing::HasSubstr;

const std::filesystem::path kSource = PJ_SOURCE_DIR;

class SamplesTest : public testing::Test {
 protected:
  void SetUp() override {
    SilentProgress progress;
    auto engine = Engine::open(
        kSource / "examples/tiny-storyteller",
        {.threads = 2, .context = 128, .cache_positions = 1024, .kv_type = KvType::kF32},
        CancelToken(), progress);
    ASSERT_TRUE(engine.has_value()) << engine.error().message;
    engine_ = std::move(*engine);
    text_ = std::make_unique<ModelText>(ModelText::open(engine_->model()).value());
  }
  Result<std::vector<Continuation>> go_on(const std::vector<std::string>& prompts,
                                          std::int64_t max_tokens) {
    return continue_prompts(*engine_, *text_, prompts, {.max_tokens = max_tokens}, CancelToken());
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ModelText> text_;
};

TEST_F(SamplesTest, AreTheGreedyTextsOfTheReferenceForAllPromptsTogether) {
  std::ifstream file(kSource / "tests/golden/example/greedy.json");
  const Json golden = Json::parse(file);
  const Json& answers = golden["answers"]["F32"];
  std::size_t shortest = 1000;
  for (const Json& answer : answers) shortest = std::min(shortest, answer["ids"].size());
  const auto made =
      go_on(golden["prompts"].get<std::vector<std::string>>(), static_cast<std::int64_t>(shortest));
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(made->size(), answers.size());
  ASSERT_FALSE(answers.empty());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto ids = answers[i]["ids"].get<std::vector<std::int32_t>>();
    ids.resize(shortest);
    EXPECT_EQ(made->at(i).tokens, ids);
    EXPECT_TRUE(answers[i]["text"].get<std::string>().starts_with(made->at(i).text));
  }
}

TEST_F(SamplesTest, AFullContextEndsATextAndNotTheOthers) {
  std::string almost_full = "Once";
  for (int i = 0; i < 118; ++i) almost_full += " a";
  const auto made = go_on({almost_full, "Once upon a time"}, 40);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_LT(made->at(0).tokens.size(), 30U);
  EXPECT_EQ(made->at(1).tokens.size(), 40U);
  EXPECT_EQ(made->at(1).tokens, go_on({"Once upon a time"}, 40)->at(0).tokens);
}

TEST_F(SamplesTest, APromptWithoutTokensOrBeyondTheContextIsAnError) {
  std::string long_prompt;
  for (int i = 0; i < 200; ++i) long_prompt += " llama";
  const auto made = go_on({long_prompt}, 4);
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().message, HasSubstr("the context 128"));
}

TEST(CompareContinuations, CountsTheTokensInCommonFromTheStart) {
  const std::vector<Continuation> original = {{"p", {1, 2, 3, 4}, "abcd"}, {"q", {1, 2}, "ab"}};
  const std::vector<Continuation> quantized = {{"p", {1, 2, 9, 4}, "abxd"}, {"q", {1}, "a"}};
  const auto samples = compare_continuations(original, quantized);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].tokens_in_common, 2);
  EXPECT_EQ(samples[0].original, "abcd");
  EXPECT_EQ(samples[0].quantized, "abxd");
  EXPECT_EQ(samples[1].tokens_in_common, 1);
}

}  // namespace
}  // namespace pajamas
