// SPDX-License-Identifier: Apache-2.0
#include "kernels/vector_ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "kernels/testing/special_floats.h"

namespace pajamas {
namespace {

using testing::kInfinity;
using testing::kNaN;

std::vector<float> random_floats(unsigned seed, std::size_t n, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

std::int64_t count_of(const std::vector<float>& x) { return static_cast<std::int64_t>(x.size()); }

// |got - want| in units of the last place of want, where normal.
double ulps(float got, double want) {
  const double unit = std::ldexp(1.0, std::max(std::ilogb(want), -126) - 23);
  return std::fabs(static_cast<double>(got) - want) / unit;
}

class EveryVectorOps : public ::testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable* table() const { return GetParam(); }
};

TEST_P(EveryVectorOps, HasExpWithinTwoUlp) {
  double worst = 0.0;
  for (float x = -87.3F; x < 0.0F; x += 0.00137F) {
    float pair[2] = {0.0F, x};  // exp(0) and exp(x), both times the same factor
    softmax(table(), pair, 2);
    const double ratio = static_cast<double>(pair[1]) / static_cast<double>(pair[0]);
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::fabs(ratio / exact - 1.0));
  }
  EXPECT_LT(worst, 3.5 * 0x1p-23);  // 2 ulp, and two products with the factor
}

TEST_P(EveryVectorOps, HasTanhWithinFourUlp) {
  std::vector<float> x;
  for (float v = 1e-7F; v < 12.0F; v *= 1.0007F) {
    x.push_back(v);
    x.push_back(-v);
  }
  std::vector<float> y = x;
  softcap(table(), y.data(), count_of(y), 1.0F);
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, ulps(y[i], std::tanh(static_cast<double>(x[i]))));
  }
  EXPECT_LT(worst, 4.0);
}

TEST_P(EveryVectorOps, ComputesSiluAndGeluWithinTheirBound) {
  std::vector<float> gate = random_floats(1, 4096, 4.0F);
  for (float v = -80.0F; v < 80.0F; v += 0.11F) gate.push_back(v);
  const std::vector<float> up(gate.size(), 1.0F);
  std::vector<float> silu(gate.size());
  std::vector<float> gelu(gate.size());
  silu_mul(table(), gate.data(), up.data(), count_of(gate), silu.data());
  gelu_tanh_mul(table(), gate.data(), up.data(), count_of(gate), gelu.data());
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double g = static_cast<double>(gate[i]);
    const double want_silu = g / (1.0 + std::exp(-g));
    const double t = std::sqrt(2.0 / M_PI) * (g + 0.044715 * g * g * g);
    const double want_gelu = g / (1.0 + std::exp(-2.0 * t));
    // exp multiplies the rounding of its argument; 1e-7 of |g| covers where gelu cancels.
    EXPECT_NEAR(silu[i], want_silu, 6e-7 * std::fabs(want_silu) + 1e-37) << g;
    EXPECT_NEAR(gelu[i], want_gelu, 2e-6 * std::fabs(want_gelu) + 1e-7 * std::fabs(g)) << g;
  }
}

TEST_P(EveryVectorOps, NormalizesRowsOfAnyLength) {
  for (std::size_t n = 1; n < 150; n += n < 40 ? 1 : 13) {
    const auto x = random_floats(static_cast<unsigned>(n), n, 3.0F);
    const auto weight = random_floats(7, n, 1.0F);
    double squares = 0.0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + 1e-6);
    std::vector<float> with(n + 1, 99.0F);
    std::vector<float> without(n);
    rms_norm(table(), x.data(), weight.data(), count_of(x), 1e-6F, with.data());
    rms_norm(table(), x.data(), nullptr, count_of(x), 1e-6F, without.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double want = static_cast<double>(x[i]) * factor;
      EXPECT_NEAR(without[i], want, 1e-6 * std::fabs(want)) << n;
      const double weighted = want * static_cast<double>(weight[i]);
      EXPECT_NEAR(with[i], weighted, 1e-6 * std::fabs(weighted)) << n;
    }
    EXPECT_EQ(with[n], 99.0F);
  }
}

TEST_P(EveryVectorOps, AddsAndScalesExactly) {
  for (std::size_t n = 0; n < 70; ++n) {
    const auto x = random_floats(1, n, 1.0F);
    const auto y = random_floats(2, n, 1.0F);
    auto sum = x;
    sum.push_back(99.0F);
    add_to(table(), sum.data(), y.data(), count_of(x));
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(sum[i], x[i] + y[i]);
    EXPECT_EQ(sum.back(), 99.0F);
    scale_by(table(), sum.data(), count_of(x), 0.3F);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(sum[i], (x[i] + y[i]) * 0.3F);
    EXPECT_EQ(sum.back(), 99.0F);
  }
}

TEST_P(EveryVectorOps, ComputesSoftmaxOfLargeAndEqualLogits) {
  std::vector<std::vector<float>> rows = {
      {5.0F}, std::vector<float>(77, -3.5F), {-1e30F, 1e30F, -kInfinity}, {88.0F, 89.0F, 90.0F}};
  for (const std::size_t n : {15U, 16U, 33U, 5000U}) rows.push_back(random_floats(3, n, 30.0F));
  for (const auto& row : rows) {
    const double top = static_cast<double>(*std::ranges::max_element(row));
    double sum = 0.0;
    for (const float v : row) sum += std::exp(static_cast<double>(v) - top);
    auto got = row;
    softmax(table(), got.data(), count_of(got));
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double below = static_cast<double>(row[i]) - top;
      const double want = std::exp(below) / sum;
      // The rounding of the difference is multiplied by exp.
      const double relative = 1e-6 + 0x1p-24 * std::min(200.0, std::fabs(below));
      EXPECT_NEAR(got[i], want, relative * want + 1e-37);
    }
  }
}

TEST_P(EveryVectorOps, FindsTheFirstLargest) {
  for (std::size_t n = 1; n < 80; ++n) {
    for (std::size_t at = 0; at < n; at += 7) {
      auto x = random_floats(static_cast<unsigned>(n), n, 1.0F);
      x[at] = 50.0F;
      x[n - 1] = 50.0F;
      if (at > 0) x[0] = kNaN;
      EXPECT_EQ(argmax(table(), x.data(), count_of(x)), static_cast<std::int64_t>(at));
    }
  }
  const std::vector<float> nothing(20, kNaN);
  EXPECT_EQ(argmax(table(), nothing.data(), 20), 0);
  std::vector<float> lowest(40, kNaN);
  lowest[21] = -kInfinity;
  EXPECT_EQ(argmax(table(), lowest.data(), 40), 21);
}

TEST_P(EveryVectorOps, RotatesBothLayoutsAndLeavesTheRestAlone) {
  constexpr std::int64_t kHeads = 3;
  for (const std::int64_t head_dim : {2, 8, 64, 80, 96, 128}) {
    for (const std::int64_t rotated : {head_dim, head_dim / 4 * 2}) {
      const auto half = static_cast<std::size_t>(rotated / 2);
      const auto x = random_floats(5, static_cast<std::size_t>(kHeads * head_dim), 2.0F);
      std::vector<float> cos(half);
      std::vector<float> sin(half);
      for (std::size_t i = 0; i < half; ++i) {
        cos[i] = std::cos(static_cast<float>(i) * 0.37F);
        sin[i] = std::sin(static_cast<float>(i) * 0.37F);
      }
      for (const RopeLayout layout : {RopeLayout::kInterleaved, RopeLayout::kHalves}) {
        auto got = x;
        rope(table(), got.data(), kHeads, head_dim, rotated, cos.data(), sin.data(), layout);
        auto want = std::vector<double>(x.begin(), x.end());
        for (std::size_t head = 0; head < kHeads; ++head) {
          const std::size_t base = head * static_cast<std::size_t>(head_dim);
          for (std::size_t i = 0; i < half; ++i) {
            const bool halves = layout == RopeLayout::kHalves;
            const std::size_t first = base + (halves ? i : 2 * i);
            const std::size_t second = base + (halves ? i + half : 2 * i + 1);
            const double a = want[first];
            const double b = want[second];
            want[first] = a * static_cast<double>(cos[i]) - b * static_cast<double>(sin[i]);
            want[second] = a * static_cast<double>(sin[i]) + b * static_cast<double>(cos[i]);
          }
        }
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 2e-6);
      }
    }
  }
}

TEST_P(EveryVectorOps, SurvivesHostileValues) {
  std::vector<float> hostile;
  for (const float v : {kNaN, kInfinity, -kInfinity, 3e38F, -3e38F, 1e-42F, -0.0F, 1.0F}) {
    hostile.insert(hostile.end(), 5, v);
  }
  const auto n = count_of(hostile);
  std::vector<float> out(hostile.size());
  silu_mul(table(), hostile.data(), hostile.data(), n, out.data());
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[5], kInfinity);
  EXPECT_EQ(out[20], 0.0F);  // -3e38 passes nothing
  gelu_tanh_mul(table(), hostile.data(), hostile.data(), n, out.data());
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[5], kInfinity);
  rms_norm(table(), hostile.data(), nullptr, n, 1e-6F, out.data());
  EXPECT_TRUE(std::isnan(out.back()));
  out = hostile;
  softcap(table(), out.data(), n, 30.0F);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[5], 30.0F);
  EXPECT_EQ(out[10], -30.0F);
  softmax(table(), hostile.data(), n);
  EXPECT_TRUE(std::isnan(hostile.back()));
}

std::string table_name(const ::testing::TestParamInfo<const KernelTable*>& info) {
  return std::string(isa_name(info.param->isa));
}

INSTANTIATE_TEST_SUITE_P(Tables, EveryVectorOps, ::testing::ValuesIn(all_kernel_tables()),
                         table_name);

}  // namespace
}  // namespace pajamas
