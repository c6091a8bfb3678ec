// SPDX-License-Identifier: Apache-2.0
// Decoders of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS and TQ2_0: kLanes neighbouring weights at once.
// The byte layouts are drawn in codecs/; the products are grouped as there.

// The four 2-bit codes of each byte: part n at elements 32 n of its 128.
template <int kPart>
PJ_VEC I two_bits(I bytes) {
  return shift_right<2 * kPart>(bytes) & all<I>(3);
}

struct DecodeQ2K {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = 84;

  static void decode(Bytes block, float* x) {
    const F unit = f16_at(block + 80);
    const F offset_unit = f16_at(block + 82);
    for (int half = 0; half < 2; ++half) {
      decode_part<0>(block, half, unit, offset_unit, x);
      decode_part<1>(block, half, unit, offset_unit, x);
      decode_part<2>(block, half, unit, offset_unit, x);
      decode_part<3>(block, half, unit, offset_unit, x);
    }
  }
  template <int kPart>
  PJ_VEC static void decode_part(Bytes block, int half, F unit, F offset_unit, float* x) {
    for (int l = 0; l < 32; l += kLanes) {
      const int at = half * 128 + kPart * 32 + l;
      const int fields = block[at / 16];
      const F scale = unit * all<F>(static_cast<float>(fields & 15));
      const F offset = offset_unit * all<F>(static_cast<float>(fields >> 4));
      const I code = two_bits<kPart>(load_bytes(block + 16 + half * 32 + l));
      store(x + at, scale * to_float(code) - offset);
    }
  }
};

struct DecodeQ3K {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = 110;

  static void decode(Bytes block, float* x) {
    const F unit = f16_at(block + 108);
    for (int half = 0; half < 2; ++half) {
      decode_part<0>(block, half, unit, x);
      decode_part<1>(block, half, unit, x);
      decode_part<2>(block, half, unit, x);
      decode_part<3>(block, half, unit, x);
    }
  }
  template <int kPart>
  PJ_VEC static void decode_part(Bytes block, int half, F unit, float* x) {
    const int plane = half * 4 + kPart;
    for (int l = 0; l < 32; l += kLanes) {
      const int at = plane * 32 + l;
      const F scale = unit * all<F>(static_cast<float>(group_scale(block + 96, at / 16)));
      const I low = two_bits<kPart>(load_bytes(block + 32 + half * 32 + l));
      const I high = shift_right_each(load_bytes(block + l), all<I>(plane)) & all<I>(1);
      store(x + at, scale * to_float(low + shift_left<2>(high) - all<I>(4)));
    }
  }
  PJ_VEC static int group_scale(Bytes scales, int group) {
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = (scales[8 + group % 4] >> (2 * (group / 4))) & 3;
    return (low | (high << 4)) - 32;
  }
};

// Q4_K and Q5_K.
template <bool kFifthBit>
struct DecodeSixBitScaled {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = kFifthBit ? 176 : 144;

  static void decode(Bytes block, float* x) {
    const F unit = f16_at(block);
    const F offset_unit = f16_at(block + 2);
    for (int group = 0; group < 8; ++group) {
      const auto [scale_field, offset_field] = fields(block + 4, group);
      const F scale = unit * all<F>(static_cast<float>(scale_field));
      const F offset = offset_unit * all<F>(static_cast<float>(offset_field));
      const Bytes nibbles = block + (kFifthBit ? 48 : 16) + group / 2 * 32;
      for (int l = 0; l < 32; l += kLanes) {
        const I bytes = load_bytes(nibbles + l);
        I code = group % 2 == 0 ? bytes & all<I>(15) : shift_right<4>(bytes);
        if constexpr (kFifthBit) {
          const I fifth = shift_right_each(load_bytes(block + 16 + l), all<I>(group));
          code = code | shift_left<4>(fifth & all<I>(1));
        }
        store(x + group * 32 + l, scale * to_float(code) - offset);
      }
    }
  }
  struct Fields {
    int scale;
    int offset;
  };
  PJ_VEC static Fields fields(Bytes packed, int group) {
    if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
    const int low = packed[group + 4];
    return {(low & 15) | (packed[group - 4] >> 6 << 4), (low >> 4) | (packed[group] >> 6 << 4)};
  }
};

struct DecodeQ6K {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = 210;

  static void decode(Bytes block, float* x) {
    const F unit = f16_at(block + 208);
    for (int half = 0; half < 2; ++half) {
      decode_part<0>(block, half, unit, x);
      decode_part<1>(block, half, unit, x);
      decode_part<2>(block, half, unit, x);
      decode_part<3>(block, half, unit, x);
    }
  }
  template <int kPart>
  PJ_VEC static void decode_part(Bytes block, int half, F unit, float* x) {
    for (int l = 0; l < 32; l += kLanes) {
      const int at = half * 128 + kPart * 32 + l;
      const auto scale_code = static_cast<std::int8_t>(block[192 + at / 16]);
      const F scale = unit * all<F>(static_cast<float>(scale_code));
      const I bytes = load_bytes(block + half * 64 + kPart % 2 * 32 + l);
      const I low = kPart < 2 ? bytes & all<I>(15) : shift_right<4>(bytes);
      const I high = two_bits<kPart>(load_bytes(block + 128 + half * 32 + l));
      store(x + at, scale * to_float((low | shift_left<4>(high)) - all<I>(32)));
    }
  }
};

struct DecodeTQ20 {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = 66;

  static void decode(Bytes block, float* x) {
    const F scale = f16_at(block + 64);
    for (int half = 0; half < 2; ++half) {
      for (int l = 0; l < 32; l += kLanes) {
        const I bytes = load_bytes(block + half * 32 + l);
        float* const to = x + half * 128 + l;
        store(to, to_float(two_bits<0>(bytes) - all<I>(1)) * scale);
        store(to + 32, to_float(two_bits<1>(bytes) - all<I>(1)) * scale);
        store(to + 64, to_float(two_bits<2>(bytes) - all<I>(1)) * scale);
        store(to + 96, to_float(two_bits<3>(bytes) - all<I>(1)) * scale);
      }
    }
  }
};

struct DecodeIQ4XS {
  static constexpr int kElems = 256;
  static constexpr int kBlockBytes = 136;

  static void decode(Bytes block, float* x) {
    const F unit = f16_at(block);
    const int high_fields = block[2] | (block[3] << 8);
    for (int group = 0; group < 8; ++group) {
      const int low = (block[4 + group / 2] >> (group % 2 * 4)) & 15;
      const int high = (high_fields >> (2 * group)) & 3;
      const F scale = unit * all<F>(static_cast<float>((low | (high << 4)) - 32));
      decode_levels(block + 8 + 16 * group, kLevelBins.levels, scale, x + 32 * group);
    }
  }
};
