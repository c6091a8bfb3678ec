// SPDX-License-Identifier: Apache-2.0
// The 16 fixed levels of IQ4_NL and IQ4_XS, and the search for a block's scale on them.
//
// The levels are denser near zero, where weights are. They are part of the file format.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace pajamas {

inline constexpr std::array<std::int8_t, 16> kIQ4Levels = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// Code of the nearest level; the upper one when two are equally near.
std::uint8_t nearest_iq4_level(float value);

// codes[i] = nearest_iq4_level(x[i] * inverse_scale)
void round_to_iq4_levels(std::span<const float> x, float inverse_scale,
                         std::span<std::uint8_t> codes);

// The scale of x ~ scale * level: least squares for 15 trial scales around the one that puts the
// element of largest magnitude on the level -127, the best kept. 0 for a block below kGroupMaxEps
// and for one whose weights are all 0.
float fit_iq4_scale(std::span<const float> x, std::span<const float> weights);

}  // namespace pajamas
