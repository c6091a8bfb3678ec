// SPDX-License-Identifier: Apache-2.0
// Likelihoods by the example model: what they are, and what they may not depend on.
#include "evaluate/tasks/likelihood.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/testing/example_model.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::ExampleModel;
using testing_support::open_example;

std::vector<LikelihoodRequest> some_requests() {
  const std::string story = "Once upon a time, there was a little girl named Lily.";
  std::vector<LikelihoodRequest> requests;
  for (const std::string_view place : {"the park", "the garden", "the moon"}) {
    for (const std::string_view ending : {" She was happy.", " She was sad.", " Car", " and"}) {
      requests.push_back({.context = story + " She went to " + std::string(place),
                          .continuation = std::string(ending)});
    }
  }
  requests.push_back({.context = "", .continuation = "Once upon a time"});
  requests.push_back({.context = "The dog ", .continuation = "barked"});
  return requests;
}

std::vector<Likelihood> score(const ExampleModel& model,
                              std::span<const LikelihoodRequest> requests) {
  LikelihoodScorer scorer(*model.engine, *model.text);
  const auto results = scorer.score(requests, CancelToken());
  EXPECT_TRUE(results.has_value()) << results.error().message;
  return *results;
}

// Token by token, without sharing anything.
double plain_log_probability(const ExampleModel& model, const LikelihoodRequest& request) {
  const RequestTokens tokens = *encode_request(model.text->tokenizer(), request, 512);
  double sum = 0;
  Sequence sequence = model.engine->new_sequence();
  for (std::size_t i = 0; i < tokens.inputs.size(); ++i) {
    const auto logits = *model.engine->prefill(sequence, {&tokens.inputs[i], 1}, CancelToken());
    if (i < tokens.first_row()) continue;
    const double highest = std::ranges::max(logits);
    double total = 0;
    for (const float logit : logits) total += std::exp(logit - highest);
    const auto target = static_cast<std::size_t>(tokens.targets[i - tokens.first_row()]);
    sum += logits[target] - highest - std::log(total);
  }
  return sum;
}

TEST(Likelihood, IsTheSumOfItsTokensLogProbabilities) {
  const ExampleModel model = open_example({.threads = 1});
  const auto requests = some_requests();
  const auto results = score(model, requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    // Differences of logits are rounded to F32.
    EXPECT_NEAR(results[i].log_probability, plain_log_probability(model, requests[i]), 1e-5);
  }
}

TEST(Likelihood, HasTheSameBitsForAnyOrderThreadsAndCache) {
  auto requests = some_requests();
  const auto expected = score(open_example({.threads = 1}), requests);
  std::ranges::reverse(requests);
  // 128 positions hold no more than one question at a time.
  for (const std::int64_t positions : {128, 4096}) {
    const ExampleModel model = open_example(
        {.threads = 2, .context = 128, .cache_positions = positions, .micro_batch = 7});
    auto results = score(model, requests);
    std::ranges::reverse(results);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(results[i].log_probability, expected[i].log_probability) << i;
      EXPECT_EQ(results[i].is_greedy, expected[i].is_greedy) << i;
    }
  }
}

TEST(Likelihood, ComputesWhatRequestsBeginWithOnce) {
  const ExampleModel model = open_example({.threads = 1, .cache_positions = 2048});
  const auto requests = some_requests();
  const auto first = std::span(requests).first(4);
  LikelihoodScorer scorer(*model.engine, *model.text);
  ASSERT_TRUE(scorer.score(first, CancelToken()));
  const RequestTokens tokens = *encode_request(model.text->tokenizer(), first[0], 512);
  EXPECT_LT(scorer.computed_tokens(),
            static_cast<std::int64_t>(tokens.first_row() + 4 * tokens.targets.size() + 4));
  // The next call begins alike: less than a whole question.
  const std::int64_t before = scorer.computed_tokens();
  ASSERT_TRUE(scorer.score(std::span(requests).subspan(4, 1), CancelToken()));
  EXPECT_LT(scorer.computed_tokens() - before, static_cast<std::int64_t>(tokens.inputs.size()));
}

TEST(Likelihood, GivesTheCacheBackToOthers) {
  const ExampleModel model = open_example({.threads = 1, .cache_positions = 1024});
  const auto used = [&] { return model.engine->new_sequence().pool().used_blocks(); };
  {
    LikelihoodScorer scorer(*model.engine, *model.text);
    ASSERT_TRUE(scorer.score(some_requests(), CancelToken()));
    EXPECT_LE(used(), 2);
  }
  EXPECT_EQ(used(), 0);
}

TEST(Likelihood, FindsGreedyContinuations) {
  const ExampleModel model = open_example({.threads = 1});
  const std::vector<LikelihoodRequest> requests = {
      {.context = "Once upon a", .continuation = " time"},
      {.context = "Once upon a", .continuation = " car"}};
  const auto results = score(model, requests);
  EXPECT_TRUE(results[0].is_greedy);
  EXPECT_FALSE(results[1].is_greedy);
  EXPECT_GT(results[0].log_probability, results[1].log_probability);
}

TEST(Likelihood, StopsWhenCancelledAndGoesOnAfterwards) {
  const ExampleModel model = open_example({.threads = 1});
  LikelihoodScorer scorer(*model.engine, *model.text);
  CancelToken cancelled;
  cancelled.cancel();
  const auto requests = some_requests();
  const auto stopped = scorer.score(requests, cancelled);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const auto results = scorer.score(requests, CancelToken());
  ASSERT_TRUE(results);
  EXPECT_EQ(results->front().log_probability, score(model, requests).front().log_probability);
}

TEST(RequestTokens, SplitContextAndContinuationWhereBothAreOneText) {
  const ExampleModel model = open_example({.threads = 1});
  const Tokenizer& tokenizer = model.text->tokenizer();
  const auto spaced = *encode_request(tokenizer, {"The dog ", "barked"}, 512);
  const auto moved = *encode_request(tokenizer, {"The dog", " barked"}, 512);
  EXPECT_EQ(spaced.inputs, moved.inputs);
  EXPECT_EQ(spaced.targets, moved.targets);
  EXPECT_EQ(tokenizer.decode(moved.targets), " barked");
  EXPECT_EQ(moved.first_row() + 1, tokenizer.encode("The dog")->size());
  const auto alone = *encode_request(tokenizer, {"", "The dog"}, 512);
  EXPECT_EQ(alone.inputs.front(), tokenizer.bos_id());
  EXPECT_EQ(alone.inputs.size(), alone.targets.size());
}

TEST(RequestTokens, ALongContextLosesItsBeginning) {
  const ExampleModel model = open_example({.threads = 1});
  const Tokenizer& tokenizer = model.text->tokenizer();
  std::string context = "A dog sat.";
  for (int i = 0; i < 40; ++i) context += " The cat ran away.";
  const auto whole = *encode_request(tokenizer, {context, " It was fast."}, 512);
  const auto cut = *encode_request(tokenizer, {context, " It was fast."}, 32);
  EXPECT_EQ(cut.targets, whole.targets);
  ASSERT_EQ(cut.inputs.size(), 32U);
  EXPECT_TRUE(std::equal(cut.inputs.begin(), cut.inputs.end(), whole.inputs.end() - 32));
}

TEST(RequestTokens, RejectContinuationsWithoutTokensOrWithTooMany) {
  const ExampleModel model = open_example({.threads = 1});
  const Tokenizer& tokenizer = model.text->tokenizer();
  EXPECT_THAT(encode_request(tokenizer, {"The dog", ""}, 512).error().message,
              HasSubstr("has no tokens of its own"));
  EXPECT_THAT(encode_request(tokenizer, {"", ""}, 512).error().message,
              HasSubstr("has no tokens of its own"));
  EXPECT_THAT(
      encode_request(tokenizer, {"The dog", " ran and ran and ran and ran."}, 4).error().message,
      HasSubstr("but the context holds 4; give a larger --context"));
}

}  // namespace
}  // namespace pajamas
