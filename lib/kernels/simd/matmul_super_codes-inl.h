// SPDX-License-Identifier: Apache-2.0
// The types of 256 columns with scaled group scales; goes on where matmul_codes-inl.h ends.

// Q4_K and Q5_K: w = scale * group_scale * code - offset * group_offset. The group offsets go to
// `offsets` as integers, those of groups 2k and 2k + 1 as the halves of lanes in row k, followed by
// minus the offset.
template <bool kFiveBits>
struct SixBitScaled {
  static constexpr PackedForm kForm = kFiveBits ? kQ5_KForm : kQ4_KForm;
  static constexpr bool kAffine = true;
  static constexpr bool kOffsetsOfChunk = true;
  static constexpr int kGroupCols = 32;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    const std::byte* const at = planes + block * kForm.block_bytes();
    if constexpr (kFiveBits) {
      return field<4, 0, kAt>(at) | field<1, 4, kAt>(at + kNibbleBytes);
    } else {
      return field<4, 0, kAt>(at);
    }
  }
  PJ_VEC static void heads(const std::byte* head, int /*n_blocks*/, int lane, float* scales,
                           float* offsets) {
    const F scale = load_f16(half_field(head, 0, lane));
    const F offset = load_f16(half_field(head, 1, lane)) * splat_float(-1.0F);
    const std::byte* const bytes = byte_field<SixBitScaled>(head, kChunkBlocks, 0, lane);
    const I six = splat_int(63);
    const I four = splat_int(15);
    for (int at = 0; at < 4; at += 2) {
      I low_offsets[2];
      I high_offsets[2];
      for (int odd = 0; odd < 2; ++odd) {
        const I first_scale = load_bytes(bytes + kGroupRows * (at + odd));
        const I first_offset = load_bytes(bytes + kGroupRows * (at + odd + 4));
        const I last = load_bytes(bytes + kGroupRows * (at + odd + 8));
        const I last_scale = (last & four) | shift_left<4>(shift_right<6>(first_scale));
        store(scales + kGroupRows * (at + odd), scale * to_float(first_scale & six));
        store(scales + kGroupRows * (at + odd + 4), scale * to_float(last_scale));
        low_offsets[odd] = first_offset & six;
        high_offsets[odd] = shift_right<4>(last) | shift_left<4>(shift_right<6>(first_offset));
      }
      store_int(offsets + kGroupRows * (at / 2), low_offsets[0] | shift_left<16>(low_offsets[1]));
      store_int(offsets + kGroupRows * (at / 2 + 2),
                high_offsets[0] | shift_left<16>(high_offsets[1]));
    }
    store(offsets + kGroupRows * 4, offset);
  }
};

struct Q6K {
  static constexpr PackedForm kForm = kQ6_KForm;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 16;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    const std::byte* const at = planes + block * (kNibbleBytes + kPairBytes);
    return field<4, 2, kAt>(at) | field<2, 6, kAt>(at + kNibbleBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int /*n_blocks*/, int lane, float* scales,
                           float* /*offsets*/) {
    const F scale = load_f16(half_field(head, 0, lane)) * splat_float(1.0F / 4.0F);
    const std::byte* const bytes = byte_field<Q6K>(head, kChunkBlocks, 0, lane);
    for (int group = 0; group < 16; ++group) {
      store(scales + kGroupRows * group,
            scale * to_float(load_signed_bytes(bytes + kGroupRows * group)));
    }
  }
};

struct Q3K {
  static constexpr PackedForm kForm = kQ3_KForm;
  static constexpr bool kAffine = false;
  static constexpr int kGroupCols = 16;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    const std::byte* const at = planes + block * (kPairBytes + kVectorBytes);
    return field<2, 5, kAt>(at) | field<1, 7, kAt>(at + kPairBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int /*n_blocks*/, int lane, float* scales,
                           float* /*offsets*/) {
    const F scale = load_f16(half_field(head, 0, lane)) * splat_float(1.0F / 32.0F);
    const std::byte* const bytes = byte_field<Q3K>(head, kChunkBlocks, 0, lane);
    for (int group = 0; group < 16; ++group) {
      const I nibbles = load_bytes(bytes + kGroupRows * (group % 8));
      const I pairs = load_bytes(bytes + kGroupRows * (8 + group % 4));
      const I low = shift_right_each(nibbles, splat_int(group / 8 * 4)) & splat_int(15);
      const I high = shift_right_each(pairs, splat_int(group / 4 * 2)) & splat_int(3);
      const I field_value = (low | shift_left<4>(high)) - splat_int(32);
      store(scales + kGroupRows * group, scale * to_float(field_value));
    }
  }
};

struct Q2K {
  static constexpr PackedForm kForm = kQ2_KForm;
  static constexpr bool kAffine = true;
  static constexpr int kGroupCols = 16;
  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    return field<2, 0, kAt>(planes + block * kPairBytes);
  }
  PJ_VEC static void heads(const std::byte* head, int /*n_blocks*/, int lane, float* scales,
                           float* offsets) {
    const F scale = load_f16(half_field(head, 0, lane));
    const F offset = load_f16(half_field(head, 1, lane)) * splat_float(-1.0F);
    const std::byte* const bytes = byte_field<Q2K>(head, kChunkBlocks, 0, lane);
    for (int group = 0; group < 16; ++group) {
      const I both = load_bytes(bytes + kGroupRows * group);
      store(scales + kGroupRows * group, scale * to_float(both & splat_int(15)));
      store(offsets + kGroupRows * group, offset * to_float(shift_right<4>(both)));
    }
  }
};

struct IQ4XS : LevelCodes<kBiasedIQ4Levels.data()> {
  static constexpr PackedForm kForm = kIQ4_XSForm;
  PJ_VEC static void heads(const std::byte* head, int /*n_blocks*/, int lane, float* scales,
                           float* /*offsets*/) {
    const F scale = load_f16(half_field(head, 0, lane));
    const I pairs = load_halves(half_field(head, 1, lane));
    const std::byte* const bytes = byte_field<IQ4XS>(head, kChunkBlocks, 0, lane);
    for (int group = 0; group < 8; ++group) {
      const I nibbles = load_bytes(bytes + kGroupRows * (group / 2));
      const I low = shift_right_each(nibbles, splat_int(group % 2 * 4)) & splat_int(15);
      const I high = shift_right_each(pairs, splat_int(2 * group)) & splat_int(3);
      const I field_value = (low | shift_left<4>(high)) - splat_int(32);
      store(scales + kGroupRows * group, scale * to_float(field_value));
    }
  }
};
