// SPDX-License-Identifier: Apache-2.0
#include "serve/scheduler.h"

#include <algorithm>
#include <future>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/testing/fake_batch_model.h"

namespace pajamas {
namespace {

using testing_support::fake_next;
using testing_support::FakeBatchModel;
using Tokens = std::vector<std::int32_t>;

// One job, and what came of it.
struct Text {
  Tokens made;
  std::promise<Status> ended;
  std::int64_t cached_tokens = 0;
  std::size_t hidden = 0;
  std::atomic<bool> cancelled{false};

  BatchJob job(Tokens prompt, std::size_t count) {
    return {.prompt = std::move(prompt),
            .max_new_tokens = static_cast<std::int64_t>(count),
            .on_logits = [this, count](
                             std::span<const float> logits) -> Result<std::optional<std::int32_t>> {
              made.push_back(
                  static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin()));
              if (made.size() == count) return std::nullopt;
              return made.back();
            },
            .on_end =
                [this](const Status& status, std::int64_t cached) {
                  cached_tokens = cached;
                  ended.set_value(status);
                },
            .is_cancelled = [this] { return cancelled.load(); }};
  }
  Status wait() { return ended.get_future().get(); }
};

// What the model says when it runs alone.
Tokens expected(Tokens tokens, std::size_t count) {
  Tokens made;
  while (made.size() < count) {
    made.push_back(fake_next(tokens));
    tokens.push_back(made.back());
  }
  return made;
}

Tokens prompt_of(std::size_t count, std::int32_t first) {
  Tokens tokens;
  for (std::size_t at = 0; at < count; ++at) {
    tokens.push_back(first + static_cast<std::int32_t>(at % 50));
  }
  return tokens;
}

std::vector<BatchJob> list_of(BatchJob job) {
  std::vector<BatchJob> jobs;
  jobs.push_back(std::move(job));
  return jobs;
}

TEST(Scheduler, GivesEachTextWhatItWouldGetAlone) {
  FakeBatchModel fake(512, 64);
  Scheduler scheduler(fake.model(), {.parallel = 4});
  std::vector<std::unique_ptr<Text>> texts;
  for (std::size_t index = 0; index < 16; ++index) {
    texts.push_back(std::make_unique<Text>());
    const Tokens prompt = prompt_of(3 + index * 20, static_cast<std::int32_t>(index));
    ASSERT_TRUE(scheduler.submit(list_of(texts.back()->job(prompt, 5 + index))));
  }
  for (std::size_t index = 0; index < 16; ++index) {
    EXPECT_TRUE(texts[index]->wait());
    EXPECT_EQ(texts[index]->made,
              expected(prompt_of(3 + index * 20, static_cast<std::int32_t>(index)), 5 + index));
  }
}

TEST(Scheduler, RunsTextsSideBySide) {
  FakeBatchModel fake(512, 64);
  std::promise<void> submitted;
  std::shared_future<void> all_there(submitted.get_future());
  fake.before_pass = [all_there] {
    all_there.wait();
    return Status{};
  };
  Scheduler scheduler(fake.model(), {.parallel = 4});
  std::vector<std::unique_ptr<Text>> texts;
  for (std::int32_t index = 0; index < 4; ++index) {
    texts.push_back(std::make_unique<Text>());
    ASSERT_TRUE(scheduler.submit(list_of(texts.back()->job(prompt_of(4, index), 20))));
  }
  submitted.set_value();
  for (const auto& text : texts) EXPECT_TRUE(text->wait());
  const auto passes = fake.passes();
  const auto widest = std::ranges::max_element(passes, {}, &FakeBatchModel::Pass::sequences);
  EXPECT_EQ(widest->sequences, 4U);
  EXPECT_LT(passes.size(), 30U) << "not one after the other";
}

TEST(Scheduler, ReadsALongPromptInPartsWhileOthersGoOn) {
  FakeBatchModel fake(4096, 256);
  Text steady;
  Text late;
  std::size_t made_before = 0;
  Scheduler* running = nullptr;
  std::size_t passes = 0;
  fake.before_pass = [&] {
    if (++passes == 5) {
      made_before = steady.made.size();
      EXPECT_TRUE(running->submit(list_of(late.job(prompt_of(1000, 1), 1))));
    }
    return Status{};
  };
  Scheduler scheduler(fake.model(), {.parallel = 2, .shared_tokens = 100});
  running = &scheduler;
  ASSERT_TRUE(scheduler.submit(list_of(steady.job(prompt_of(4, 0), 40))));
  EXPECT_TRUE(late.wait());
  EXPECT_TRUE(steady.wait());
  for (const FakeBatchModel::Pass& pass : fake.passes()) EXPECT_LE(pass.tokens, 101U);
  EXPECT_EQ(steady.made, expected(prompt_of(4, 0), 40));
  EXPECT_EQ(late.made, expected(prompt_of(1000, 1), 1));
}

TEST(Scheduler, ReadsShortPromptsFirstAndLetsNoneWaitForEver) {
  FakeBatchModel fake(4096, 512);
  Text steady;
  Text long_one;
  std::vector<std::unique_ptr<Text>> short_ones;
  Scheduler* running = nullptr;
  std::size_t pass = 0;
  std::size_t long_ended = 0;
  std::size_t first_short_ended = 0;
  // A new short prompt comes at every step, as many as there is room for in half a step.
  fake.before_pass = [&] {
    if (++pass == 3) {
      EXPECT_TRUE(running->submit(list_of(long_one.job(prompt_of(1000, 1), 1))));
    }
    if (pass >= 3 && pass < 60) {
      short_ones.push_back(std::make_unique<Text>());
      EXPECT_TRUE(running->submit(
          list_of(short_ones.back()->job(prompt_of(50, static_cast<std::int32_t>(pass)), 1))));
    }
    if (first_short_ended == 0 && !short_ones.empty() && !short_ones[0]->made.empty()) {
      first_short_ended = pass;
    }
    if (long_ended == 0 && !long_one.made.empty()) long_ended = pass;
    return Status{};
  };
  Scheduler scheduler(fake.model(), {.parallel = 64, .shared_tokens = 100});
  running = &scheduler;
  ASSERT_TRUE(scheduler.submit(list_of(steady.job(prompt_of(4, 0), 90))));
  EXPECT_TRUE(steady.wait());
  EXPECT_TRUE(long_one.wait());
  for (const auto& text : short_ones) EXPECT_TRUE(text->wait());
  EXPECT_LE(first_short_ended, 3U + 4);
  EXPECT_LE(long_ended, 3U + 1000 / 50 + 3) << "at half of the speed at least";
  for (const FakeBatchModel::Pass& each : fake.passes()) EXPECT_LE(each.tokens, 101U + 60);
}

TEST(Scheduler, UsesWhatEarlierTextsLeftInTheCache) {
  FakeBatchModel fake(1024, 64);
  Scheduler scheduler(fake.model(), {.parallel = 1});
  Text first;
  ASSERT_TRUE(scheduler.submit(list_of(first.job(prompt_of(200, 3), 5))));
  EXPECT_TRUE(first.wait());
  EXPECT_EQ(first.cached_tokens, 0);
  Tokens longer = prompt_of(200, 3);
  longer.push_back(90);
  Text second;
  ASSERT_TRUE(scheduler.submit(list_of(second.job(longer, 5))));
  EXPECT_TRUE(second.wait());
  EXPECT_EQ(second.cached_tokens, 200);
  EXPECT_EQ(second.made, expected(longer, 5));
}

TEST(Scheduler, ReadsThePromptOfSeveralChoicesOnce) {
  FakeBatchModel fake(1024, 64);
  Scheduler scheduler(fake.model(), {.parallel = 4});
  std::vector<std::unique_ptr<Text>> texts;
  std::vector<BatchJob> jobs;
  for (int choice = 0; choice < 4; ++choice) {
    texts.push_back(std::make_unique<Text>());
    jobs.push_back(texts.back()->job(prompt_of(600, 0), 10));
  }
  ASSERT_TRUE(scheduler.submit(std::move(jobs)));
  for (const auto& text : texts) EXPECT_TRUE(text->wait());
  std::size_t tokens = 0;
  for (const FakeBatchModel::Pass& pass : fake.passes()) tokens += pass.tokens;
  EXPECT_LT(tokens, 700U);
  for (const auto& text : texts) EXPECT_EQ(text->made, expected(prompt_of(600, 0), 10));
}

TEST(Scheduler, GivesCachedRoomToTextsThatNeedIt) {
  FakeBatchModel fake(256, 8);
  Scheduler scheduler(fake.model(), {.parallel = 2});
  for (std::int32_t index = 0; index < 10; ++index) {
    Text text;
    const Tokens prompt = prompt_of(190, index);
    ASSERT_TRUE(scheduler.submit(list_of(text.job(prompt, 20))));
    EXPECT_TRUE(text.wait()) << index;
    EXPECT_EQ(text.made, expected(prompt, 20));
  }
}

TEST(Scheduler, StartsNoTextThatMightNotFindRoom) {
  FakeBatchModel fake(256, 6);
  Scheduler scheduler(fake.model(), {.parallel = 4});
  std::vector<std::unique_ptr<Text>> texts;
  for (std::int32_t index = 0; index < 4; ++index) {
    texts.push_back(std::make_unique<Text>());
    ASSERT_TRUE(scheduler.submit(list_of(texts.back()->job(prompt_of(10, index), 180))));
  }
  for (const auto& text : texts) EXPECT_TRUE(text->wait());
}

TEST(Scheduler, EndsACancelledTextBeforeItsNextToken) {
  FakeBatchModel fake(512, 64);
  Text text;
  fake.before_pass = [&] {
    if (text.made.size() == 3) text.cancelled = true;
    return Status{};
  };
  Scheduler scheduler(fake.model(), {.parallel = 1});
  ASSERT_TRUE(scheduler.submit(list_of(text.job(prompt_of(4, 0), 400))));
  const Status status = text.wait();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(text.made.size(), 4U) << "the pass that ran when it was cancelled, and no other";
}

TEST(Scheduler, RefusesMoreThanMayWait) {
  FakeBatchModel fake(512, 64);
  std::promise<void> release;
  std::shared_future<void> released(release.get_future());
  fake.before_pass = [released] {
    released.wait();
    return Status{};
  };
  std::vector<std::unique_ptr<Text>> texts;
  Scheduler scheduler(fake.model(), {.parallel = 1, .max_waiting = 2});
  Status refused;
  for (int count = 0; count < 5 && refused; ++count) {
    texts.push_back(std::make_unique<Text>());
    refused = scheduler.submit(list_of(texts.back()->job(prompt_of(4, count), 2)));
  }
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNoSpace);
  release.set_value();
  texts.pop_back();
  for (const auto& text : texts) EXPECT_TRUE(text->wait());
}

TEST(Scheduler, RefusesPromptsThatDoNotFit) {
  FakeBatchModel fake(64, 64);
  Scheduler scheduler(fake.model(), {});
  Text text;
  for (const std::size_t length : {std::size_t{0}, std::size_t{64}, std::size_t{100}}) {
    const Status status = scheduler.submit(list_of(text.job(prompt_of(length, 0), 1)));
    ASSERT_FALSE(status) << length;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Scheduler, TellsTheTextsOfAPassThatItFailed) {
  FakeBatchModel fake(512, 64);
  bool fails = true;
  fake.before_pass = [&]() -> Status {
    if (fails) return make_error(ErrorCode::kInternal, "broken");
    return {};
  };
  Scheduler scheduler(fake.model(), {});
  Text text;
  ASSERT_TRUE(scheduler.submit(list_of(text.job(prompt_of(4, 0), 2))));
  const Status status = text.wait();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, testing::HasSubstr("broken"));
  fails = false;
  Text next;
  ASSERT_TRUE(scheduler.submit(list_of(next.job(prompt_of(4, 0), 2))));
  EXPECT_TRUE(next.wait()) << "the scheduler goes on";
}

TEST(Scheduler, GivesTheHiddenStateOfEachTokenOfAPrompt) {
  FakeBatchModel fake(512, 64);
  Scheduler scheduler(fake.model(), {});
  Text text;
  BatchJob job = text.job(prompt_of(300, 0), 0);
  job.on_logits = nullptr;
  job.on_hidden = [&](std::span<const float>) { ++text.hidden; };
  ASSERT_TRUE(scheduler.submit(list_of(std::move(job))));
  EXPECT_TRUE(text.wait());
  EXPECT_EQ(text.hidden, 300U);
}

TEST(Scheduler, EndsWhatRunsWhenItIsDestroyed) {
  FakeBatchModel fake(4096, 64);
  Text running;
  Text waiting;
  {
    Scheduler scheduler(fake.model(), {.parallel = 1});
    ASSERT_TRUE(scheduler.submit(list_of(running.job(prompt_of(4, 0), 4000))));
    ASSERT_TRUE(scheduler.submit(list_of(waiting.job(prompt_of(4, 1), 4000))));
  }
  EXPECT_FALSE(running.wait());
  EXPECT_FALSE(waiting.wait());
  EXPECT_EQ(fake.pool().used_blocks(), 0);
}

}  // namespace
}  // namespace pajamas
