// SPDX-License-Identifier: Apache-2.0
// The levels of IQ4_NL and IQ4_XS and the nearest of them to a value.

// Looks up the level nearest to a value. The values are cut into 16 bins of width 16 from -128 on;
// a bin holds at most two of the points halfway between levels, and a value on such a point takes
// the upper level. The halfway points are exact floats, so comparing with them is the same as
// comparing the distances, as the scalar codec does.
struct LevelBins {
  float levels[16];
  float first[16];  // halfway points in the bin; beyond all values when there is none
  float second[16];
  std::int32_t below[16];  // halfway points in lower bins
};
constexpr LevelBins make_level_bins() {
  constexpr int kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};
  LevelBins bins{};
  for (int i = 0; i < 16; ++i) bins.levels[i] = static_cast<float>(kLevels[i]);
  int passed = 0;
  for (int bin = 0; bin < 16; ++bin) {
    const float end = static_cast<float>(16 * bin - 112);
    bins.below[bin] = passed;
    bins.first[bin] = 1e30F;
    bins.second[bin] = 1e30F;
    for (float* point : {&bins.first[bin], &bins.second[bin]}) {
      if (passed == 15) break;
      const float halfway = (bins.levels[passed] + bins.levels[passed + 1]) * 0.5F;
      if (halfway >= end) break;
      *point = halfway;
      ++passed;
    }
  }
  return bins;
}
constexpr LevelBins kLevelBins = make_level_bins();

// NaN takes the last code.
PJ_VEC I nearest_level_code(F value) {
  const F inside = max_of(min_of(value, all<F>(127.0F)), all<F>(-128.0F));
  const I bin = to_int((inside + all<F>(128.0F)) * all<F>(0.0625F));
  const I one = all<I>(1);
  const I none = all<I>(0);
  return look_up(kLevelBins.below, bin) +
         select(inside < look_up(kLevelBins.first, bin), none, one) +
         select(inside < look_up(kLevelBins.second, bin), none, one);
}
template <typename T>
PJ_VEC auto nearest_level_code(Pair<T> value) {
  return pair_of(nearest_level_code(value.a), nearest_level_code(value.b));
}
PJ_VEC F level_of(I code) { return look_up(kLevelBins.levels, code); }
template <typename T>
PJ_VEC auto level_of(Pair<T> code) {
  return pair_of(level_of(code.a), level_of(code.b));
}
