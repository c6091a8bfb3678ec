// SPDX-License-Identifier: Apache-2.0
// The example model behind the scheduler: real tokens, stop strings, grammars, several at once.
#include "serve/engine_model.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/grammar/grammar.h"
#include "sampling/grammar/json_schema.h"

namespace pajamas {
namespace {

std::unique_ptr<ServedModel> open_example(const SchedulerOptions& scheduler = {}) {
  SilentProgress progress;
  const auto path = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
  auto generator =
      open_engine_model(path, {.id = "example", .engine = {.threads = 1}, .scheduler = scheduler},
                        CancelToken(), progress);
  EXPECT_TRUE(generator) << generator.error().message;
  return generator ? std::move(*generator) : nullptr;
}

GenerationJob greedy_job(const ServedModel& generator, std::string_view prompt,
                         std::int64_t max_tokens) {
  return {.prompt = *generator.tokenize(prompt, {}),
          .sampling = {.temperature = 0.0F},
          .max_tokens = max_tokens};
}

struct Told {
  std::vector<std::string> texts;
  std::vector<GenerationStep> last;
  std::int64_t tokens = 0;
};

Told run(ServedModel& generator, const std::vector<GenerationJob>& jobs) {
  Told told;
  told.texts.resize(jobs.size());
  told.last.resize(jobs.size());
  const CancelToken never;
  const Status status = generator.generate(
      jobs,
      [&](const GenerationStep& step) -> Status {
        told.texts[step.job] += step.text;
        if (step.token) ++told.tokens;
        if (step.end != GenerationStep::End::kNo) told.last[step.job] = step;
        return {};
      },
      never);
  EXPECT_TRUE(status) << status.error().message;
  return told;
}

TEST(EngineModel, TellsTheSameStoryAloneAndBesideOthers) {
  const auto generator = open_example({.parallel = 8});
  const GenerationJob story = greedy_job(*generator, "Once upon a time", 24);
  const std::string alone = run(*generator, {story}).texts[0];
  EXPECT_GT(alone.size(), 20U);
  std::vector<GenerationJob> jobs(1, story);
  for (int other = 0; other < 15; ++other) {
    GenerationJob job = greedy_job(*generator, "The dog number " + std::to_string(other), 12);
    job.sampling = {.temperature = 1.0F, .seed = 3};
    jobs.push_back(job);
  }
  EXPECT_EQ(run(*generator, jobs).texts[0], alone);
  const Told again = run(*generator, {story});
  EXPECT_EQ(again.texts[0], alone) << "from the cache";
  EXPECT_GT(again.last[0].cached_tokens + 8, static_cast<std::int64_t>(0));
}

TEST(EngineModel, CountsTokensAndSaysWhyItEnded) {
  const auto generator = open_example();
  const Told told = run(*generator, {greedy_job(*generator, "Once", 5)});
  EXPECT_EQ(told.tokens, 5);
  EXPECT_EQ(told.last[0].end, GenerationStep::End::kLength);
}

TEST(EngineModel, EndsAtAStopString) {
  const auto generator = open_example();
  GenerationJob job = greedy_job(*generator, "Once upon a time", 40);
  const std::string all = run(*generator, {job}).texts[0];
  const std::string stop = all.substr(10, 4);
  job.stop = {stop};
  const Told told = run(*generator, {job});
  EXPECT_EQ(told.texts[0], all.substr(0, all.find(stop)));
  EXPECT_EQ(told.last[0].end, GenerationStep::End::kStop);
  EXPECT_EQ(told.last[0].stop_text, stop);
}

TEST(EngineModel, FollowsASchema) {
  const auto generator = open_example();
  const Json schema{{"type", "object"},
                    {"properties",
                     {{"age", {{"type", "integer"}, {"minimum", 0}, {"maximum", 99}}},
                      {"nice", {{"type", "boolean"}}}}},
                    {"required", {"age", "nice"}},
                    {"additionalProperties", false}};
  GenerationJob job = greedy_job(*generator, "A cat is", 60);
  job.grammar = *Grammar::parse(*json_schema_to_gbnf(schema));
  const Told told = run(*generator, {job});
  const Json made = Json::parse(told.texts[0], nullptr, false);
  ASSERT_TRUE(made.is_object()) << told.texts[0];
  EXPECT_TRUE(made["age"].is_number_integer());
  EXPECT_TRUE(made["nice"].is_boolean());
}

TEST(EngineModel, StopsWithinATokenWhenCancelled) {
  const auto generator = open_example();
  const std::vector<GenerationJob> jobs = {greedy_job(*generator, "Once upon a time", 200)};
  CancelToken cancel;
  std::int64_t tokens = 0;
  const Status status = generator->generate(
      jobs,
      [&](const GenerationStep& step) -> Status {
        if (step.token && ++tokens == 3) cancel.cancel();
        return {};
      },
      cancel);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

TEST(EngineModel, EndsAllJobsWhenTheSinkFails) {
  const auto generator = open_example();
  const std::vector<GenerationJob> jobs(3, greedy_job(*generator, "Once upon a time", 200));
  const CancelToken never;
  const Status status = generator->generate(
      jobs, [](const GenerationStep&) { return make_error(ErrorCode::kCancelled, "gone"); }, never);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "gone");
}

TEST(EngineModel, EmbedsTextsAsVectorsOfLengthOne) {
  const auto generator = open_example();
  const std::vector<std::vector<std::int32_t>> prompts = {*generator->tokenize("a cat", {}),
                                                          *generator->tokenize("a dog", {})};
  const auto vectors = generator->embed(prompts, CancelToken());
  ASSERT_TRUE(vectors);
  ASSERT_EQ(vectors->size(), 2U);
  double square = 0.0;
  for (const float value : (*vectors)[0]) square += static_cast<double>(value * value);
  EXPECT_NEAR(square, 1.0, 1e-4);
  EXPECT_NE((*vectors)[0], (*vectors)[1]);
}

TEST(EngineModel, GivesLogProbabilitiesOfTheModel) {
  const auto generator = open_example();
  GenerationJob job = greedy_job(*generator, "Once upon a", 2);
  job.sampling.top_logprobs = 3;
  std::vector<GenerationStep> steps;
  const CancelToken never;
  ASSERT_TRUE(generator->generate(
      {&job, 1},
      [&](const GenerationStep& step) -> Status {
        if (step.token) steps.push_back(step);
        return {};
      },
      never));
  ASSERT_EQ(steps.size(), 2U);
  ASSERT_EQ(steps[0].top.size(), 3U);
  EXPECT_EQ(steps[0].top[0].id, steps[0].token->id) << "greedy takes the likeliest";
  EXPECT_FLOAT_EQ(steps[0].top[0].logprob, steps[0].token->logprob);
  EXPECT_LE(steps[0].token->logprob, 0.0F);
}

}  // namespace
}  // namespace pajamas
