// SPDX-License-Identifier: Apache-2.0
// The searches that pick a group's scale and integer codes.
//
// Each tries a fixed list of trial scales, rounds the group to codes with each, and keeps the
// least-squares scale of the codes that lose least, weighted by `weights`. The trial lists, the
// order of every sum and the acceptance tests equal llama.cpp's, whose bytes the codecs must give
// (docs/codecs/scale_search.md). All sums are sequential floats; speed comes from the kernels
// layer, which runs one group per lane.
//
// A group has at most kMaxGroupElems elements. `codes` and `weights` are as long as x. Finite x and
// weights >= 0 are expected; anything else gives some codes, never undefined behaviour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pajamas {

inline constexpr std::size_t kMaxGroupElems = 32;

// Groups whose largest magnitude is below this are stored as zero.
inline constexpr float kGroupMaxEps = 1e-15F;

// x ~ scale * (code - nmax), codes 0 .. 2*nmax-1. Tries 19 scales around -nmax / (the element of
// largest magnitude). A group below kGroupMaxEps: scale 0 and all codes 0.
float fit_symmetric(std::span<const float> x, std::span<const float> weights, int nmax,
                    std::span<std::uint8_t> codes);

// Same codes; one scale, then at most 5 passes that move single codes while the weighted
// correlation grows. The weights are x^2.
float refine_symmetric(std::span<const float> x, int nmax, std::span<std::uint8_t> codes);

enum class ErrorNorm { kAbsolute, kSquared };

// Trial scales (max - min) / (nmax + first + step * i), i = 0 .. steps inclusive.
struct AffineTrials {
  float first;
  float step;
  int steps;
  ErrorNorm norm;
};

struct ScaleAndOffset {
  float scale;
  float minus_min;  // >= 0: the offset that is subtracted
};

// x ~ scale * code - minus_min, codes 0 .. nmax.
ScaleAndOffset fit_affine(std::span<const float> x, std::span<const float> weights, int nmax,
                          const AffineTrials& trials, std::span<std::uint8_t> codes);

// x ~ scale * code for x >= 0, codes 0 .. nmax: the scales and offsets of a super block.
float fit_positive(std::span<const float> x, std::span<const float> weights, int nmax,
                   std::span<std::uint8_t> codes);

}  // namespace pajamas
