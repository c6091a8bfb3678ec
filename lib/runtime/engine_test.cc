// SPDX-License-Identifier: Apache-2.0
// The engine on the example model, which was trained: its text, and what its text may not depend
// on.
#include "runtime/engine.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;
using Tokens = std::vector<std::int32_t>;

std::unique_ptr<Engine> open_example(const EngineOptions& options = {.threads = 1}) {
  SilentProgress progress;
  const auto path = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
  auto engine = Engine::open(path, options, CancelToken(), progress);
  EXPECT_TRUE(engine.has_value()) << engine.error().message;
  return engine ? std::move(*engine) : nullptr;
}

std::int32_t best(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
}

Tokens greedy(Engine& engine, Sequence& sequence, std::span<const float> logits,
              std::size_t count) {
  Tokens made;
  while (made.size() < count) {
    made.push_back(best(logits));
    const NextToken next{&sequence, made.back()};
    auto result = engine.decode({&next, 1}, CancelToken());
    EXPECT_TRUE(result.has_value());
    logits = *result;
  }
  return made;
}

Tokens greedy_after(Engine& engine, const Tokens& prompt, std::size_t count) {
  Sequence sequence = engine.new_sequence();
  return greedy(engine, sequence, *engine.prefill(sequence, prompt, CancelToken()), count);
}

// `count` tokens that say nothing.
Tokens some_tokens(int count, int step = 7) {
  Tokens tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(i * step % 1000);
  return tokens;
}

using Rows = std::map<std::size_t, std::vector<float>>;

Rows all_logits(Engine& engine, std::span<const BatchToken> batch) {
  Rows rows;
  const Status done = engine.forward(
      batch,
      [&](std::size_t index, std::span<const float> values) {
        rows[index].assign(values.begin(), values.end());
      },
      CancelToken());
  EXPECT_TRUE(done.has_value());
  return rows;
}

std::vector<BatchToken> batch_of(Sequence& sequence, const Tokens& tokens) {
  std::vector<BatchToken> batch;
  for (const std::int32_t token : tokens) {
    batch.push_back({&sequence, token, TokenOutput::kLogits});
  }
  return batch;
}

Rows logits_of(Engine& engine, const Tokens& tokens) {
  Sequence sequence = engine.new_sequence();
  return all_logits(engine, batch_of(sequence, tokens));
}

TEST(Engine, WritesTheStoriesThatTheReferenceWrites) {
  const auto golden = std::filesystem::path(PJ_SOURCE_DIR) / "tests/golden/example/greedy.json";
  const Json stories = *read_json_file(golden, {});
  const auto engine = open_example({.threads = 2, .kv_type = KvType::kF32});
  for (std::size_t i = 0; i < stories["prompt_ids"].size(); ++i) {
    const auto expected = stories["answers"]["F32"][i]["ids"].get<Tokens>();
    EXPECT_EQ(greedy_after(*engine, stories["prompt_ids"][i].get<Tokens>(), expected.size()),
              expected);
  }
}

TEST(Engine, LogitsHaveTheSameBitsForAnyThreadsAndMicroBatch) {
  const Tokens tokens = some_tokens(100);
  const Rows expected = logits_of(*open_example(), tokens);
  ASSERT_EQ(expected.size(), tokens.size());
  for (const auto& [threads, micro_batch] :
       {std::pair(3, 512), std::pair(1, 33), std::pair(2, 1)}) {
    const auto engine = open_example({.threads = threads, .micro_batch = micro_batch});
    EXPECT_EQ(logits_of(*engine, tokens), expected) << threads << " threads, " << micro_batch;
  }
}

TEST(Engine, LogitsHaveTheSameBitsBesideOtherSequences) {
  const auto engine = open_example({.threads = 2, .cache_positions = 2048});
  const Tokens tokens = some_tokens(70);
  const Rows expected = logits_of(*engine, tokens);
  Sequence alone = engine->new_sequence();
  Sequence mate = engine->new_sequence();
  Sequence other = engine->new_sequence();
  std::vector<BatchToken> batch;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i % 3 == 0) batch.push_back({&mate, static_cast<std::int32_t>(i), TokenOutput::kNothing});
    places.push_back(batch.size());
    batch.push_back({&alone, tokens[i], TokenOutput::kLogits});
    if (i % 2 == 0) batch.push_back({&other, 5, TokenOutput::kHidden});
  }
  const Rows rows = all_logits(*engine, batch);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(rows.at(places[i]), expected.at(i)) << "token " << i;
  }
  EXPECT_EQ(rows.at(2).size(), 256U);  // a hidden state
}

TEST(Engine, ForksShareWhatIsAlikeAndDoNotDisturbEachOther) {
  const auto engine = open_example({.threads = 1, .cache_positions = 2048});
  const Tokens tokens = some_tokens(150);
  const Rows expected = logits_of(*engine, tokens);
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, std::span(tokens).first(100), CancelToken()));
  Sequence fork = *sequence.fork(90);
  EXPECT_EQ(fork.length(), 90);
  const Tokens changed = some_tokens(40, 11);
  ASSERT_TRUE(engine->prefill(fork, changed, CancelToken()));
  const Tokens rest(tokens.begin() + 100, tokens.end());
  const Rows rows = all_logits(*engine, batch_of(sequence, rest));
  EXPECT_EQ(rows.at(49), expected.at(149));

  Tokens forked(tokens.begin(), tokens.begin() + 90);
  forked.insert(forked.end(), changed.begin(), changed.end());
  const auto last = *engine->decode(std::vector<NextToken>{{&fork, 3}}, CancelToken());
  const std::vector<float> fork_logits(last.begin(), last.end());
  forked.push_back(3);
  EXPECT_EQ(logits_of(*engine, forked).at(130), fork_logits);
}

TEST(Engine, TruncatedSequenceGoesOnAsIfTheRestHadNeverBeen) {
  const auto engine = open_example();
  const Tokens tokens = some_tokens(80);
  const Rows expected = logits_of(*engine, tokens);
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, std::span(tokens).first(60), CancelToken()));
  ASSERT_TRUE(engine->prefill(sequence, some_tokens(30, 3), CancelToken()));
  sequence.truncate(60);
  const Tokens rest(tokens.begin() + 60, tokens.end());
  EXPECT_EQ(all_logits(*engine, batch_of(sequence, rest)).at(19), expected.at(79));
}

TEST(Engine, ACommonStartIsNotComputedAgain) {
  const auto engine = open_example();
  Tokens tokens = some_tokens(80);
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, tokens, CancelToken()));
  tokens.resize(70);
  tokens[60] = 1;
  const Rows expected = logits_of(*engine, tokens);
  std::int64_t rows = 0;
  engine->set_observer([&](const LinearInput& input) {
    if (input.weight == "blk.0.attn_q.weight") rows += input.rows;
  });
  const auto logits = *engine->prefill_from_common_start(sequence, tokens, CancelToken());
  EXPECT_TRUE(std::ranges::equal(logits, expected.at(69)));
  EXPECT_EQ(rows, 10);
  ASSERT_TRUE(engine->prefill_from_common_start(sequence, tokens, CancelToken()));
  EXPECT_EQ(rows, 11);  // nothing is new, but the last token's logits are wanted
  EXPECT_FALSE(engine->prefill_from_common_start(sequence, {}, CancelToken()));
}

TEST(Engine, MoreTokensThanTheContextIsAnErrorThatSaysWhatToDo) {
  const auto engine = open_example({.threads = 1, .context = 64});
  Sequence sequence = engine->new_sequence();
  const auto result = engine->prefill(sequence, some_tokens(65), CancelToken());
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message,
              HasSubstr("the text has 65 tokens, but the context holds 64"));
  EXPECT_THAT(result.error().message, HasSubstr("--context-shift"));
  EXPECT_EQ(sequence.length(), 0);
  EXPECT_TRUE(engine->prefill(sequence, some_tokens(64), CancelToken()));
}

TEST(Engine, ShiftedContextIsThatOfTheShorterText) {
  const auto engine = open_example({.threads = 1, .context = 64, .cache_positions = 512});
  const Tokens tokens = some_tokens(64);
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, tokens, CancelToken()));
  ASSERT_TRUE(engine->shift_context(sequence, 4, CancelToken()));
  Tokens shorter(tokens.begin(), tokens.begin() + 4);
  shorter.insert(shorter.end(), tokens.begin() + 34, tokens.end());
  EXPECT_TRUE(std::ranges::equal(sequence.tokens(), shorter));
  const auto shifted = *engine->decode(std::vector<NextToken>{{&sequence, 9}}, CancelToken());
  const std::vector<float> found(shifted.begin(), shifted.end());
  shorter.push_back(9);
  EXPECT_EQ(logits_of(*engine, shorter).at(shorter.size() - 1), found);
  EXPECT_FALSE(engine->shift_context(sequence, sequence.length(), CancelToken()));
}

TEST(Engine, FullCacheIsAnErrorAndFreedBlocksAreUsedAgain) {
  const auto engine = open_example({.threads = 1, .context = 128});
  Sequence first = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(first, some_tokens(100), CancelToken()));
  Sequence second = engine->new_sequence();
  const auto result = engine->prefill(second, some_tokens(10), CancelToken());
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("the KV cache is full"));
  first.truncate(50);
  EXPECT_FALSE(engine->prefill(second, some_tokens(100), CancelToken()));
  EXPECT_TRUE(engine->prefill(first, some_tokens(78), CancelToken()));  // the failure held nothing
  first.truncate(0);
  EXPECT_TRUE(engine->prefill(second, some_tokens(100), CancelToken()));
}

TEST(Engine, UnknownTokensAndEmptyPromptsAreErrors) {
  const auto engine = open_example();
  Sequence sequence = engine->new_sequence();
  EXPECT_FALSE(engine->prefill(sequence, {}, CancelToken()));
  for (const std::int32_t token : {-1, 1024, 2147483647}) {
    const auto result = engine->prefill(sequence, std::vector{token}, CancelToken());
    ASSERT_FALSE(result.has_value());
    EXPECT_THAT(result.error().message, HasSubstr("vocabulary of 1024"));
  }
}

TEST(Engine, CancelledPrefillLeavesTheSequenceUsable) {
  const auto engine = open_example();
  const Tokens tokens = some_tokens(20);
  const Rows expected = logits_of(*engine, tokens);
  Sequence sequence = engine->new_sequence();
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(engine->prefill(sequence, tokens, cancel).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(all_logits(*engine, batch_of(sequence, tokens)), expected);
}

TEST(Engine, ObserverSeesTheInputOfEveryProduct) {
  const auto engine = open_example();
  std::map<std::string, std::int64_t> rows;
  engine->set_observer([&](const LinearInput& input) {
    rows[std::string(input.weight)] += input.rows;
    EXPECT_EQ(input.cols, input.weight.find("ffn_down") == std::string_view::npos ? 256 : 512);
    EXPECT_NE(input.values[0], 0.0F);
  });
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, some_tokens(10), CancelToken()));
  EXPECT_EQ(rows.size(), 4U * 7U + 1U);
  EXPECT_EQ(rows["blk.0.ffn_down.weight"], 10);
  EXPECT_EQ(rows["blk.3.ffn_gate.weight"], 1);  // only the last token's logits were wanted
  EXPECT_EQ(rows["token_embd.weight"], 1);
}

class SavedCache : public testing::TestWithParam<KvType> {};

TEST_P(SavedCache, IsRestoredToTheSameBits) {
  const TempFolder folder;
  const auto path = folder.path() / "cache";
  const auto engine = open_example({.threads = 1, .cache_positions = 2048, .kv_type = GetParam()});
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, some_tokens(100), CancelToken()));
  ASSERT_TRUE(engine->save(sequence, path));
  auto restored = engine->restore(path);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_TRUE(std::ranges::equal(restored->tokens(), sequence.tokens()));
  const auto logits =
      *engine->decode(std::vector<NextToken>{{&sequence, 9}, {&*restored, 9}}, CancelToken());
  EXPECT_TRUE(std::ranges::equal(logits.first(1024), logits.last(1024)));
}

INSTANTIATE_TEST_SUITE_P(EveryType, SavedCache,
                         testing::Values(KvType::kF32, KvType::kF16, KvType::kQ8_0));

TEST(SavedCache, DamagedOrForeignFilesAreErrors) {
  const TempFolder folder;
  const auto path = folder.path() / "cache";
  const auto engine = open_example();
  Sequence sequence = engine->new_sequence();
  ASSERT_TRUE(engine->prefill(sequence, some_tokens(10), CancelToken()));
  ASSERT_TRUE(engine->save(sequence, path));
  const std::string good = *read_text_file(path, 1 << 24);
  const auto error_of = [&](std::string content) {
    EXPECT_TRUE(write_file_atomic(path, content));
    const auto restored = engine->restore(path);
    return restored ? std::string("it was restored") : restored.error().message;
  };
  const auto changed = [&](std::size_t at, char value) {
    std::string content = good;
    content[at] = value;
    return content;
  };
  EXPECT_THAT(error_of(changed(0, 'X')), HasSubstr("not a saved cache"));
  EXPECT_THAT(error_of(changed(8, 'x')), HasSubstr("another model"));
  EXPECT_THAT(error_of(changed(72, 11)), HasSubstr("expected"));
  EXPECT_THAT(error_of(changed(79, 127)), HasSubstr("the context holds"));
  EXPECT_THAT(error_of(changed(83, 127)), HasSubstr("not in the vocabulary"));
  EXPECT_THAT(error_of(changed(good.size() / 2, good[good.size() / 2] == 1 ? 2 : 1)),
              HasSubstr("checksum"));
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{40}, std::size_t{75}, good.size() - 1}) {
    EXPECT_THAT(error_of(good.substr(0, bytes)), testing::Not(HasSubstr("it was restored")));
  }
  EXPECT_THAT(error_of(good + "x"), HasSubstr("expected"));
  EXPECT_EQ(error_of(good), "it was restored");

  const auto other = open_example({.threads = 1, .kv_type = KvType::kQ8_0});
  EXPECT_THAT(other->restore(path).error().message, HasSubstr("--cache-type"));
}

}  // namespace
}  // namespace pajamas
