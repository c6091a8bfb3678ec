// SPDX-License-Identifier: Apache-2.0
// MXFP4: 32 weights as E2M1 floats with a shared power of two.

struct MXFP4 {
  static constexpr DType kDType = DType::kMXFP4;
  static constexpr int kElems = kSmallElems;
  static constexpr int kBlockBytes = 17;
  static constexpr int kLeadBytes = 1;
  static constexpr bool kUsesImportance = false;
  static constexpr bool kRowVariance = false;

  static unsigned encode(const SmallChunk& chunk, I* words) {
    F x[kElems];
    load_chunk(chunk, x);
    F largest = all<F>(0.0F);
    for (int i = 0; i < kElems; ++i) largest = max_of(abs_of(x[i]), largest);
    float magnitudes[kLanes];
    float half_scales[kLanes];
    std::int32_t exponents[kLanes];
    store(magnitudes, largest);
    for (int lane = 0; lane < kLanes; ++lane) {
      const std::uint8_t exponent = mxfp4_exponent(magnitudes[lane]);
      exponents[lane] = exponent;
      half_scales[lane] = mxfp4_half_scale(exponent);
    }
    constexpr float kLevels[8] = {0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 6.0F, 8.0F, 12.0F};
    F levels[8];
    for (int code = 0; code < 8; ++code) levels[code] = all<F>(kLevels[code]) * load(half_scales);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) codes[i] = nearest_code(x[i], levels);
    pack_nibbles(codes, words);
    words[4] = load_int(exponents);
    return 0;
  }
  static unsigned encode_with_importance(const SmallChunk& chunk, I* words) {
    return encode(chunk, words);
  }

  // The lowest code of the nearest; code 8, -0, is never nearer than code 0.
  PJ_VEC static I nearest_code(F x, const F* levels) {
    const F magnitude = abs_of(x);
    F best = abs_of(levels[0] - magnitude);
    I code = all<I>(0);
    for (int level = 1; level < 8; ++level) {
      const F error = abs_of(levels[level] - magnitude);
      const M nearer = error < best;
      best = select(nearer, error, best);
      code = select(nearer, all<I>(level), code);
    }
    const M negative = (x < all<F>(0.0F)) & (code > all<I>(0));
    return select(negative, code + all<I>(8), code);
  }
};
