// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codecs/codec.h"
#include "codecs/testing/codec_inputs.h"
#include "kernels/testing/aligned_bytes.h"
#include "kernels/weight_rows.h"

namespace pajamas {
namespace {

using testing::AlignedBytes;

struct TableAndWeightType {
  const KernelTable* table;
  WeightType type;
};

// Every width of MLX's affine mode, every group size and scale type, and the floating-point modes.
std::vector<WeightType> mlx_types() {
  std::vector<WeightType> types;
  for (const int bits : kMlxBits) {
    for (const int group_size : kMlxGroupSizes) {
      for (const DType scale : {DType::kBF16, DType::kF16, DType::kF32}) {
        // All of one width; of the others, one after the other.
        const bool is_next = (bits + group_size / 32 + static_cast<int>(scale)) % 3 == 0;
        if (bits == 4 || is_next) types.push_back({{MlxMode::kAffine, bits, group_size}, scale});
      }
    }
  }
  types.push_back({{MlxMode::kMxfp4, 4, 32}, DType::kBF16});
  types.push_back({{MlxMode::kMxfp8, 8, 32}, DType::kBF16});
  types.push_back({{MlxMode::kNvfp4, 4, 16}, DType::kBF16});
  return types;
}

std::vector<TableAndWeightType> tables_and_weight_types() {
  std::vector<TableAndWeightType> all;
  for (const KernelTable* table : all_kernel_tables()) {
    for (const DTypeInfo& info : kDTypes) {
      if (can_pack(table, info.dtype)) all.push_back({table, info.dtype});
    }
    for (const WeightType type : mlx_types()) all.push_back({table, type});
  }
  return all;
}

std::string matmul_case_name(const ::testing::TestParamInfo<TableAndWeightType>& info) {
  const WeightType type = info.param.type;
  std::string name = std::string(isa_name(info.param.table->isa)) + "_";
  if (type.is_mlx()) name += "mlx_" + std::string(dtype_name(type.dtype())) + "_";
  return name + type.name();
}

std::vector<float> random_floats(std::uint64_t seed, std::size_t n) {
  std::vector<float> values;
  for (std::size_t round = 0; values.size() < n; ++round) {
    // Kind 0 is a plain normal row.
    const auto row = testing::random_row(seed + round, 0);
    values.insert(values.end(), row.begin(), row.end());
  }
  values.resize(n);
  return values;
}

// A random matrix of a type, as in a file, with its values.
struct Matrix {
  WeightType type;
  std::int64_t rows;
  std::int64_t cols;
  std::vector<std::byte> stored;
  std::vector<float> values;
};

Matrix matrix_of_bytes(WeightType type, std::int64_t rows, std::int64_t cols,
                       std::vector<std::byte> stored) {
  std::vector<float> values(static_cast<std::size_t>(rows * cols));
  decode_weights(nullptr, type, stored.data(), rows, cols, values.data());
  return {type, rows, cols, std::move(stored), std::move(values)};
}

void encode_mlx_rows(WeightType type, std::span<const float> weights, std::int64_t cols,
                     std::span<std::byte> stored) {
  const MlxEncoding encoding{.quantization = type.quantization(), .scale_dtype = type.dtype()};
  const auto row_size = static_cast<std::size_t>(row_bytes(type, cols));
  const auto part = [](std::span<const std::byte> bytes) {
    return std::span(const_cast<std::byte*>(bytes.data()), bytes.size());
  };
  for (; !stored.empty(); stored = stored.subspan(row_size)) {
    const MlxRowView view = view_mlx_record(type, stored.data(), cols, 0, cols);
    encode_mlx_row(encoding, weights.first(static_cast<std::size_t>(cols)),
                   {part(view.codes), part(view.scales), part(view.biases)});
    weights = weights.subspan(static_cast<std::size_t>(cols));
  }
}

Matrix random_matrix(WeightType type, std::int64_t rows, std::int64_t cols) {
  const auto bytes = static_cast<std::size_t>(rows) * row_bytes(type, cols);
  std::vector<std::byte> stored(bytes);
  const DType dtype = type.dtype();
  if (type.is_mlx()) {
    const auto weights = random_floats(11, static_cast<std::size_t>(rows * cols));
    encode_mlx_rows(type, weights, cols, stored);
  } else if (find_codec(dtype) != nullptr) {
    const auto weights = random_floats(11, static_cast<std::size_t>(rows * cols));
    encode_rows(nullptr, dtype, weights.data(), rows, cols, nullptr, stored.data());
  } else if (dtype == DType::kF64) {
    const auto weights = random_floats(11, static_cast<std::size_t>(rows * cols));
    const std::vector<double> wide(weights.begin(), weights.end());
    std::memcpy(stored.data(), wide.data(), bytes);
  } else {
    stored = testing::random_bytes(3, bytes);
    // FP8: the top exponents hold NaN and infinity.
    for (std::byte& byte : stored) byte &= std::byte{0xbf};
  }
  return matrix_of_bytes(type, rows, cols, std::move(stored));
}

// A matrix packed for a table, and its products.
class Packed {
 public:
  Packed(const KernelTable* table, const Matrix& matrix)
      : bytes_(packed_bytes(table, matrix.type, matrix.rows, matrix.cols)),
        weights_{matrix.type, matrix.rows, matrix.cols, table, bytes_.data()},
        form_(activation_form(table, matrix.type, matrix.cols)) {
    pack_rows(table, matrix.type, matrix.rows, matrix.cols, matrix.stored.data(), 0, matrix.rows,
              bytes_.data());
  }

  const PackedMatrix& weights() const { return weights_; }
  ActivationForm form() const { return form_; }

  AlignedBytes prepare(const std::vector<float>& x) const {
    const auto tokens = static_cast<std::int64_t>(x.size()) / weights_.cols;
    AlignedBytes bytes(static_cast<std::size_t>(tokens) *
                       activation_row_bytes(form_, weights_.cols));
    prepare_activations(weights_.table, form_, x.data(), tokens, weights_.cols, bytes.data());
    return bytes;
  }

  std::vector<float> multiply(const std::vector<float>& x) const {
    const auto tokens = static_cast<std::int64_t>(x.size()) / weights_.cols;
    std::vector<float> out(static_cast<std::size_t>(tokens * weights_.rows));
    const AlignedBytes activations = prepare(x);
    matmul(weights_, form_, activations.data(), tokens, 0, weights_.rows, out.data(),
           weights_.rows);
    return out;
  }

 private:
  AlignedBytes bytes_;
  PackedMatrix weights_;
  ActivationForm form_;
};

// Packing rounds the small weights of mxfp8's blocks where bytes are multiplied.
bool is_rounded(const KernelTable* table, WeightType type) {
  return type.is_mlx() && type.quantization().mode == MlxMode::kMxfp8 &&
         activation_form(table, type, 32) == ActivationForm::kQ8;
}

std::vector<float> unpack(const PackedMatrix& weights) {
  std::vector<float> values(static_cast<std::size_t>(weights.rows * weights.cols));
  for (std::int64_t row = 0; row < weights.rows; ++row) {
    unpack_row(weights, row, values.data() + row * weights.cols);
  }
  return values;
}

// What one activation may be off by, given the largest magnitude of its block.
double activation_error(ActivationForm form, double value, double block_peak) {
  switch (form) {
    case ActivationForm::kF32:
      return 0.0;
    case ActivationForm::kBF16:
      return std::fabs(value) * 0x1p-8;
    case ActivationForm::kQ8:
      return block_peak * (0.5 / 63.75);  // half a code; the peak's code is 64 or more
  }
  return 0.0;
}

struct Expected {
  double value;
  double tolerance;
};

Expected expected_product(ActivationForm form, const float* weights, const float* x,
                          std::int64_t cols) {
  Expected expected{0.0, 1e-30};
  for (std::int64_t col = 0; col < cols; ++col) {
    const std::int64_t block = col / 32 * 32;
    double peak = 0.0;
    for (std::int64_t i = block; i < std::min(block + 32, cols); ++i) {
      peak = std::max(peak, static_cast<double>(std::fabs(x[i])));
    }
    const double weight = weights[col];
    expected.value += weight * x[col];
    // 1e-5: the rounding of F32 sums over some thousand columns.
    expected.tolerance += std::fabs(weight) * (activation_error(form, x[col], peak) + 1e-5 * peak);
  }
  return expected;
}

class EveryMatmul : public ::testing::TestWithParam<TableAndWeightType> {
 protected:
  std::int64_t block() const { return GetParam().type.block_elems(); }
  // Numbers of columns that a kernel's blocks do not divide, where the type has such.
  std::vector<std::int64_t> some_cols() const {
    if (block() == 1) return {1, 7, 33, 96, 300};
    return {block(), 3 * block(), 1024};
  }
};

TEST_P(EveryMatmul, EqualsTheUnpackedWeightsTimesTheActivations) {
  const auto [table, type] = GetParam();
  for (const std::int64_t cols : some_cols()) {
    for (const std::int64_t rows : {1, 16, 45}) {
      const Matrix matrix = random_matrix(type, rows, cols);
      const Packed packed(table, matrix);
      const std::vector<float> weights = unpack(packed.weights());
      const std::int64_t tokens = 19;
      const auto x = random_floats(5, static_cast<std::size_t>(tokens * cols));
      const auto out = packed.multiply(x);
      for (std::int64_t token = 0; token < tokens; ++token) {
        for (std::int64_t row = 0; row < rows; ++row) {
          const auto [value, tolerance] = expected_product(
              packed.form(), weights.data() + row * cols, x.data() + token * cols, cols);
          ASSERT_NEAR(out[static_cast<std::size_t>(token * rows + row)], value, tolerance)
              << rows << " x " << cols << ", row " << row << " token " << token;
        }
      }
    }
  }
}

TEST_P(EveryMatmul, GivesTheSameBitsForAnyNumberOfTokensAndAnyRows) {
  const auto [table, type] = GetParam();
  const std::int64_t cols = 7 * std::max<std::int64_t>(block(), 32);
  const std::int64_t rows = 77;
  const Packed packed(table, random_matrix(type, rows, cols));
  const std::int64_t most = 37;
  const auto x = random_floats(6, static_cast<std::size_t>(most * cols));
  const auto whole = packed.multiply(x);
  for (std::int64_t tokens = 1; tokens < most; ++tokens) {
    const AlignedBytes activations =
        packed.prepare({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(tokens * cols)});
    // 3 more columns than rows: a stride, with cells that stay untouched.
    const std::int64_t stride = rows + 3;
    std::vector<float> part(static_cast<std::size_t>(tokens * stride), -7.0F);
    for (std::int64_t row = 0; row < rows; row += 32) {
      matmul(packed.weights(), packed.form(), activations.data(), tokens, row,
             std::min(row + 32, rows), part.data(), stride);
    }
    for (std::int64_t token = 0; token < tokens; ++token) {
      ASSERT_EQ(std::memcmp(&part[static_cast<std::size_t>(token * stride)],
                            &whole[static_cast<std::size_t>(token * rows)],
                            static_cast<std::size_t>(rows) * sizeof(float)),
                0)
          << tokens << " tokens, token " << token;
      for (std::int64_t row = rows; row < stride; ++row) {
        ASSERT_EQ(part[static_cast<std::size_t>(token * stride + row)], -7.0F);
      }
    }
  }
}

TEST_P(EveryMatmul, WritesOnlyTheRowsOfItsRange) {
  const auto [table, type] = GetParam();
  const std::int64_t cols = 256;
  const std::int64_t rows = 64;
  const Packed packed(table, random_matrix(type, rows, cols));
  const auto x = random_floats(8, static_cast<std::size_t>(9 * cols));
  const AlignedBytes activations = packed.prepare(x);
  for (const std::int64_t end : {17, 23, 31, 32, 47}) {
    std::vector<float> out(static_cast<std::size_t>(9 * rows), -7.0F);
    matmul(packed.weights(), packed.form(), activations.data(), 9, 16, end, out.data(), rows);
    for (std::int64_t cell = 0; cell < 9 * rows; ++cell) {
      const bool inside = cell % rows >= 16 && cell % rows < end;
      ASSERT_EQ(out[static_cast<std::size_t>(cell)] != -7.0F, inside) << end << ": " << cell;
    }
  }
}

TEST_P(EveryMatmul, UnpacksWhatDecodeRowsDecodes) {
  const auto [table, type] = GetParam();
  if (is_rounded(table, type)) GTEST_SKIP() << "see Mxfp8.UnpacksLargeWeightsExactly..";
  for (const std::int64_t cols : some_cols()) {
    const std::int64_t rows = 21;
    const auto bytes = static_cast<std::size_t>(rows) * row_bytes(type, cols);
    const Matrix matrix = matrix_of_bytes(type, rows, cols, testing::random_bytes(9, bytes));
    const Packed packed(table, matrix);
    for (std::int64_t row = 0; row < rows; ++row) {
      std::vector<float> got(static_cast<std::size_t>(cols) + 1, 3.0F);
      unpack_row(packed.weights(), row, got.data());
      EXPECT_EQ(got.back(), 3.0F) << "wrote past the end";
      got.pop_back();
      std::vector<float> want(
          matrix.values.begin() + static_cast<std::ptrdiff_t>(row * cols),
          matrix.values.begin() + static_cast<std::ptrdiff_t>((row + 1) * cols));
      testing::unify_nans(want);
      testing::unify_nans(got);
      ASSERT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(float)), 0) << row;
    }
  }
}

TEST_P(EveryMatmul, SurvivesAnyBytesAndActivations) {
  const auto [table, type] = GetParam();
  const std::int64_t cols = 512;
  const std::int64_t rows = 35;
  auto x = random_floats(10, static_cast<std::size_t>(6 * cols));
  x[3] = std::numeric_limits<float>::infinity();
  x[static_cast<std::size_t>(cols) + 40] = std::numeric_limits<float>::quiet_NaN();
  x[static_cast<std::size_t>(cols) + 80] = std::numeric_limits<float>::max();
  x[static_cast<std::size_t>(2 * cols) + 80] = std::numeric_limits<float>::denorm_min();
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto bytes = static_cast<std::size_t>(rows) * row_bytes(type, cols);
    const Packed packed(table,
                        matrix_of_bytes(type, rows, cols, testing::random_bytes(seed, bytes)));
    const auto out = packed.multiply(x);
    // A product of something that is not finite is not finite.
    for (std::int64_t row = 0; row < rows; ++row) {
      EXPECT_FALSE(std::isfinite(out[static_cast<std::size_t>(rows + row)])) << row;
    }
  }
}

TEST_P(EveryMatmul, PacksInAnyOrderOfGroups) {
  const auto [table, type] = GetParam();
  const Matrix matrix = random_matrix(type, 50, 256);
  const Packed packed(table, matrix);
  AlignedBytes other(packed_bytes(table, type, 50, 256));
  const auto stored_row = row_bytes(type, 256);
  for (const std::int64_t first : {48, 16, 0}) {
    const std::int64_t n = first == 16 ? 32 : std::min<std::int64_t>(16, 50 - first);
    pack_rows(table, type, 50, 256,
              matrix.stored.data() + static_cast<std::size_t>(first) * stored_row, first, n,
              other.data());
  }
  EXPECT_EQ(std::memcmp(other.data(), packed.weights().data, other.size()), 0);
}

TEST_P(EveryMatmul, TakesAboutTheBytesOfTheFile) {
  const auto [table, type] = GetParam();
  const auto stored = 2048 * row_bytes(type, 2048);
  EXPECT_LE(packed_bytes(table, type, 2048, 2048), stored + stored / 10);
}

// A row of mxfp8 of one block; the codes that are not given are 0.
Matrix mxfp8_block(std::uint8_t scale, std::initializer_list<std::uint8_t> codes) {
  std::vector<std::byte> stored(33);
  std::ranges::transform(codes, stored.begin(), [](std::uint8_t code) { return std::byte{code}; });
  stored[32] = std::byte{scale};
  return matrix_of_bytes({{MlxMode::kMxfp8, 8, 32}, DType::kBF16}, 1, 32, std::move(stored));
}

class Mxfp8 : public ::testing::TestWithParam<const KernelTable*> {};

TEST_P(Mxfp8, UnpacksLargeWeightsExactlyAndSmallOnesWithinA128thOfTheLargest) {
  const WeightType type{{MlxMode::kMxfp8, 8, 32}, DType::kBF16};
  const std::int64_t rows = 45;
  const std::int64_t cols = 800;
  const Matrix matrix = random_matrix(type, rows, cols);
  const std::vector<float> got = unpack(Packed(GetParam(), matrix).weights());
  int n_rounded = 0;
  for (std::size_t first = 0; first < got.size(); first += 32) {
    float peak = 0;
    for (std::size_t i = first; i < first + 32; ++i) {
      peak = std::max(peak, std::fabs(matrix.values[i]));
    }
    for (std::size_t i = first; i < first + 32; ++i) {
      const float want = matrix.values[i];
      ASSERT_NEAR(got[i], want, std::fabs(want) < peak / 8 ? peak / 128 : 0.0F);
      n_rounded += got[i] != want;
    }
  }
  EXPECT_EQ(n_rounded > 0, is_rounded(GetParam(), type));
}

// MLX has no NaN in E4M3: the code is the number that its bits say.
TEST_P(Mxfp8, ReadsTheCodesOfNanAs480) {
  const std::vector<float> x(32, 0.5F);
  EXPECT_EQ(Packed(GetParam(), mxfp8_block(127, {0x7f})).multiply(x).front(), 240.0F);
  EXPECT_EQ(Packed(GetParam(), mxfp8_block(127, {0xff})).multiply(x).front(), -240.0F);
}

TEST_P(Mxfp8, MultipliesUnderEveryExponent) {
  // 1, -1.5, 3.75 and 0.5: multiples of 1/4, and below 4, so that F32 holds all and bytes too.
  const std::initializer_list<std::uint8_t> codes = {0x38, 0xbc, 0x47, 0x30};
  for (int scale = 2; scale <= 253; ++scale) {
    const Packed packed(GetParam(), mxfp8_block(static_cast<std::uint8_t>(scale), codes));
    // Brings results to where F32 has its full precision.
    const float size = scale < 64 ? 0x1p60F : scale < 192 ? 1.0F : 0x1p-60F;
    const std::vector<float> x(32, size);
    const double want = std::ldexp(3.75 * static_cast<double>(size), scale - 127);
    EXPECT_EQ(packed.multiply(x).front(), want) << scale;
  }
}

TEST_P(Mxfp8, RoundsWeightsBelowTheLeastExponentToItsMultiples) {
  // 1.75 and -0.25 times 2^-127.
  const Packed packed(GetParam(), mxfp8_block(0, {0x3e, 0xa8}));
  const float unit = std::ldexp(1.0F, -127);
  EXPECT_NEAR(packed.multiply(std::vector<float>(32, 0x1p60F)).front(), std::ldexp(1.5, -67),
              std::ldexp(1.0, -67));
  EXPECT_NEAR(unpack(packed.weights()).front(), 1.75F * unit, 0.5F * unit);
}

TEST_P(Mxfp8, WeightsBeyondF32GiveInfinityOrNan) {
  for (const int scale : {253, 254, 255}) {
    const Packed packed(GetParam(), mxfp8_block(static_cast<std::uint8_t>(scale), {0x7e}));
    EXPECT_FALSE(std::isfinite(packed.multiply(std::vector<float>(32, 1.0F)).front())) << scale;
  }
}

INSTANTIATE_TEST_SUITE_P(AllTables, Mxfp8, ::testing::ValuesIn(all_kernel_tables()),
                         [](const auto& test) { return std::string(isa_name(test.param->isa)); });

INSTANTIATE_TEST_SUITE_P(AllTables, EveryMatmul, ::testing::ValuesIn(tables_and_weight_types()),
                         matmul_case_name);

TEST(Matmul, PacksWhatHasACodec) {
  for (const Codec* codec : all_codecs()) EXPECT_TRUE(can_pack(nullptr, codec->dtype));
  EXPECT_FALSE(can_pack(nullptr, DType::kI32));
  EXPECT_FALSE(can_pack(nullptr, DType::kBool));
}

}  // namespace
}  // namespace pajamas
