// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Every stage that narrows is off.
SamplerOptions plain(float temperature = 1.0F) {
  return {.temperature = temperature, .top_k = 0, .top_p = 1.0F, .min_p = 0.0F, .seed = 1};
}

class SamplerTest : public ::testing::Test {
 protected:
  std::vector<std::string> pieces_ = {"a", "b", "c", "d", "\n"};
  VocabularyView vocabulary_{pieces_, {}};
  std::vector<float> logits_ = {1.0F, 3.0F, 2.0F, 3.0F, -1.0F};

  Sampler make(const SamplerOptions& options) {
    return Sampler::create(options, vocabulary_).value();
  }
  std::vector<std::int32_t> ids(const SamplerOptions& options) {
    std::vector<std::int32_t> ids;
    Sampler sampler = make(options);
    const auto items = sampler.distribution(logits_).value();
    for (const Candidate& item : items) ids.push_back(item.id);
    return ids;
  }
  std::string message(const SamplerOptions& options) {
    const auto made = Sampler::create(options, vocabulary_);
    return made ? "no error" : made.error().message;
  }
};

TEST_F(SamplerTest, TemperatureZeroTakesTheLowestIdOfTheLikeliest) {
  Sampler sampler = make(plain(0.0F));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sampler.sample(logits_).value().id, 1);
}

TEST_F(SamplerTest, TopKTakesLowerIdsFirst) {
  SamplerOptions options = plain();
  options.top_k = 1;
  EXPECT_THAT(ids(options), ElementsAre(1));
  options.top_k = 3;
  EXPECT_THAT(ids(options), ElementsAre(1, 3, 2));
  options.top_k = 100;
  EXPECT_EQ(ids(options).size(), 5U);
}

TEST_F(SamplerTest, SameSeedGivesTheSameTokensAndAnotherSeedOthers) {
  const auto tokens = [&](std::uint64_t seed) {
    SamplerOptions options = plain();
    options.seed = seed;
    Sampler sampler = make(options);
    std::vector<std::int32_t> made;
    for (int i = 0; i < 40; ++i) made.push_back(sampler.sample(logits_).value().id);
    return made;
  };
  EXPECT_EQ(tokens(5), tokens(5));
  EXPECT_NE(tokens(5), tokens(6));
}

TEST_F(SamplerTest, ACopyGoesOnFromTheSameStateAndResetStartsAgain) {
  Sampler sampler = make(plain());
  std::vector<std::int32_t> first;
  for (int i = 0; i < 20; ++i) first.push_back(sampler.sample(logits_).value().id);
  Sampler copy = sampler;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(copy.sample(logits_).value().id, sampler.sample(logits_).value().id);
  }
  sampler.reset();
  for (const std::int32_t id : first) EXPECT_EQ(sampler.sample(logits_).value().id, id);
}

TEST_F(SamplerTest, DrawsTokensAsOftenAsTheirProbabilitySays) {
  Sampler sampler = make(plain());
  std::map<std::int32_t, int> counts;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits_).value().id];
  const auto items = sampler.distribution(logits_).value();
  for (const Candidate& item : items) {
    EXPECT_NEAR(counts[item.id] / double{kDraws}, item.p, 0.015) << item.id;
  }
}

TEST_F(SamplerTest, AMaskNarrowsTheChoice) {
  TokenMask mask(5);
  mask.insert(4);
  mask.insert(0);
  Sampler greedy = make(plain(0.0F));
  EXPECT_EQ(greedy.sample(logits_, &mask).value().id, 0);
  mask.erase(0);
  Sampler random = make(plain());
  EXPECT_EQ(random.sample(logits_, &mask).value().id, 4);
  mask.erase(4);
  EXPECT_THAT(random.sample(logits_, &mask).error().message, HasSubstr("no token may be chosen"));
}

TEST_F(SamplerTest, BiasAddsUpAndMinusInfinityBans) {
  SamplerOptions options = plain(0.0F);
  options.logit_bias = {{0, 1.0F}, {0, 1.5F}, {1, -kInfinity}};
  EXPECT_EQ(make(options).sample(logits_).value().id, 0);
  for (std::int32_t id = 0; id < 5; ++id) options.logit_bias.push_back({id, -kInfinity});
  EXPECT_FALSE(make(options).sample(logits_));
}

TEST_F(SamplerTest, PenaltiesForgetWhatIsOutOfReach) {
  SamplerOptions options = plain(0.0F);
  options.penalties = {.last_n = 2, .presence = 5.0F};
  Sampler sampler = make(options);
  ASSERT_TRUE(sampler.accept(1));
  EXPECT_EQ(sampler.sample(logits_).value().id, 3);
  ASSERT_TRUE(sampler.accept(3));
  EXPECT_EQ(sampler.sample(logits_).value().id, 2);
  ASSERT_TRUE(sampler.accept(2));
  EXPECT_EQ(sampler.sample(logits_).value().id, 1);
}

TEST_F(SamplerTest, DryPenalizesWhatWouldRepeatButNotOverABreaker) {
  SamplerOptions options = plain(0.0F);
  options.dry = {.multiplier = 10.0F, .allowed_length = 2};
  Sampler repeating = make(options);
  for (const std::int32_t id : {0, 2, 1, 0, 2}) ASSERT_TRUE(repeating.accept(id));
  EXPECT_EQ(repeating.sample(logits_).value().id, 3);  // 1 would repeat "a c b"
  Sampler broken = make(options);
  for (const std::int32_t id : {4, 2, 1, 4, 2}) ASSERT_TRUE(broken.accept(id));
  EXPECT_EQ(broken.sample(logits_).value().id, 1);
}

TEST_F(SamplerTest, BreakersMayCrossTokens) {
  pieces_ = {"<x", ">", "c", "d", "e"};
  SamplerOptions options = plain(0.0F);
  options.dry = {.multiplier = 10.0F, .allowed_length = 2, .sequence_breakers = {"x>"}};
  Sampler sampler = make(options);
  for (const std::int32_t id : {0, 1, 2, 3, 4, 0, 1, 2}) ASSERT_TRUE(sampler.accept(id));
  EXPECT_EQ(sampler.sample(logits_).value().id, 1);
}

TEST_F(SamplerTest, MirostatFollowsTheSurprise) {
  SamplerOptions options = plain();
  options.mirostat = {.enabled = true, .tau = 1.0F, .eta = 0.5F};
  Sampler sampler = make(options);
  // mu = 2: only tokens of at most 2 bits.
  EXPECT_EQ(sampler.distribution(logits_).value().size(), 2U);
  // The two are equally likely: 1 bit of surprise is what tau asks for, so mu stays.
  static_cast<void>(sampler.sample(logits_).value());
  EXPECT_EQ(sampler.distribution(logits_).value().size(), 2U);
  // One candidate has no surprise, so mu grows by eta * tau.
  for (int i = 0; i < 12; ++i) {
    static_cast<void>(sampler.sample(std::vector<float>{90.0F, 0, 0, 0, 0}).value());
  }
  EXPECT_EQ(sampler.distribution(logits_).value().size(), 5U);
}

TEST_F(SamplerTest, LogprobsAreTheModelsOwn) {
  SamplerOptions options = plain(0.0F);
  options.top_logprobs = 2;
  options.logit_bias = {{4, 50.0F}};
  const Sampled sampled = make(options).sample(logits_).value();
  EXPECT_EQ(sampled.id, 4);
  double sum = 0;
  for (const float logit : logits_) sum += std::exp(static_cast<double>(logit));
  EXPECT_NEAR(*sampled.logprob, -1.0 - std::log(sum), 1e-5);
  ASSERT_EQ(sampled.top_logprobs.size(), 2U);
  EXPECT_EQ(sampled.top_logprobs[0].id, 1);
  EXPECT_EQ(sampled.top_logprobs[1].id, 3);
}

TEST_F(SamplerTest, LogitsThatAreNotFiniteAreAnError) {
  for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
    std::vector<float> logits = logits_;
    logits[3] = bad;
    const auto sampled = make(plain()).sample(logits);
    ASSERT_FALSE(sampled);
    EXPECT_THAT(sampled.error().message, HasSubstr("the logit of token 3 is"));
  }
}

TEST_F(SamplerTest, SizesThatDoNotFitAreAnError) {
  Sampler sampler = make(plain());
  EXPECT_THAT(sampler.sample(std::vector<float>(4)).error().message,
              HasSubstr("4 logits and a mask of 5 tokens for a vocabulary of 5"));
  const TokenMask mask(6);
  EXPECT_FALSE(sampler.sample(logits_, &mask));
  EXPECT_THAT(sampler.accept(5).error().message, HasSubstr("token 5 is not in the vocabulary"));
  EXPECT_FALSE(sampler.accept(-1));
}

TEST_F(SamplerTest, ExtremeOptionsStayFinite) {
  std::vector<float> logits(5, 3e38F);
  logits[0] = -3e38F;
  SamplerOptions options = plain(1e-30F);
  options.penalties = {.repeat = 0.01F, .frequency = -100.0F};
  options.dry = {.multiplier = 1e30F, .base = 1e30F, .allowed_length = 0};
  options.logit_bias = {{1, 3e38F}};
  Sampler sampler = make(options);
  for (int i = 0; i < 20; ++i) {
    const auto sampled = sampler.sample(logits);
    ASSERT_TRUE(sampled) << sampled.error().message;
    ASSERT_TRUE(sampler.accept(sampled->id));
  }
}

TEST_F(SamplerTest, OptionsOutOfRangeAreNamed) {
  const float nan = std::nanf("");
  EXPECT_THAT(message({.temperature = -0.1F}), HasSubstr("temperature is -0.1"));
  EXPECT_THAT(message({.temperature = nan}), HasSubstr("temperature is nan"));
  EXPECT_THAT(message({.temperature = kInfinity}), HasSubstr("temperature is inf"));
  EXPECT_THAT(message({.top_k = -1}), HasSubstr("top_k is -1"));
  EXPECT_THAT(message({.top_p = 1.5F}), HasSubstr("top_p is 1.5, expected a number from 0 to 1"));
  EXPECT_THAT(message({.min_p = nan}), HasSubstr("min_p is nan"));
  EXPECT_THAT(message({.typical_p = -1.0F}), HasSubstr("typical_p"));
  EXPECT_THAT(message({.min_keep = -1}), HasSubstr("min_keep"));
  EXPECT_THAT(message({.penalties = {.last_n = -2}}), HasSubstr("repeat_last_n"));
  EXPECT_THAT(message({.penalties = {.repeat = 0.0F}}), HasSubstr("repeat_penalty"));
  EXPECT_THAT(message({.dry = {.multiplier = -1.0F}}), HasSubstr("dry_multiplier"));
  EXPECT_THAT(message({.dry = {.sequence_breakers = {""}}}), HasSubstr("dry_sequence_breakers"));
  EXPECT_THAT(message({.xtc = {.probability = 2.0F}}), HasSubstr("xtc_probability"));
  EXPECT_THAT(message({.mirostat = {.tau = -1.0F}}), HasSubstr("mirostat_tau"));
  EXPECT_THAT(message({.logit_bias = {{9, 1.0F}}}), HasSubstr("logit_bias names token 9"));
  EXPECT_THAT(message({.logit_bias = {{0, nan}}}), HasSubstr("logit_bias of token 0 is nan"));
  EXPECT_THAT(message({.top_logprobs = 5000}), HasSubstr("top_logprobs"));
  EXPECT_EQ(message({}), "no error");
}

TEST(Candidates, SelectionEqualsAFullSortForEveryK) {
  Rng rng(3);
  std::vector<float> logits(3000);
  for (float& logit : logits) logit = static_cast<float>(rng.next() % 50);  // many ties
  const CandidateList all = [&] {
    CandidateList list = select_candidates(logits, nullptr, 0);
    sort_by_logit(list);
    return list;
  }();
  for (const std::size_t k : {1U, 2U, 40U, 500U, 2999U, 3000U, 4000U}) {
    CandidateList some = select_candidates(logits, nullptr, k);
    sort_by_logit(some);
    ASSERT_EQ(some.items.size(), std::min<std::size_t>(k, 3000));
    for (std::size_t at = 0; at < some.items.size(); ++at) {
      ASSERT_EQ(some.items[at].id, all.items[at].id) << "k " << k;
    }
  }
}

}  // namespace
}  // namespace pajamas
