// SPDX-License-Identifier: Apache-2.0
// What holds for every codec of the registry, whatever it stores.
#include "codecs/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "codecs/testing/codec_inputs.h"
#include "codecs/testing/codec_printer.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kSeed = 7;

std::vector<std::byte> encode(const Codec& codec, std::span<const float> row,
                              std::span<const float> importance = {}) {
  std::vector<std::byte> bytes(row_bytes(codec.dtype, static_cast<std::int64_t>(row.size())));
  codec.encode_row(row, importance, bytes);
  return bytes;
}

std::vector<float> decode(const Codec& codec, std::span<const std::byte> bytes, std::size_t elems) {
  std::vector<float> row(elems);
  codec.decode_row(bytes, row);
  return row;
}

float rmse(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return static_cast<float>(std::sqrt(sum / static_cast<double>(a.size())));
}

// Standard deviation 1.
std::vector<float> unit_normal(std::size_t elems) {
  std::vector<float> row(elems);
  for (std::size_t i = 0; i < elems; ++i) {
    row[i] = static_cast<float>(testing::bell(testing::random_u64(kSeed, i))) / 37837.0F;
  }
  return row;
}

class EveryCodec : public ::testing::TestWithParam<const Codec*> {
 protected:
  static const Codec& codec() { return *GetParam(); }
};

TEST_P(EveryCodec, DecodeOfEncodeStaysWithinItsStatedErrorAndNotFarBelow) {
  const auto row = unit_normal(64 * 256);
  const float error = rmse(row, decode(codec(), encode(codec(), row), row.size()));
  EXPECT_LE(error, codec().max_rmse_on_unit_normal);
  EXPECT_GE(error, 0.8F * codec().max_rmse_on_unit_normal);
}

TEST_P(EveryCodec, ImportanceMovesErrorAwayFromImportantColumnsWhereItIsUsed) {
  const auto row = unit_normal(64 * 256);
  std::vector<float> importance(row.size(), 0.01F);
  std::vector<float> important;
  for (std::size_t i = 0; i < row.size(); i += 4) {
    importance[i] = 100.0F;
    important.push_back(row[i]);
  }
  const auto error_of = [&](std::span<const std::byte> bytes) {
    const auto back = decode(codec(), bytes, row.size());
    std::vector<float> picked;
    for (std::size_t i = 0; i < back.size(); i += 4) picked.push_back(back[i]);
    return rmse(important, picked);
  };
  const auto plain = encode(codec(), row);
  const auto weighted = encode(codec(), row, importance);
  if (codec().uses_importance) {
    EXPECT_LT(error_of(weighted), error_of(plain));
  } else {
    EXPECT_EQ(weighted, plain);
  }
}

TEST_P(EveryCodec, ARowOfZerosDecodesToZeros) {
  const std::vector<float> row(512, 0.0F);
  EXPECT_THAT(decode(codec(), encode(codec(), row), row.size()), ::testing::Each(0.0F));
}

TEST_P(EveryCodec, ASpikeKeepsItsPlaceAndSign) {
  for (const std::size_t at : {0U, 15U, 16U, 31U, 32U, 127U, 128U, 161U, 239U, 240U, 255U}) {
    std::vector<float> row(256, 0.0F);
    row[at] = -4.0F;
    const auto back = decode(codec(), encode(codec(), row), row.size());
    EXPECT_NEAR(back[at], -4.0F, 0.3F) << at;
    row[at] = 4.0F;
    const auto positive = decode(codec(), encode(codec(), row), row.size());
    EXPECT_NEAR(positive[at], 4.0F, 0.6F) << at;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == at) continue;
      EXPECT_NEAR(positive[i], 0.0F, 0.25F) << i;
    }
  }
}

TEST_P(EveryCodec, EachBlockDependsOnItselfAloneUnlessWeighted) {
  const auto elems = static_cast<std::size_t>(dtype_info(codec().dtype).block_elems);
  const auto row = unit_normal(4 * elems);
  const auto whole = encode(codec(), row);
  std::vector<std::byte> parts;
  for (std::size_t block = 0; block < 4; ++block) {
    const auto part = encode(codec(), std::span(row).subspan(block * elems, elems));
    parts.insert(parts.end(), part.begin(), part.end());
  }
  EXPECT_EQ(whole, parts);
}

TEST_P(EveryCodec, AnEncodedRowDependsOnNothingThatWasEncodedBefore) {
  const auto row = testing::random_row(kSeed, 0);
  const auto importance = testing::random_importance(kSeed, 0, row.size());
  const auto first = encode(codec(), row, importance);
  for (const auto& hostile : testing::hostile_rows()) {
    encode(codec(), testing::hostile_values(hostile));
  }
  EXPECT_EQ(encode(codec(), row, importance), first);
}

TEST_P(EveryCodec, EncodesEveryFiniteRowWithoutUndefinedBehaviour) {
  for (const auto& hostile : testing::hostile_rows()) {
    const auto row = testing::hostile_values(hostile);
    EXPECT_EQ(encode(codec(), row), encode(codec(), row));
    const std::vector<float> huge(row.size(), 3.0e38F);
    EXPECT_EQ(encode(codec(), row, huge), encode(codec(), row, huge));
  }
}

TEST_P(EveryCodec, DecodesAnyBytes) {
  constexpr std::size_t kElems = 256 * 64;
  const std::size_t bytes = row_bytes(codec().dtype, kElems);
  for (const auto fill : {std::byte{0x00}, std::byte{0x7f}, std::byte{0x80}, std::byte{0xff}}) {
    const auto row = decode(codec(), std::vector<std::byte>(bytes, fill), kElems);
    for (std::size_t i = 256; i < kElems; ++i) {  // same blocks, same values
      ASSERT_EQ(std::isnan(row[i]), std::isnan(row[i - 256]));
      if (std::isnan(row[i])) continue;
      ASSERT_EQ(row[i], row[i - 256]);
    }
  }
  const auto noise = testing::random_bytes(kSeed, bytes);
  auto once = decode(codec(), noise, kElems);
  auto again = decode(codec(), noise, kElems);
  testing::unify_nans(once);
  testing::unify_nans(again);
  EXPECT_EQ(encode(*find_codec(DType::kF32), once), encode(*find_codec(DType::kF32), again));
}

TEST_P(EveryCodec, ARowThatIsNotWholeBlocksIsOurBug) {
  const auto elems = static_cast<std::size_t>(dtype_info(codec().dtype).block_elems);
  const std::vector<float> row(elems, 1.0F);
  std::vector<std::byte> short_out(dtype_info(codec().dtype).block_bytes - 1);
  EXPECT_DEATH(codec().encode_row(row, {}, short_out), "");
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryCodec,
                         ::testing::ValuesIn(all_codecs().begin(), all_codecs().end()),
                         testing::codec_test_name);

TEST(CodecRegistry, FindsEachCodecByItsTypeAndNamesNoTypeTwice) {
  std::set<DType> seen;
  for (const Codec* codec : all_codecs()) {
    EXPECT_EQ(find_codec(codec->dtype), codec);
    EXPECT_TRUE(seen.insert(codec->dtype).second) << dtype_name(codec->dtype);
  }
}

TEST(CodecRegistry, HasACodecForEveryBlockTypeAndNoneForIntegers) {
  for (const DTypeInfo& info : kDTypes) {
    if (!is_block_quantized(info.dtype)) continue;
    EXPECT_NE(find_codec(info.dtype), nullptr) << info.name;
  }
  EXPECT_EQ(find_codec(DType::kI32), nullptr);
  EXPECT_EQ(find_codec(DType::kF8E4M3), nullptr);
}

}  // namespace
}  // namespace pajamas
