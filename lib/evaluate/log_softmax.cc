// SPDX-License-Identifier: Apache-2.0
#include "evaluate/log_softmax.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/vector_ops.h"

namespace pajamas {
namespace {

constexpr std::size_t kSumElems = 256;
constexpr std::size_t kLanes = 8;

double sum_of_exps(std::span<const float> logits, float max) {
  std::array<double, kLanes> lanes{};
  std::array<float, kSumElems> exps;
  for (std::size_t first = 0; first < logits.size(); first += kSumElems) {
    const std::size_t count = std::min(kSumElems, logits.size() - first);
    const float* block = logits.data() + first;
    for (std::size_t i = 0; i < count; ++i) exps[i] = exp_of_negative(block[i] - max);
    for (std::size_t i = count; i < kSumElems; ++i) exps[i] = 0;
    for (std::size_t i = 0; i < kSumElems; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] += static_cast<double>(exps[i + lane]);
      }
    }
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

Result<Normalizer> normalize(std::span<const float> logits) {
  Normalizer normalizer;
  normalizer.top = static_cast<std::int32_t>(
      argmax(nullptr, logits.data(), static_cast<std::int64_t>(logits.size())));
  normalizer.max = logits[static_cast<std::size_t>(normalizer.top)];
  normalizer.sum = sum_of_exps(logits, normalizer.max);
  normalizer.log_sum = std::log(normalizer.sum);
  if (std::isfinite(normalizer.max) && std::isfinite(normalizer.sum)) return normalizer;
  return make_error(ErrorCode::kInvalidData,
                    "the model computes logits that are not finite (the largest is {}, their "
                    "exponentials sum to {}); its weights are damaged or of another scale",
                    normalizer.max, normalizer.sum);
}

}  // namespace pajamas
