// SPDX-License-Identifier: Apache-2.0
#include "runtime/layer_stream.h"

#include <gtest/gtest.h>

#include <cstring>

namespace pajamas {
namespace {

constexpr std::int64_t kSourceLayers = 5;
constexpr std::int64_t kParts = 7;
constexpr std::int64_t kPartBytes = 64;

// What a test sees of the source that a stream owns.
struct Seen {
  std::atomic<std::int64_t> parts_loaded{0};
  std::atomic<std::int64_t> failing_layer{-1};
  std::byte* memory = nullptr;  // of the layer that was placed last
};

// Layers whose bytes are their own number.
class NumberedLayers final : public LayerSource {
 public:
  explicit NumberedLayers(Seen& seen) : seen_(seen) {}
  [[nodiscard]] std::int64_t layers() const override { return kSourceLayers; }
  [[nodiscard]] std::uint64_t bytes(std::int64_t /*layer*/) const override {
    return kParts * kPartBytes;
  }
  [[nodiscard]] std::int64_t parts(std::int64_t /*layer*/) const override { return kParts; }
  Status load_part(std::int64_t layer, std::int64_t part, std::byte* memory,
                   std::vector<std::byte>& /*scratch*/) const override {
    if (layer == seen_.failing_layer) return make_error(ErrorCode::kIo, "layer {} broke", layer);
    std::memset(memory + part * kPartBytes, static_cast<int>(layer), kPartBytes);
    ++seen_.parts_loaded;
    return {};
  }
  void place(std::int64_t /*layer*/, std::byte* memory) override { seen_.memory = memory; }

 private:
  Seen& seen_;
};

bool holds(const Seen& seen, std::int64_t layer) {
  const auto is_layer = [&](std::int64_t at) {
    return seen.memory[at] == static_cast<std::byte>(layer);
  };
  for (std::int64_t at = 0; at < kParts * kPartBytes; ++at) {
    if (!is_layer(at)) return false;
  }
  return true;
}

class LayerStreamTest : public testing::TestWithParam<int> {
 protected:
  LayerStreamTest() : team_(2) {
    auto stream = LayerStream::create(std::make_unique<NumberedLayers>(seen_), GetParam());
    EXPECT_TRUE(stream.has_value());
    stream_ = std::move(*stream);
  }
  Status hold(std::int64_t layer) { return stream_->hold(layer, team_, cancel_); }

  Seen seen_;
  WorkerTeam team_;
  CancelToken cancel_;
  std::unique_ptr<LayerStream> stream_;
};

TEST_P(LayerStreamTest, BringsLayersPassAfterPass) {
  for (int pass = 0; pass < 20; ++pass) {
    for (std::int64_t layer = 0; layer < kSourceLayers; ++layer) {
      ASSERT_TRUE(hold(layer));
      ASSERT_TRUE(holds(seen_, layer)) << "layer " << layer << " of pass " << pass;
    }
  }
  // Each layer once a pass; the one that is read ahead belongs to the next.
  EXPECT_EQ(stream_->layers_begun(), 20 * kSourceLayers + (GetParam() - 1));
}

TEST_P(LayerStreamTest, BringsThemInAnyOrder) {
  for (const std::int64_t layer : {3, 3, 0, 4, 0, 1, 1, 0, 2}) {
    ASSERT_TRUE(hold(layer));
    ASSERT_TRUE(holds(seen_, layer)) << layer;
  }
}

TEST_P(LayerStreamTest, ALayerThatCannotBeReadIsAnErrorUntilItCan) {
  ASSERT_TRUE(hold(0));
  ASSERT_TRUE(hold(1));
  seen_.failing_layer = 3;
  ASSERT_TRUE(hold(2));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Status failed = hold(3);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().message, "layer 3 broke");
  }
  seen_.failing_layer = -1;
  ASSERT_TRUE(hold(3));
  EXPECT_TRUE(holds(seen_, 3));
}

TEST_P(LayerStreamTest, CancellingIsAnErrorThatLeavesItUsable) {
  ASSERT_TRUE(hold(0));
  CancelToken cancelled;
  cancelled.cancel();
  const Status failed = stream_->hold(3, team_, cancelled);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kCancelled);
  ASSERT_TRUE(hold(3));
  EXPECT_TRUE(holds(seen_, 3));
}

INSTANTIATE_TEST_SUITE_P(OneAndTwoBuffers, LayerStreamTest, testing::Values(1, 2));

}  // namespace
}  // namespace pajamas
