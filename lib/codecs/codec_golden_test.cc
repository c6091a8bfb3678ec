// SPDX-License-Identifier: Apache-2.0
// Bytes and floats equal what llama.cpp's library gave (tests/golden/make_codec_golden.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/sha256.h"
#include "codecs/codec.h"
#include "codecs/testing/codec_inputs.h"
#include "codecs/testing/codec_printer.h"

namespace pajamas {
namespace {

enum class Importance { kNone, kGiven };

std::string hex_of(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

class EveryGoldenCodec : public ::testing::TestWithParam<const Codec*> {
 protected:
  void SetUp() override {
    const std::filesystem::path path = std::filesystem::path(PJ_SOURCE_DIR) /
                                       "tests/golden/codecs" /
                                       (std::string(dtype_name(codec().dtype)) + ".json");
    const auto json = read_json_file(path, {});
    ASSERT_TRUE(json) << json.error().message << "\nmake_codec_golden.py makes this file";
    golden_ = *json;
    seed_ = golden_["seed"].get<std::uint64_t>();
  }

  static const Codec& codec() { return *GetParam(); }

  // The rows of one kind of input, encoded and decoded; compared by hash.
  void compare(const Json& expected, const std::vector<std::vector<float>>& rows,
               Importance importance) {
    Sha256 encoded;
    Sha256 decoded;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::vector<float>& values = rows[row];
      std::vector<std::byte> bytes(row_bytes(codec().dtype, std::ssize(values)));
      const std::vector<float> weights =
          importance == Importance::kNone ? std::vector<float>{}
                                          : testing::random_importance(seed_, row, values.size());
      codec().encode_row(values, weights, bytes);
      encoded.update(bytes);
      std::vector<float> back(values.size());
      codec().decode_row(bytes, back);
      testing::unify_nans(back);
      decoded.update(std::as_bytes(std::span(back)));
      compare_first_block(expected, row, bytes);
    }
    EXPECT_EQ(encoded.finish_hex(), expected["encoded"].get<std::string>());
    EXPECT_EQ(decoded.finish_hex(), expected["decoded"].get<std::string>());
  }

  void compare_kind(const char* kind, const std::vector<std::vector<float>>& rows) {
    const Json& expected = golden_[kind];
    ASSERT_EQ(rows.size(), expected["rows"].get<std::size_t>());
    Sha256 input;
    for (const auto& row : rows) input.update(std::as_bytes(std::span(row)));
    ASSERT_EQ(input.finish_hex(), expected["input"].get<std::string>())
        << "codec_inputs.h and make_codec_golden.py make different rows";
    {
      SCOPED_TRACE("without importance");
      compare(expected["plain"], rows, Importance::kNone);
    }
    SCOPED_TRACE("with importance");
    compare(expected["importance"], rows, Importance::kGiven);
  }

  Json golden_;
  std::uint64_t seed_ = 0;

 private:
  static void compare_first_block(const Json& expected, std::size_t row,
                                  std::span<const std::byte> bytes) {
    const Json* blocks = find_member(expected, "first_blocks");
    if (blocks == nullptr) return;
    const Json* block = find_member(*blocks, std::to_string(row));
    if (block == nullptr) return;
    EXPECT_EQ(hex_of(bytes.first(dtype_info(codec().dtype).block_bytes)), block->get<std::string>())
        << "first block of row " << row;
  }
};

TEST_P(EveryGoldenCodec, EqualsTheReferenceOnAMillionRandomValues) {
  std::vector<std::vector<float>> rows;
  const auto count = golden_["random"]["rows"].get<std::size_t>();
  ASSERT_GE(count * testing::kRandomCols, 1000000U);
  for (std::size_t row = 0; row < count; ++row) rows.push_back(testing::random_row(seed_, row));
  compare_kind("random", rows);
}

TEST_P(EveryGoldenCodec, EqualsTheReferenceOnHostileRows) {
  std::vector<std::vector<float>> rows;
  for (const auto& row : testing::hostile_rows()) rows.push_back(testing::hostile_values(row));
  compare_kind("hostile", rows);
}

TEST_P(EveryGoldenCodec, DecodesRandomBytesAsTheReferenceDoes) {
  const Json& expected = golden_["random_bytes"];
  std::vector<float> values(expected["elems"].get<std::size_t>());
  codec().decode_row(testing::random_bytes(seed_, row_bytes(codec().dtype, std::ssize(values))),
                     values);
  testing::unify_nans(values);
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(values))), expected["decoded"].get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryGoldenCodec,
                         ::testing::ValuesIn(all_codecs().begin(), all_codecs().end()),
                         testing::codec_test_name);

}  // namespace
}  // namespace pajamas
