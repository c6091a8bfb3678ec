// SPDX-License-Identifier: Apache-2.0
#include "runtime/embedding.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

using Tokens = std::vector<std::int32_t>;

class EmbeddingTest : public testing::Test {
 protected:
  void SetUp() override {
    SilentProgress progress;
    const auto path = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
    auto engine = Engine::open(path, {.threads = 1}, CancelToken(), progress);
    ASSERT_TRUE(engine.has_value()) << engine.error().message;
    engine_ = std::move(*engine);
  }

  std::vector<float> embed(const Tokens& tokens, const EmbedOptions& options) {
    return *embed_tokens(*engine_, tokens, options, CancelToken());
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(EmbeddingTest, FirstAndLastAreThoseTokensStates) {
  const EmbedOptions first{.pooling = Pooling::kFirst, .normalize = false};
  const EmbedOptions last{.pooling = Pooling::kLast, .normalize = false};
  EXPECT_EQ(embed({5, 6, 7}, first), embed({5}, last));
  EXPECT_NE(embed({5, 6, 7}, last), embed({7}, last));  // it has seen the others
}

TEST_F(EmbeddingTest, MeanIsTheMeanOfAllTokens) {
  const EmbedOptions mean{.pooling = Pooling::kMean, .normalize = false};
  const EmbedOptions last{.pooling = Pooling::kLast, .normalize = false};
  const auto one = embed({5}, last);
  const auto two = embed({5, 6}, last);
  const auto both = embed({5, 6}, mean);
  for (std::size_t i = 0; i < both.size(); ++i) EXPECT_NEAR(both[i], (one[i] + two[i]) / 2, 1e-6);
}

TEST_F(EmbeddingTest, NormalizedVectorsHaveLengthOne) {
  const auto vector = embed({5, 6, 7}, {});
  EXPECT_NEAR(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0), 1.0, 1e-6);
}

TEST_F(EmbeddingTest, NoTokensAreAnError) {
  EXPECT_FALSE(embed_tokens(*engine_, {}, {}, CancelToken()).has_value());
}

}  // namespace
}  // namespace pajamas
