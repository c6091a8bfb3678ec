// SPDX-License-Identifier: Apache-2.0
// The search behind --quality best: both ends of the range move inward in steps; for each pair the
// least-squares line through the codes is taken, rounded to storage, and the group coded again.
#include <algorithm>
#include <array>
#include <cmath>

#include "codecs/mlx/affine_group.h"

namespace pajamas {
namespace {

constexpr std::size_t kLanes = 16;
constexpr int kRefits = 2;

// How far the ends move: `count` positions, `step` of the range apart. Fewer bits gain from more
// clipping; the numbers are where a finer or wider grid stops to matter on normal weights.
struct Grid {
  int bits;
  int count;
  float step;
};
constexpr auto kGrids = std::to_array<Grid>(
    {{2, 7, 0.045F}, {3, 6, 0.03F}, {4, 5, 0.02F}, {5, 4, 0.012F}, {6, 4, 0.007F}, {8, 3, 0.002F}});

float add_up(const std::array<float, kLanes>& parts) {
  float sum = 0;
  for (const float part : parts) sum += part;
  return sum;
}

// A group coded under given parameters, with what the next fit needs. The codes are floats: all
// loops stay in one kind of register.
struct Coded {
  std::array<float, kMaxMlxGroup> codes{};
  float error = 0;  // squared, of the parameters it was coded under
  double code = 0, code2 = 0, code_x = 0;
};

class Search {
 public:
  Search(std::span<const float> group, int bits, DType dtype)
      : elems_(group.size()), largest_(static_cast<float>((1 << bits) - 1)), dtype_(dtype) {
    std::ranges::copy(group, group_.begin());
    std::array<float, kLanes> sums{};
    for (std::size_t i = 0; i < elems_; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += group_[i + lane];
    }
    sum_ = static_cast<double>(add_up(sums));
  }

  // Codes that were chosen elsewhere.
  void start_with(const AffineParams& params, std::span<const std::uint8_t> codes) {
    for (std::size_t i = 0; i < codes.size(); ++i) best_.codes[i] = static_cast<float>(codes[i]);
    best_params_ = params;
    std::array<float, kLanes> error{};
    for (std::size_t i = 0; i < elems_; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const float stored = params.scale * best_.codes[i + lane] + params.bias;
        const float difference = group_[i + lane] - stored;
        error[lane] += difference * difference;
      }
    }
    best_.error = add_up(error);
  }

  void try_params(const AffineParams& params) {
    if (params.scale == 0.0F) return;
    code(params);
    keep_if_better(params);
  }

  // From a range to its best line and back to codes.
  void try_range(float low, float high) {
    AffineParams params{(high - low) / largest_, low};
    if (!(params.scale > 0.0F) || !std::isfinite(params.scale)) return;
    code(params);
    for (int refit = 0; refit < kRefits; ++refit) {
      if (!fit_line(params)) return;
      code(params);
      keep_if_better(params);
    }
  }

  AffineParams take(std::span<std::uint8_t> codes) const {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      codes[i] = static_cast<std::uint8_t>(static_cast<int>(best_.codes[i]));
    }
    return best_params_;
  }

 private:
  void code(const AffineParams& params) {
    const float reciprocal = 1.0F / params.scale;
    std::array<float, kLanes> error{}, sum{}, sum2{}, sum_x{};
    for (std::size_t i = 0; i < elems_; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const float x = group_[i + lane];
        // Nearest even, see affine_group.cc.
        float q = ((x - params.bias) * reciprocal + 12582912.0F) - 12582912.0F;
        q = q > 0.0F ? q : 0.0F;
        q = q < largest_ ? q : largest_;
        const float difference = x - (params.scale * q + params.bias);
        coded_.codes[i + lane] = q;
        error[lane] += difference * difference;
        sum[lane] += q;
        sum2[lane] += q * q;
        sum_x[lane] += q * x;
      }
    }
    coded_.error = add_up(error);
    coded_.code = static_cast<double>(add_up(sum));
    coded_.code2 = static_cast<double>(add_up(sum2));
    coded_.code_x = static_cast<double>(add_up(sum_x));
  }

  // The line of least squares, bias rounded to storage first and the scale fitted to what it
  // became. False where the codes are all equal or the numbers leave the type.
  bool fit_line(AffineParams& params) const {
    const auto count = static_cast<double>(elems_);
    const double spread = count * coded_.code2 - coded_.code * coded_.code;
    if (!(spread > 0)) return false;
    const double bias = (sum_ * coded_.code2 - coded_.code * coded_.code_x) / spread;
    params.bias = round_to_dtype(static_cast<float>(bias), dtype_);
    const double scale =
        (coded_.code_x - static_cast<double>(params.bias) * coded_.code) / coded_.code2;
    params.scale = round_to_dtype(static_cast<float>(scale), dtype_);
    return std::isfinite(params.bias) && std::isfinite(params.scale) && params.scale != 0.0F;
  }

  void keep_if_better(const AffineParams& params) {
    if (!(coded_.error < best_.error)) return;
    best_ = coded_;
    best_params_ = params;
  }

  // A copy beside the codes: the compiler has to see that the two do not overlap.
  std::array<float, kMaxMlxGroup> group_{};
  std::size_t elems_;
  float largest_;
  DType dtype_;
  double sum_ = 0;
  Coded coded_;
  Coded best_;
  AffineParams best_params_;
};

}  // namespace

AffineParams search_affine(std::span<const float> group, int bits, DType dtype,
                           MlxRounding rounding, std::span<std::uint8_t> codes) {
  Search search(group, bits, dtype);
  // MLX's own codes, and the same scale and bias as they read back.
  const AffineParams plain = choose_affine(group, bits, rounding);
  code_affine(group, plain, bits, rounding, codes);
  search.start_with(round_params(plain, dtype), codes);
  search.try_params(round_params(plain, dtype));
  const auto [low, high] = std::ranges::minmax(group);
  const float range = high - low;
  const auto* grid = std::ranges::find(kGrids, bits, &Grid::bits);
  if (grid == kGrids.end()) return search.take(codes);
  for (int at_low = 0; at_low < grid->count; ++at_low) {
    for (int at_high = 0; at_high < grid->count; ++at_high) {
      search.try_range(low + static_cast<float>(at_low) * grid->step * range,
                       high - static_cast<float>(at_high) * grid->step * range);
    }
  }
  return search.take(codes);
}

}  // namespace pajamas
