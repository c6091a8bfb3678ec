// SPDX-License-Identifier: Apache-2.0
// TQ1_0 and TQ2_0: codes 0, 1, 2 for -1, 0, 1 times the largest magnitude of 256 weights.

PJ_VEC F load_ternary_scale(const Chunk& chunk) {
  F largest = all<F>(0.0F);
  for (int i = 0; i < kSuperElems; ++i) {
    largest = max_of(abs_of(load(chunk.x + i * kLanes)), largest);
  }
  return largest;
}

// As codecs/ternary/ternary_code.h: halves round away from zero, an overflow gives the code of 0.
PJ_VEC I ternary_code(F scaled) {
  const F two = all<F>(2.0F);
  const F magnitude = abs_of(scaled);
  const M away = ~(magnitude < all<F>(0.5F)) & (magnitude < two);
  const I code = select(scaled > all<F>(0.0F), all<I>(2), all<I>(0));
  return select(away, code, all<I>(1));
}

struct TQ20 {
  static constexpr DType kDType = DType::kTQ2_0;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 66;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = false;
  static constexpr bool kRowVariance = false;

  static unsigned encode(const Chunk& chunk, I* words) {
    const F scale = load_ternary_scale(chunk);
    const F inverse = inverse_or_zero(scale);
    for (int half = 0; half < 2; ++half) {
      I codes[128];
      for (int i = 0; i < 128; ++i) {
        codes[i] = ternary_code(load(chunk.x + (half * 128 + i) * kLanes) * inverse);
      }
      write_bit_pairs(codes, words + 8 * half);
    }
    words[16] = to_f16_bits(scale);
    return 0;
  }
  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    return encode(chunk, words);
  }
};

struct TQ10 {
  static constexpr DType kDType = DType::kTQ1_0;
  static constexpr int kElems = kSuperElems;
  static constexpr int kBlockBytes = 54;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = false;
  static constexpr bool kRowVariance = false;

  static unsigned encode(const Chunk& chunk, I* words) {
    const F scale = load_ternary_scale(chunk);
    const F inverse = inverse_or_zero(scale);
    I bytes[52];
    pack_digits<32, 5>(chunk.x, inverse, bytes);
    pack_digits<16, 5>(chunk.x + 160 * kLanes, inverse, bytes + 32);
    pack_digits<4, 4>(chunk.x + 240 * kLanes, inverse, bytes + 48);
    for (int w = 0; w < 13; ++w) {
      words[w] = pack_bytes(bytes[4 * w], bytes[4 * w + 1], bytes[4 * w + 2], bytes[4 * w + 3]);
    }
    words[13] = to_f16_bits(scale);
    return 0;
  }
  static unsigned encode_with_importance(const Chunk& chunk, I* words) {
    return encode(chunk, words);
  }

  // kStride bytes of up to five base-3 digits, which stand kStride elements apart.
  template <int kStride, int kDigits>
  PJ_VEC static void pack_digits(const float* x, F inverse, I* bytes) {
    for (int byte = 0; byte < kStride; ++byte) {
      I number = all<I>(0);
      for (int digit = 0; digit < 5; ++digit) {
        number = number + number + number;
        if (digit >= kDigits) continue;
        number = number + ternary_code(load(x + (byte + digit * kStride) * kLanes) * inverse);
      }
      // ceil(number * 256 / 243); 4316 / 2^20 divides by 243 exactly enough below 3400.
      const I rest = number * all<I>(13) + all<I>(242);
      bytes[byte] = number + shift_right<20>(rest * all<I>(4316));
    }
  }
};
