// SPDX-License-Identifier: Apache-2.0
// Passes over windows with models of a few kilobytes: what their numbers may not depend on.
#include "evaluate/scoring_pass.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/window_runner.h"
#include "formats/testing/temp_folder.h"
#include "runtime/testing/tiny_model.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;
using testing_support::tiny_llama;

constexpr std::int64_t kContext = 16;

WindowPlan plan_of_tokens(int tokens) {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < tokens; ++i) ids.push_back((i * i + 5 * i) % 48);
  return *plan_llama_windows(std::move(ids), kContext, 1, 0);
}

class ScoringPassTest : public testing::Test {
 protected:
  ScoringPassTest() { EXPECT_TRUE(write_model(tiny_llama(), path_)); }

  std::unique_ptr<Engine> open(int threads = 1, std::int64_t batch = 1) const {
    SilentProgress progress;
    auto engine = Engine::open(path_,
                               {.threads = threads,
                                .context = kContext,
                                .cache_positions = cache_positions_of(plan_, batch)},
                               CancelToken(), progress);
    EXPECT_TRUE(engine.has_value());
    return std::move(*engine);
  }

  Result<std::vector<WindowScore>> run(const ScoringPass& pass, ResultJournal& journal,
                                       int threads = 1, const CancelToken& cancel = {}) const {
    const auto engine = open(threads, 10);
    ThreadPool pool(threads);
    auto scores = run_scoring_pass(
        pass, [&] { return Result<Engine*>(engine.get()); }, pool, journal, cancel);
    if (!scores) return scores;
    for (WindowScore& score : *scores) score.seconds = 0;
    return scores;
  }

  std::unique_ptr<ReferenceWriter> writer(std::span<const ReferenceMark> done = {}) const {
    auto made = create_reference("pajamas", logits_,
                                 {.context = kContext,
                                  .vocab = 48,
                                  .windows = static_cast<std::int64_t>(plan_.windows.size()),
                                  .tokens = plan_.tokens},
                                 done);
    EXPECT_TRUE(made.has_value());
    return made ? std::move(*made) : nullptr;
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.gguf";
  std::filesystem::path logits_ = folder_.path() / "logits";
  WindowPlan plan_ = plan_of_tokens(10 * kContext);
  ResultJournal none_;
};

TEST_F(ScoringPassTest, ScoresAreThoseOfEachWindowRunAlone) {
  const auto scores = *run({.plan = plan_, .key = "w"}, none_);
  ASSERT_EQ(scores.size(), plan_.windows.size());
  const auto engine = open();
  for (std::size_t at = 0; at < scores.size(); ++at) {
    const Window& window = plan_.windows[at];
    Sequence sequence = engine->new_sequence();
    double nll = 0;
    for (std::int64_t place = 0; place + 1 < window.length; ++place) {
      const std::int32_t token = plan_.input(window, place);
      const auto logits = *engine->prefill(sequence, std::span(&token, 1), CancelToken());
      if (place + 1 < window.first_target) continue;
      double sum = 0;
      for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
      const auto target = static_cast<std::size_t>(plan_.target(window, place + 1));
      nll += std::log(sum) - static_cast<double>(logits[target]);
    }
    EXPECT_NEAR(scores[at].nll, nll, 1e-5);
  }
}

TEST_F(ScoringPassTest, NumbersDependNeitherOnThreadsNorOnTheBatch) {
  const auto expected = *run({.plan = plan_, .key = "w"}, none_);
  for (const auto& [threads, batch] : {std::pair(3, 1), std::pair(2, 64), std::pair(1, 1000)}) {
    ResultJournal journal;
    EXPECT_EQ(*run({.plan = plan_, .key = "w", .batch_tokens = batch}, journal, threads), expected);
  }
}

TEST_F(ScoringPassTest, AModelDoesNotDivergeFromItself) {
  auto kept = writer();
  const auto original = *run({.plan = plan_, .key = "w", .writer = kept.get()}, none_);
  ASSERT_TRUE(kept->publish().has_value());
  const auto reference = *open_reference(logits_);
  ResultJournal journal;
  const auto again = *run({.plan = plan_, .key = "w", .reference = reference.get()}, journal, 2);
  const DivergenceResult result = summarize_divergence(again);
  EXPECT_EQ(result.positions, plan_.scored_tokens());
  EXPECT_EQ(result.kl.maximum, 0);
  EXPECT_EQ(result.top1_agreement, 1);
  EXPECT_EQ(result.rms_probability_change, 0);
  const auto by_file = *scores_of_reference(*reference, plan_, CancelToken());
  for (std::size_t at = 0; at < original.size(); ++at) {
    EXPECT_EQ(original[at].nll, again[at].nll);
    EXPECT_NEAR(by_file[at].nll, original[at].nll, 1e-12);
  }
}

// Cancels after some windows.
class CancelAfter {
 public:
  explicit CancelAfter(std::int64_t windows) : windows_(windows) {}
  [[nodiscard]] std::function<void(std::int64_t)> callback() {
    return [this](std::int64_t done) {
      if (done >= windows_) token.cancel();
    };
  }
  CancelToken token;

 private:
  std::int64_t windows_;
};

TEST_F(ScoringPassTest, AnInterruptedPassGoesOnAndGivesTheSame) {
  const auto whole = writer();
  const auto expected = *run({.plan = plan_, .key = "w", .writer = whole.get()}, none_);
  ASSERT_TRUE(whole->publish().has_value());
  const std::string bytes = *read_text_file(logits_, 1 << 20);
  std::filesystem::remove(logits_);
  {
    CancelAfter cancel(4);
    auto journal = *ResultJournal::open(folder_.path() / "work", "f", 0);
    const auto first = writer();
    const auto cut = run({.plan = plan_,
                          .key = "w",
                          .writer = first.get(),
                          .batch_tokens = 2 * kContext,
                          .on_progress = cancel.callback()},
                         journal, 1, cancel.token);
    ASSERT_FALSE(cut.has_value());
    EXPECT_EQ(cut.error().code, ErrorCode::kCancelled);
  }
  auto journal = *ResultJournal::open(folder_.path() / "work", "f", 0);
  const auto marks = journaled_marks(journal, plan_, "w");
  EXPECT_EQ(marks.size(), 4U);
  const auto rest = writer(marks);
  std::int64_t first_done = -1;
  const auto scores = *run({.plan = plan_,
                            .key = "w",
                            .writer = rest.get(),
                            .on_progress =
                                [&](std::int64_t done) {
                                  if (first_done < 0) first_done = done;
                                }},
                           journal);
  ASSERT_TRUE(rest->publish().has_value());
  EXPECT_EQ(first_done, 4);
  EXPECT_EQ(scores, expected);
  EXPECT_EQ(*read_text_file(logits_, 1 << 20), bytes);
}

TEST_F(ScoringPassTest, AnotherVocabularyIsAnErrorWithBothSizes) {
  auto made = create_reference("pajamas", logits_,
                               {.context = kContext,
                                .vocab = 49,
                                .windows = static_cast<std::int64_t>(plan_.windows.size()),
                                .tokens = plan_.tokens},
                               {});
  const std::vector<float> logits(49);
  for (const Window& window : plan_.windows) {
    const std::vector<std::vector<std::byte>> rows(
        static_cast<std::size_t>(window.scored()),
        (*made)->encode_row(logits, *normalize(logits), 0));
    ASSERT_TRUE((*made)->append(rows).has_value());
  }
  ASSERT_TRUE((*made)->publish().has_value());
  const auto reference = *open_reference(logits_);
  const auto scores = run({.plan = plan_, .key = "w", .reference = reference.get()}, none_);
  ASSERT_FALSE(scores.has_value());
  EXPECT_THAT(scores.error().message, HasSubstr("a vocabulary of 48 and the original one of 49"));
}

TEST_F(ScoringPassTest, AModelThatComputesNoNumbersIsAnErrorThatNamesIt) {
  const File file = *File::open_write(path_);
  // Behind the header: floats that are no numbers.
  const std::vector<std::byte> nans(*file.size_bytes() - 4096, std::byte{0xFF});
  ASSERT_TRUE(file.write_at(4096, nans).has_value());
  const auto scores = run({.plan = plan_, .key = "w"}, none_);
  ASSERT_FALSE(scores.has_value());
  EXPECT_THAT(scores.error().message, HasSubstr("not finite"));
}

}  // namespace
}  // namespace pajamas
