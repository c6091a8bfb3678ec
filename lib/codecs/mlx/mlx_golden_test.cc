// SPDX-License-Identifier: Apache-2.0
// Codes, scales and biases equal what MLX's CPU kernels gave (tests/golden/make_mlx_golden.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "base/sha256.h"
#include "codecs/mlx/affine_group.h"
#include "codecs/mlx/mlx_codec.h"

namespace pajamas {
namespace {

std::vector<std::vector<float>> make_rows(std::size_t count, std::size_t cols) {
  std::vector<std::vector<float>> rows(count, std::vector<float>(cols));
  std::uint64_t state = 2026;
  for (auto& row : rows) {
    for (float& x : row) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      x = static_cast<float>(static_cast<std::int64_t>(state >> 40) - (1 << 23)) / 0x1p23F;
    }
  }
  for (std::size_t row = 0; row < count; ++row) {
    for (float& x : rows[row]) x *= std::ldexp(1.0F, -static_cast<int>(row % 12));
    const std::size_t kind = row / 12;
    for (std::size_t col = 0; col < cols; ++col) {
      float& x = rows[row][col];
      if (kind == 1) x = -std::fabs(x);
      if (kind == 2) x = std::fabs(x);
      if (kind == 3 && col % 3 == 0) x = 0;
      if (kind == 4) x = rows[row][0];
      if (kind == 5) x = std::nearbyint(x * 16) / 16;
      if (kind == 6 && col == 5) x *= 64;
    }
  }
  std::ranges::fill(rows[95], 0.0F);
  return rows;
}

struct Stored {
  std::vector<std::byte> codes, scales, biases;
};

Stored encode(const MlxEncoding& encoding, std::span<const float> row) {
  const MlxQuantization& q = encoding.quantization;
  const auto cols = std::ssize(row);
  Stored stored;
  stored.codes.resize(q.code_bytes(cols));
  stored.scales.resize(q.scale_bytes(cols, encoding.scale_dtype));
  if (q.has_biases()) stored.biases.resize(stored.scales.size());
  encode_mlx_row(encoding, row, {stored.codes, stored.scales, stored.biases});
  return stored;
}

std::string first_hex(std::span<const std::byte> bytes, std::size_t count) {
  std::string text;
  for (const std::byte byte : bytes.first(count)) {
    text += fmt::format("{:02x}", std::to_integer<int>(byte));
  }
  return text;
}

void compare(const Json& expected, const std::vector<std::vector<float>>& rows) {
  const MlxEncoding encoding{
      .quantization = {.mode = *parse_mlx_mode(expected["mode"].get<std::string>()),
                       .bits = expected["bits"].get<int>(),
                       .group_size = expected["group_size"].get<int>()},
      .scale_dtype = *parse_dtype(expected["dtype"].get<std::string>())};
  const MlxQuantization& q = encoding.quantization;
  SCOPED_TRACE(q.name() + " " + expected["dtype"].get<std::string>());
  Sha256 codes, scales, biases, dequantized;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<float> row = rows[r];
    for (float& x : row) x = round_to_dtype(x, encoding.scale_dtype);
    const Stored stored = encode(encoding, row);
    codes.update(stored.codes);
    scales.update(stored.scales);
    biases.update(stored.biases);
    if (r == 0) {
      EXPECT_EQ(first_hex(stored.codes, static_cast<std::size_t>(q.code_bytes(q.group_size))),
                expected["first_group"].get<std::string>());
    }
    decode_mlx_row(q, encoding.scale_dtype, {stored.codes, stored.scales, stored.biases}, row);
    for (float& x : row) x += 0.0F;  // -0 and 0 are one value
    dequantized.update(std::as_bytes(std::span(row)));
  }
  EXPECT_EQ(codes.finish_hex(), expected["codes"].get<std::string>());
  EXPECT_EQ(scales.finish_hex(), expected["scales"].get<std::string>());
  if (q.has_biases()) {
    EXPECT_EQ(biases.finish_hex(), expected["biases"].get<std::string>());
  }
  if (expected.contains("dequantized")) {
    EXPECT_EQ(dequantized.finish_hex(), expected["dequantized"].get<std::string>());
  }
}

TEST(MlxGolden, EveryModeWidthGroupAndTypeGivesTheBytesOfMlx) {
  const auto golden =
      read_json_file(std::filesystem::path(PJ_SOURCE_DIR) / "tests/golden/mlx/codecs.json", {});
  ASSERT_TRUE(golden) << golden.error().message << "\nmake_mlx_golden.py makes this file";
  const auto rows =
      make_rows((*golden)["rows"].get<std::size_t>(), (*golden)["cols"].get<std::size_t>());
  Sha256 input;
  for (const auto& row : rows) input.update(std::as_bytes(std::span(row)));
  ASSERT_EQ(input.finish_hex(), (*golden)["input"].get<std::string>())
      << "make_rows() and make_mlx_golden.py make different rows";
  ASSERT_EQ((*golden)["cases"].size(), 3 * (6 * 3 + 3));
  for (const Json& expected : (*golden)["cases"]) compare(expected, rows);
}

}  // namespace
}  // namespace pajamas
