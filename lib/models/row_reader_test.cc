// SPDX-License-Identifier: Apache-2.0
#include "models/row_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/half.h"
#include "tensor/testing/memory_source.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::MemorySource;

constexpr std::int64_t kRows = 5;
constexpr std::int64_t kCols = 7;

// 5 x 7 FP8 weights, one scale for each block of 2 x 3: the last block row and column are cut
// short.
MemorySource fp8_source() {
  MemorySource source;
  std::vector<std::uint8_t> weights;
  for (int i = 0; i < kRows * kCols; ++i) weights.push_back(static_cast<std::uint8_t>(i * 3));
  source.add("w.weight", {kRows, kCols}, DType::kF8E4M3, weights);
  source.add<float>("w.weight_scale_inv", {3, 3}, DType::kF32, {1, 2, 4, 8, 16, 32, 64, 128, 256});
  return source;
}

TEST(RowReader, Fp8WeightsAreMultipliedByTheScaleOfTheirBlock) {
  const MemorySource source = fp8_source();
  const RowReader reader(source, nullptr, {2, 3});
  const TensorInfo& tensor = *source.find("w.weight");
  ASSERT_TRUE(reader.check(tensor));
  for (std::int64_t first = 0; first < kRows; ++first) {
    const std::int64_t count = std::min<std::int64_t>(3, kRows - first);
    std::vector<std::byte> raw(static_cast<std::size_t>(count * kCols));
    ASSERT_TRUE(source.read(tensor, static_cast<std::uint64_t>(first * kCols), raw));
    std::vector<float> rows(raw.size());
    ASSERT_TRUE(reader.decode(tensor, kCols, first, count, raw, rows.data()));
    for (std::int64_t i = 0; i < count * kCols; ++i) {
      const std::int64_t row = first + i / kCols;
      const std::int64_t col = i % kCols;
      const float scale = static_cast<float>(1 << (row / 2 * 3 + col / 3));
      const auto code = static_cast<std::uint8_t>((row * kCols + col) * 3);
      EXPECT_EQ(rows[static_cast<std::size_t>(i)], f8_e4m3_to_f32(code) * scale) << row << col;
    }
  }
}

TEST(RowReader, Fp8WithoutScalesIsRefused) {
  MemorySource source;
  source.add<std::uint8_t>("w.weight", {1, 4}, DType::kF8E4M3, {1, 2, 3, 4});
  const Status status = RowReader(source, nullptr, {128, 128}).check(*source.find("w.weight"));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("has no 'w.weight_scale_inv' beside it"));
}

TEST(RowReader, ScalesOfAnotherShapeAreRefused) {
  const MemorySource source = fp8_source();
  const Status status = RowReader(source, nullptr, {128, 128}).check(*source.find("w.weight"));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("is f32 (3, 3), expected F32 or BF16 (1, 1)"));
}

TEST(RowReader, IntegersAreNotWeights) {
  MemorySource source;
  source.add<std::int32_t>("q.weight", {1, 2}, DType::kI32, {1, 2});
  const Status status = RowReader(source, nullptr, {128, 128}).check(*source.find("q.weight"));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("'q.weight' is stored as i32"));
}

}  // namespace
}  // namespace pajamas
