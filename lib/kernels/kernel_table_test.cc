// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_table.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codecs/codec.h"
#include "codecs/testing/codec_inputs.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

struct TableAndCodec {
  const KernelTable* table;
  DType dtype;
};

std::string codec_case_name(const ::testing::TestParamInfo<TableAndCodec>& info) {
  return std::string(isa_name(info.param.table->isa)) + "_" +
         std::string(dtype_name(info.param.dtype));
}

// A table without functions for a type hands it on to the next; one such case is enough.
bool has_own_or_is_example(const KernelTable& table, DType dtype) {
  const auto slot = static_cast<std::size_t>(dtype);
  return table.encode[slot] != nullptr || table.decode[slot] != nullptr || dtype == DType::kQ4_0;
}

std::vector<TableAndCodec> tables_and_codecs() {
  std::vector<TableAndCodec> all;
  for (const KernelTable* table : all_kernel_tables()) {
    for (const Codec* codec : all_codecs()) {
      if (has_own_or_is_example(*table, codec->dtype)) all.push_back({table, codec->dtype});
    }
  }
  return all;
}

std::vector<std::byte> encode_with_codec(DType dtype, const std::vector<float>& rows,
                                         std::size_t n_per_row, const float* importance) {
  const auto bytes = static_cast<std::size_t>(row_bytes(dtype, static_cast<int>(n_per_row)));
  const std::size_t n_rows = rows.size() / n_per_row;
  std::vector<std::byte> out(n_rows * bytes);
  const auto weights =
      importance == nullptr ? std::span<const float>() : std::span(importance, n_per_row);
  for (std::size_t row = 0; row < n_rows; ++row) {
    find_codec(dtype)->encode_row(std::span(rows).subspan(row * n_per_row, n_per_row), weights,
                                  std::span(out).subspan(row * bytes, bytes));
  }
  return out;
}

class EveryKernel : public ::testing::TestWithParam<TableAndCodec> {
 protected:
  // Compares the whole output, naming the first block that differs.
  void expect_scalar_bytes(const std::vector<float>& rows, std::size_t n_per_row,
                           const float* importance, const std::string& what) const {
    const auto [table, dtype] = GetParam();
    const auto want = encode_with_codec(dtype, rows, n_per_row, importance);
    std::vector<std::byte> got(want.size() + 1, std::byte{0xa5});
    encode_rows(table, dtype, rows.data(), static_cast<std::int64_t>(rows.size() / n_per_row),
                static_cast<std::int64_t>(n_per_row), importance, got.data());
    EXPECT_EQ(got.back(), std::byte{0xa5}) << what << ": wrote past the end";
    got.pop_back();
    if (got == want) return;
    const auto at =
        static_cast<std::size_t>(std::distance(got.begin(), std::ranges::mismatch(got, want).in1));
    ADD_FAILURE() << what << ": byte " << at % dtype_info(dtype).block_bytes << " of block "
                  << at / dtype_info(dtype).block_bytes << " differs";
  }
};

// 43 rows are no multiple of any lane count; 1024 columns are four super blocks.
std::vector<float> rows_of_kind(std::size_t kind) {
  std::vector<float> rows;
  for (std::size_t i = 0; i < 43; ++i) {
    const auto row = testing::random_row(17, i * testing::kRowKinds + kind);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

TEST_P(EveryKernel, EncodesLikeTheScalarCodec) {
  for (std::size_t kind = 0; kind < testing::kRowKinds; ++kind) {
    expect_scalar_bytes(rows_of_kind(kind), testing::kRandomCols, nullptr,
                        "kind " + std::to_string(kind));
  }
}

TEST_P(EveryKernel, EncodesLikeTheScalarCodecWithImportance) {
  for (std::size_t kind = 0; kind < testing::kRowKinds; ++kind) {
    const auto rows = rows_of_kind(kind);
    for (std::size_t round = 0; round < testing::kImportanceKinds; ++round) {
      const auto importance =
          testing::random_importance(5, round * testing::kRowKinds, testing::kRandomCols);
      const std::size_t first = round * 9 * testing::kRandomCols;
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
      const std::vector<float> part(begin, begin + 9 * testing::kRandomCols);
      expect_scalar_bytes(part, testing::kRandomCols, importance.data(),
                          "kind " + std::to_string(kind) + " round " + std::to_string(round));
    }
  }
}

TEST_P(EveryKernel, EncodesHostileRowsLikeTheScalarCodec) {
  std::vector<float> rows;
  for (const auto& row : testing::hostile_rows()) {
    const auto values = testing::hostile_values(row);
    rows.insert(rows.end(), values.begin(), values.end());
  }
  expect_scalar_bytes(rows, testing::kHostileCols, nullptr, "plain");
  for (std::size_t round = 0; round < testing::kImportanceKinds; ++round) {
    const auto importance =
        testing::random_importance(6, round * testing::kRowKinds, testing::kHostileCols);
    expect_scalar_bytes(rows, testing::kHostileCols, importance.data(),
                        "importance " + std::to_string(round));
  }
}

TEST_P(EveryKernel, EncodesRowsOfAnyNumberOfBlocks) {
  const auto block = static_cast<std::size_t>(dtype_info(GetParam().dtype).block_elems);
  for (const std::size_t blocks : {1U, 3U, 17U}) {
    for (const std::size_t n_rows : {1U, 2U, 19U}) {
      std::vector<float> rows;
      while (rows.size() < n_rows * blocks * block) {
        const auto more = testing::random_row(23, rows.size());
        rows.insert(rows.end(), more.begin(), more.end());
      }
      rows.resize(n_rows * blocks * block);
      const std::string what = std::to_string(n_rows) + " x " + std::to_string(blocks);
      expect_scalar_bytes(rows, blocks * block, nullptr, what);
      const auto importance = testing::random_importance(7, 0, blocks * block);
      expect_scalar_bytes(rows, blocks * block, importance.data(), what + " with importance");
    }
  }
}

TEST_P(EveryKernel, DecodesLikeTheScalarCodec) {
  const auto [table, dtype] = GetParam();
  for (const std::size_t blocks : {1U, 7U, 2048U}) {
    const auto elems = blocks * static_cast<std::size_t>(dtype_info(dtype).block_elems);
    const auto bytes = testing::random_bytes(
        blocks, static_cast<std::size_t>(row_bytes(dtype, static_cast<std::int64_t>(elems))));
    std::vector<float> want(elems);
    find_codec(dtype)->decode_row(bytes, want);
    std::vector<float> got(elems + 1, 3.0F);
    decode_rows(table, dtype, bytes.data(), 1, static_cast<std::int64_t>(elems), got.data());
    EXPECT_EQ(got.back(), 3.0F) << "wrote past the end";
    got.pop_back();
    testing::unify_nans(want);
    testing::unify_nans(got);
    EXPECT_EQ(std::memcmp(got.data(), want.data(), elems * sizeof(float)), 0) << blocks;
  }
}

INSTANTIATE_TEST_SUITE_P(AllTables, EveryKernel, ::testing::ValuesIn(tables_and_codecs()),
                         codec_case_name);

class EveryTable : public ::testing::TestWithParam<const KernelTable*> {};

TEST_P(EveryTable, FindsTheFirstValueThatIsNotFinite) {
  constexpr std::int64_t kCount = 203;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (std::int64_t at = 0; at < kCount; ++at) {
      std::vector<float> values(kCount, std::numeric_limits<float>::max());
      values[static_cast<std::size_t>(at)] = bad;
      values.back() = bad;
      EXPECT_EQ(find_non_finite(GetParam(), values.data(), kCount), at);
      EXPECT_EQ(find_non_finite(GetParam(), values.data(), at), -1);
    }
  }
}

TEST_P(EveryTable, DecodesEveryHalf) {
  std::vector<std::uint16_t> halves(0x10000);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  const auto bytes = std::as_bytes(std::span(halves));
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    std::vector<float> want(halves.size());
    std::vector<float> got(halves.size());
    find_codec(dtype)->decode_row(bytes, want);
    decode_rows(GetParam(), dtype, bytes.data(), 1, 0x10000, got.data());
    for (std::size_t i = 0; i < halves.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(want[i]))
          << dtype_name(dtype) << " " << i;
    }
  }
}

TEST_P(EveryTable, DecodesEveryFp8) {
  std::vector<std::uint8_t> fp8(256);
  std::iota(fp8.begin(), fp8.end(), std::uint8_t{0});
  std::vector<float> e4m3(256);
  std::vector<float> e5m2(256);
  const auto bytes = std::as_bytes(std::span(fp8));
  decode_rows(GetParam(), DType::kF8E4M3, bytes.data(), 2, 128, e4m3.data());
  decode_rows(GetParam(), DType::kF8E5M2, bytes.data(), 2, 128, e5m2.data());
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(e4m3[i]),
              std::bit_cast<std::uint32_t>(f8_e4m3_to_f32(fp8[i])));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(e5m2[i]),
              std::bit_cast<std::uint32_t>(f8_e5m2_to_f32(fp8[i])));
  }
}

TEST_P(EveryTable, DecodesFloatTypesThatHaveNoCodec) {
  const std::vector<std::byte> e4m3 = {std::byte{0x38}, std::byte{0xc0}, std::byte{0x01}};
  std::vector<float> values(3);
  decode_rows(GetParam(), DType::kF8E4M3, e4m3.data(), 1, 3, values.data());
  EXPECT_THAT(values, ::testing::ElementsAre(1.0F, -2.0F, 0x1p-9F));
  const std::vector<std::byte> e5m2 = {std::byte{0x3c}, std::byte{0xc0}, std::byte{0x01}};
  decode_rows(GetParam(), DType::kF8E5M2, e5m2.data(), 1, 3, values.data());
  EXPECT_THAT(values, ::testing::ElementsAre(1.0F, -2.0F, 0x1p-16F));
  const double third = 1.0 / 3.0;
  decode_rows(GetParam(), DType::kF64, std::as_bytes(std::span(&third, 1)).data(), 1, 1,
              values.data());
  EXPECT_EQ(values[0], 1.0F / 3.0F);
}

INSTANTIATE_TEST_SUITE_P(AllTables, EveryTable,
                         ::testing::ValuesIn(all_kernel_tables().begin(),
                                             all_kernel_tables().end()),
                         [](const auto& instance) {
                           return std::string(isa_name(instance.param->isa));
                         });

TEST(KernelTables, TheGenericTableIsFirstAndEveryOtherRunsHere) {
  EXPECT_EQ(all_kernel_tables().front()->isa, Isa::kGeneric);
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kNeon}) {
    const bool listed = std::ranges::any_of(all_kernel_tables(),
                                            [&](const auto* table) { return table->isa == isa; });
    EXPECT_EQ(listed, cpu_supports(isa)) << isa_name(isa);
  }
}

// The variable is read once, so each value needs a process of its own.
int isa_selected_by(const char* value) {
  setenv("PAJAMAS_CPU", value, 1);
  const auto selected = select_kernels();
  return selected.has_value() ? 10 + static_cast<int>((*selected)->isa) : 1;
}

class SelectKernels : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SelectKernels, ObeysTheEnvironment) {
  for (const KernelTable* table : all_kernel_tables()) {
    const std::string name(isa_name(table->isa));
    EXPECT_EXIT(std::exit(isa_selected_by(name.c_str())),
                ::testing::ExitedWithCode(10 + static_cast<int>(table->isa)), "");
  }
}

TEST_F(SelectKernels, TakesTheWidestWhenTheEnvironmentIsSilent) {
  const int widest = static_cast<int>(all_kernel_tables().back()->isa);
  EXPECT_EXIT(std::exit(isa_selected_by("")), ::testing::ExitedWithCode(10 + widest), "");
}

TEST_F(SelectKernels, RefusesANameItDoesNotKnow) {
  EXPECT_EXIT(
      {
        setenv("PAJAMAS_CPU", "sse9", 1);
        std::fputs(select_kernels().error().message.c_str(), stderr);
        std::exit(3);
      },
      ::testing::ExitedWithCode(3), "PAJAMAS_CPU is \"sse9\"; this machine runs: generic");
}

}  // namespace
}  // namespace pajamas
