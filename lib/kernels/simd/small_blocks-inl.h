// SPDX-License-Identifier: Apache-2.0
// Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: blocks of 32 weights with one scale, one block per lane.

constexpr int kSmallElems = 32;
using SmallChunk = ChunkOf<kSmallElems>;

// 16 bytes: element j low, element j + 16 high. Codes have no bits above a byte.
PJ_VEC void pack_nibbles(const I* codes, I* words) {
  const I nibbles = all<I>(0x0f0f0f0f);
  for (int w = 0; w < 4; ++w) {
    const I* const c = codes + 4 * w;
    const I low = pack_bytes(c[0], c[1], c[2], c[3]) & nibbles;
    const I high = pack_bytes(c[16], c[17], c[18], c[19]) & nibbles;
    words[w] = low | shift_left<4>(high);
  }
}

// Bit j: the fifth bit of code j.
PJ_VEC I pack_fifth_bits(const I* codes) {
  I word = all<I>(0);
  for (int i = kSmallElems - 1; i >= 0; --i) {
    word = shift_left<1>(word) | (shift_right<4>(codes[i]) & all<I>(1));
  }
  return word;
}

PJ_VEC F inverse_or_zero(F scale) {
  const F zero = all<F>(0.0F);
  return select(scale != zero, all<F>(1.0F) / scale, zero);
}

PJ_VEC void load_chunk(const SmallChunk& chunk, F* x) {
  for (int i = 0; i < kSmallElems; ++i) x[i] = load(chunk.x + i * kLanes);
}
PJ_VEC void load_chunk(const SmallChunk& chunk, F* x, F* w) {
  load_chunk(chunk, x);
  importance_weights<F, kSmallElems>(chunk.importance, load(chunk.row_variance), x, w);
}

struct Q80 {
  static constexpr DType kDType = DType::kQ8_0;
  static constexpr int kElems = kSmallElems;
  static constexpr int kBlockBytes = 34;
  static constexpr int kLeadBytes = 2;
  static constexpr bool kUsesImportance = false;
  static constexpr bool kRowVariance = false;

  static unsigned encode(const SmallChunk& chunk, I* words) {
    F x[kElems];
    load_chunk(chunk, x);
    F largest = all<F>(0.0F);
    for (int i = 0; i < kElems; ++i) largest = max_of(abs_of(x[i]), largest);
    const F scale = largest / all<F>(127.0F);
    const F inverse = inverse_or_zero(scale);
    const I sign = all<I>(static_cast<int>(0x80000000U));
    // The largest float below one half: with it, truncation rounds halves away from zero.
    const I half = all<I>(0x3effffff);
    for (int w = 0; w < 8; ++w) {
      I codes[4];
      for (int b = 0; b < 4; ++b) {
        const F value = x[4 * w + b] * inverse;
        codes[b] = to_int(value + from_bits((bits_of(value) & sign) | half)) & all<I>(0xff);
      }
      words[w] = pack_bytes(codes[0], codes[1], codes[2], codes[3]);
    }
    words[8] = to_f16_bits(scale);
    return 0;
  }
  static unsigned encode_with_importance(const SmallChunk& chunk, I* words) {
    return encode(chunk, words);
  }
};

// kNmax: 8 (Q4_0) or 16 (Q5_0). x ~ scale * (code - nmax).
template <int kNmax>
struct SymmetricSmall {
  static constexpr bool kFifthBit = kNmax > 8;
  static constexpr DType kDType = kFifthBit ? DType::kQ5_0 : DType::kQ4_0;
  static constexpr int kElems = kSmallElems;
  static constexpr int kBlockBytes = kFifthBit ? 22 : 18;
  static constexpr int kLeadBytes = 2;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = true;

  static unsigned encode(const SmallChunk& chunk, I* words) {
    F x[kElems];
    load_chunk(chunk, x);
    F largest = all<F>(0.0F);
    for (int i = 0; i < kElems; ++i) largest = max_of(abs_of(x[i]), largest);
    F peak = all<F>(0.0F);
    for (int i = kElems - 1; i >= 0; --i) peak = select(abs_of(x[i]) == largest, x[i], peak);
    peak = select(largest == all<F>(0.0F), all<F>(0.0F), peak);
    const F scale = peak / all<F>(static_cast<float>(-kNmax));
    const F inverse = inverse_or_zero(scale);
    const F shift = all<F>(static_cast<float>(kNmax) + 0.5F);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) {
      const I code = sign_extend_byte(to_int(x[i] * inverse + shift));
      codes[i] = min_of(code, all<I>(2 * kNmax - 1)) & all<I>(0xff);
    }
    write(codes, scale, words);
    return 0;
  }

  static unsigned encode_with_importance(const SmallChunk& chunk, I* words) {
    F x[kElems];
    F w[kElems];
    F wx[kElems];
    load_chunk(chunk, x, w);
    for (int i = 0; i < kElems; ++i) wx[i] = w[i] * x[i];
    const SymmetricFit<F> fit = fit_symmetric<F, kElems, kNmax>(x, w, wx);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) {
      const F level = nearest_clamped(x[i] * fit.code_inverse, -kNmax, kNmax - 1);
      codes[i] = select(fit.nonzero, to_int(level) + all<I>(kNmax), all<I>(0));
    }
    write(codes, fit.scale, words);
    return 0;
  }

  PJ_VEC static void write(const I* codes, F scale, I* words) {
    if constexpr (kFifthBit) words[0] = pack_fifth_bits(codes);
    pack_nibbles(codes, words + (kFifthBit ? 1 : 0));
    words[kFifthBit ? 5 : 4] = to_f16_bits(scale);
  }
};

// kMax: 15 (Q4_1) or 31 (Q5_1). x ~ scale * code + min.
template <int kMax>
struct AffineSmall {
  static constexpr bool kFifthBit = kMax > 15;
  static constexpr DType kDType = kFifthBit ? DType::kQ5_1 : DType::kQ4_1;
  static constexpr int kElems = kSmallElems;
  static constexpr int kBlockBytes = kFifthBit ? 24 : 20;
  static constexpr int kLeadBytes = 0;
  static constexpr bool kUsesImportance = true;
  static constexpr bool kRowVariance = true;
  static constexpr TrialList kTrials = affine_trials(-0.9F, 0.05F, 36, kMax);

  static unsigned encode(const SmallChunk& chunk, I* words) {
    F x[kElems];
    load_chunk(chunk, x);
    F min = x[0];
    F max = x[0];
    for (int i = 1; i < kElems; ++i) {
      min = min_of(x[i], min);
      max = max_of(x[i], max);
    }
    const F scale = (max - min) / all<F>(static_cast<float>(kMax));
    const F inverse = inverse_or_zero(scale);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) {
      const I code = to_int((x[i] - min) * inverse + all<F>(0.5F));
      // Q4_1 limits the signed byte, Q5_1 keeps the low bits of the byte: as in the codecs.
      codes[i] = kFifthBit ? code & all<I>(0xff)
                           : min_of(sign_extend_byte(code), all<I>(kMax)) & all<I>(0xff);
    }
    write(codes, scale, min, words);
    return 0;
  }

  static unsigned encode_with_importance(const SmallChunk& chunk, I* words) {
    F x[kElems];
    F w[kElems];
    load_chunk(chunk, x, w);
    const AffineFit<F> fit =
        fit_affine<F, kElems, kMax, false>(x, w, kTrials.values, kTrials.count);
    I codes[kElems];
    for (int i = 0; i < kElems; ++i) {
      codes[i] = to_int(nearest_clamped((x[i] - fit.code_min) * fit.code_inverse, 0, kMax));
    }
    write(codes, fit.scale, fit.min, words);
    return lane_bits(fit.unsafe);
  }

  PJ_VEC static void write(const I* codes, F scale, F min, I* words) {
    words[0] = to_f16_bits(scale) | shift_left<16>(to_f16_bits(min));
    if constexpr (kFifthBit) words[1] = pack_fifth_bits(codes);
    pack_nibbles(codes, words + (kFifthBit ? 2 : 1));
  }
};

using Q40 = SymmetricSmall<8>;
using Q50 = SymmetricSmall<16>;
using Q41 = AffineSmall<15>;
using Q51 = AffineSmall<31>;
