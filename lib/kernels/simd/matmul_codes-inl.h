// SPDX-License-Identifier: Apache-2.0
// The weight types, as the products see them: how a chunk's planes become vectors of codes, and its
// head the scales of groups of columns. See kernels/matmul/packed_form.h.
//
// Included inside a target region and the namespace of the instruction set. Each type has
//   kForm      how it is packed
//   kAffine    w = scale * code - or + offset; otherwise w = scale * (code - 128)
//   kGroupCols columns that share a scale
//   codes<kAt>(planes, block)  columns 4 kAt .. 4 kAt + 3 of a block; planes: those of the chunk,
//                              from the byte of the first row on
//   heads(head, n_blocks, lane, scales, offsets)  the groups' scales and offsets, kGroupRows floats
//                              a group, of rows lane .. lane + kLanes - 1
// Codes without an offset are shifted to the top of the byte, so that 128 stands for 0; their
// scales shrink by the same power of two.

template <int kBits>
PJ_VEC I shift_by(I x) {  // left when positive
  if constexpr (kBits > 0) return shift_left<kBits>(x);
  if constexpr (kBits < 0) return shift_right<-kBits>(x);
  return x;
}

// The field of kBits bits for vector kAt of a block, moved to bit kTo of each byte.
template <int kBits, int kTo, int kAt>
PJ_VEC I field(const std::byte* plane) {
  constexpr int kPerVector = 8 / kBits;
  constexpr int kFrom = kAt % kPerVector * kBits;
  const I merged = load_int(plane + kAt / kPerVector * kVectorBytes);
  constexpr std::uint32_t kMask = (((1U << kBits) - 1U) << kTo) * 0x01010101U;
  return shift_by<kTo - kFrom>(merged) & splat_int(static_cast<int>(kMask));
}

constexpr int kNibbleBytes = 4 * kVectorBytes;  // of a block
constexpr int kPairBytes = 2 * kVectorBytes;

PJ_VEC const std::byte* half_field(const std::byte* head, int index, int lane) {
  return head + 2 * (kGroupRows * index + lane);
}
template <typename Type>
PJ_VEC const std::byte* byte_field(const std::byte* head, int n_blocks, int index, int lane) {
  return head + 2 * kGroupRows * Type::kForm.halves(n_blocks) + kGroupRows * index + lane;
}

// One F16 scale a block, and perhaps a minimum.
template <typename Type>
PJ_VEC void block_heads(const std::byte* head, int n_blocks, int lane, float unit, float* scales,
                        float* offsets) {
  for (int block = 0; block < n_blocks; ++block) {
    store(scales + kGroupRows * block, load_f16(half_field(head, block, lane)) * splat_float(unit));
    if constexpr (Type::kAffine) {
      store(offsets + kGroupRows * block, load_f16(half_field(head, n_blocks + block, lane)));
    }
  }
}

struct Q40 {
  static constexpr PackedForm kForm = kNibbleForm;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return field<4, 4, kAt>(planes + block * kNibbleBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    block_heads<Q40>(head, n_blocks, lane, 1.0F / 16.0F, scales, offsets);
  }
};

struct Q41 {
  static constexpr PackedForm kForm = kNibbleMinForm;
  static constexpr bool kAffine = true;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return field<4, 0, kAt>(planes + block * kNibbleBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    block_heads<Q41>(head, n_blocks, lane, 1.0F, scales, offsets);
  }
};

template <bool kIsAffine>
struct FiveBits {
  static constexpr PackedForm kForm = kIsAffine ? kFiveBitMinForm : kFiveBitForm;
  static constexpr bool kAffine = kIsAffine;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    constexpr int kTo = kIsAffine ? 0 : 3;
    const std::byte* const at = planes + block * (kNibbleBytes + kVectorBytes);
    return field<4, kTo, kAt>(at) | field<1, kTo + 4, kAt>(at + kNibbleBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    block_heads<FiveBits>(head, n_blocks, lane, kIsAffine ? 1.0F : 1.0F / 8.0F, scales, offsets);
  }
};

struct Q80 {
  static constexpr PackedForm kForm = kByteForm;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return load_int(planes + (8 * block + kAt) * kVectorBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    block_heads<Q80>(head, n_blocks, lane, 1.0F, scales, offsets);
  }
};

// Codes that are indexes of levels.
template <const std::uint8_t* kLevels>
struct LevelCodes {
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return look_up_bytes(kLevels, field<4, 0, kAt>(planes + block * kNibbleBytes));
  }
};

template <typename Level, std::size_t kCount>
constexpr std::array<std::uint8_t, 16> biased(const Level (&levels)[kCount]) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(levels[i] + 128);
  return bytes;
}
constexpr std::array<std::uint8_t, 16> biased(const std::array<std::int8_t, 16>& levels) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(levels[i] + 128);
  return bytes;
}
constexpr std::array<std::uint8_t, 16> kBiasedIQ4Levels = biased(kIQ4Levels);
constexpr std::array<std::uint8_t, 16> kBiasedMXFP4Levels = biased(kMXFP4Levels);

struct IQ4NL : LevelCodes<kBiasedIQ4Levels.data()> {
  static constexpr PackedForm kForm = kNibbleForm;
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    block_heads<IQ4NL>(head, n_blocks, lane, 1.0F, scales, offsets);
  }
};

struct MXFP4 : LevelCodes<kBiasedMXFP4Levels.data()> {
  static constexpr PackedForm kForm = kMXFP4Form;
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* /*offsets*/) {
    for (int block = 0; block < n_blocks; ++block) {
      // 2^(byte - 128), which is denormal for the bytes 0 and 1.
      const I byte = load_bytes(byte_field<MXFP4>(head, n_blocks, block, lane));
      const I small = select(byte == splat_int(0), splat_int(0x00200000), splat_int(0x00400000));
      const I bits = select(byte > splat_int(1), shift_left<23>(byte - splat_int(1)), small);
      store(scales + kGroupRows * block, from_bits(bits));
    }
  }
};

struct TQ20 {
  static constexpr PackedForm kForm = kTQ2_0Form;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return field<2, 0, kAt>(planes + block * kPairBytes) + splat_int(0x7f7f7f7f);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* /*offsets*/) {
    const F scale = load_f16(half_field(head, 0, lane));
    for (int block = 0; block < n_blocks; ++block) store(scales + kGroupRows * block, scale);
  }
};

struct TQ10 {
  static constexpr PackedForm kForm = kTQ1_0Form;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 32;
  // The digits of even or odd bytes, as bytes of 16-bit fields; no field overflows.
  PJ_VEC static I digits(I bytes, I power) {
    const I low = splat_int(0x00ff00ff);
    const I fraction = multiply_halves(bytes, power) & low;
    return shift_right<8>(fraction + shift_left<1>(fraction)) & low;
  }
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    constexpr int kHalves = 0x00010001;
    constexpr int kPowers[5] = {kHalves, 3 * kHalves, 9 * kHalves, 27 * kHalves, 81 * kHalves};
    const int word = 8 * block + kAt;
    const I merged = load_int(planes + word / 5 * kVectorBytes);
    const I power = splat_int(kPowers[word % 5]);
    const I low = splat_int(0x00ff00ff);
    const I even = digits(merged & low, power);
    const I odd = digits(shift_right<8>(merged) & low, power);
    return (even | shift_left<8>(odd)) + splat_int(0x7f7f7f7f);
  }
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* offsets) {
    TQ20::heads(head, n_blocks, lane, scales, offsets);
  }
};
