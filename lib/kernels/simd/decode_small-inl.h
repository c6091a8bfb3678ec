// SPDX-License-Identifier: Apache-2.0
// Decoders of the types with blocks of 32, kLanes neighbouring weights at once, and what IQ4_XS
// shares with them. The products are grouped as in codecs/.

// 16 bytes of nibbles to 32 weights: levels[nibble] * scale.
PJ_VEC void decode_levels(const std::uint8_t* nibbles, const float* levels, F scale, float* x) {
  for (int l = 0; l < 16; l += kLanes) {
    const I bytes = load_bytes(nibbles + l);
    store(x + l, look_up(levels, bytes & all<I>(15)) * scale);
    store(x + 16 + l, look_up(levels, shift_right<4>(bytes)) * scale);
  }
}

struct DecodeQ80 {
  static constexpr int kElems = 32;
  static constexpr int kBlockBytes = 34;

  static void decode(const std::uint8_t* block, float* x) {
    const F scale = f16_at(block);
    for (int l = 0; l < 32; l += kLanes) {
      store(x + l, to_float(load_signed_bytes(block + 2 + l)) * scale);
    }
  }
};

// Q4_0, Q4_1, Q5_0, Q5_1: codes of 4 or 5 bits; symmetric (code - middle) * scale, or with a
// minimum, code * scale + min.
template <bool kFifthBit, bool kMinimum>
struct DecodeNibbles {
  static constexpr int kElems = 32;
  static constexpr int kHeadBytes = kMinimum ? 4 : 2;
  static constexpr int kBlockBytes = kHeadBytes + (kFifthBit ? 4 : 0) + 16;

  static void decode(const std::uint8_t* block, float* x) {
    const F scale = f16_at(block);
    const F min = kMinimum ? f16_at(block + 2) : scale;
    for (int half = 0; half < 2; ++half) {
      for (int l = 0; l < 16; l += kLanes) {
        const I bytes = load_bytes(block + kBlockBytes - 16 + l);
        I code = half == 0 ? bytes & all<I>(15) : shift_right<4>(bytes);
        if constexpr (kFifthBit) {
          std::int32_t word = 0;
          __builtin_memcpy(&word, block + kHeadBytes, 4);
          const I shifts = load_int(kCounts + half * 16 + l);
          code = code | shift_left<4>(shift_right_each(all<I>(word), shifts) & all<I>(1));
        }
        constexpr int kMiddle = kFifthBit ? 16 : 8;
        const F value =
            kMinimum ? to_float(code) * scale + min : to_float(code - all<I>(kMiddle)) * scale;
        store(x + half * 16 + l, value);
      }
    }
  }

  static constexpr std::int32_t kCounts[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                               11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                               22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
};

struct DecodeIQ4NL {
  static constexpr int kElems = 32;
  static constexpr int kBlockBytes = 18;

  static void decode(const std::uint8_t* block, float* x) {
    decode_levels(block + 2, kLevelBins.levels, f16_at(block), x);
  }
};

struct DecodeMXFP4 {
  static constexpr int kElems = 32;
  static constexpr int kBlockBytes = 17;

  static void decode(const std::uint8_t* block, float* x) {
    // Code 8 is 0, not -0: the levels are integers.
    static constexpr float kLevels[16] = {0.0F, 1.0F,  2.0F,  3.0F,  4.0F,  6.0F,  8.0F,  12.0F,
                                          0.0F, -1.0F, -2.0F, -3.0F, -4.0F, -6.0F, -8.0F, -12.0F};
    decode_levels(block + 1, kLevels, all<F>(mxfp4_half_scale(block[0])), x);
  }
};
