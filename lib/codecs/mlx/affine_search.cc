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

struct Sums {
  double code = 0, code2 = 0, x = 0, code_x = 0;
};

float add_up(const std::array<float, kLanes>& parts) {
  float sum = 0;
  for (const float part : parts) sum += part;
  return sum;
}

Sums sums_of(std::span<const float> group, std::span<const std::uint8_t> codes) {
  std::array<float, kLanes> code{}, code2{}, x{}, code_x{};
  for (std::size_t i = 0; i < group.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto q = static_cast<float>(codes[i + lane]);
      const float value = group[i + lane];
      code[lane] += q;
      code2[lane] += q * q;
      x[lane] += value;
      code_x[lane] += q * value;
    }
  }
  return {add_up(code), add_up(code2), add_up(x), add_up(code_x)};
}

float error_of(std::span<const float> group, const AffineParams& params,
               std::span<const std::uint8_t> codes) {
  std::array<float, kLanes> error{};
  for (std::size_t i = 0; i < group.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float stored = params.scale * static_cast<float>(codes[i + lane]) + params.bias;
      const float difference = group[i + lane] - stored;
      error[lane] += difference * difference;
    }
  }
  return add_up(error);
}

// The line of least squares, bias rounded to storage first and the scale fitted to what it became.
// False where the codes are all equal or the numbers leave the type.
bool fit_line(std::span<const float> group, std::span<const std::uint8_t> codes, DType dtype,
              AffineParams& params) {
  const Sums sums = sums_of(group, codes);
  const auto count = static_cast<double>(group.size());
  const double spread = count * sums.code2 - sums.code * sums.code;
  if (!(spread > 0)) return false;
  const double bias = (sums.x * sums.code2 - sums.code * sums.code_x) / spread;
  params.bias = round_to_dtype(static_cast<float>(bias), dtype);
  const double scale = (sums.code_x - static_cast<double>(params.bias) * sums.code) / sums.code2;
  params.scale = round_to_dtype(static_cast<float>(scale), dtype);
  return std::isfinite(params.bias) && std::isfinite(params.scale) && params.scale != 0.0F;
}

class Search {
 public:
  Search(std::span<const float> group, int bits, DType dtype, MlxRounding rounding)
      : group_(group), bits_(bits), dtype_(dtype), rounding_(rounding) {}

  void consider(const AffineParams& params, std::span<const std::uint8_t> codes) {
    const float error = error_of(group_, params, codes);
    if (has_best_ && !(error < best_error_)) return;
    has_best_ = true;
    best_error_ = error;
    best_ = params;
    std::ranges::copy(codes, best_codes_.begin());
  }

  // From a range to its best line and back to codes, as long as that helps.
  void try_range(float low, float high) {
    AffineParams params{(high - low) / static_cast<float>((1 << bits_) - 1), low};
    if (!(params.scale > 0.0F) || !std::isfinite(params.scale)) return;
    std::array<std::uint8_t, kMaxMlxGroup> buffer{};
    const std::span codes = std::span(buffer).first(group_.size());
    code_affine(group_, params, bits_, rounding_, codes);
    for (int refit = 0; refit < kRefits; ++refit) {
      if (!fit_line(group_, codes, dtype_, params)) return;
      code_affine(group_, params, bits_, rounding_, codes);
      consider(params, codes);
    }
  }

  AffineParams take(std::span<std::uint8_t> codes) const {
    std::copy_n(best_codes_.begin(), codes.size(), codes.begin());
    return best_;
  }

 private:
  std::span<const float> group_;
  int bits_;
  DType dtype_;
  MlxRounding rounding_;
  bool has_best_ = false;
  float best_error_ = 0;
  AffineParams best_;
  std::array<std::uint8_t, kMaxMlxGroup> best_codes_{};
};

}  // namespace

AffineParams search_affine(std::span<const float> group, int bits, DType dtype,
                           MlxRounding rounding, std::span<std::uint8_t> codes) {
  Search search(group, bits, dtype, rounding);
  // MLX's own codes, and the same scale and bias as they read back.
  const AffineParams plain = choose_affine(group, bits, rounding);
  const AffineParams stored = round_params(plain, dtype);
  code_affine(group, plain, bits, rounding, codes);
  search.consider(stored, codes);
  if (stored.scale != 0.0F) {
    code_affine(group, stored, bits, rounding, codes);
    search.consider(stored, codes);
  }
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
