// SPDX-License-Identifier: Apache-2.0
// MLX's types: affine of every width, and the floating-point modes, whose codes become integers.
//
// Included inside a target region and the namespace of the instruction set, after
// matmul_tile-inl.h. A group of an affine type is one, two or four blocks of columns, and its
// scale and bias may be BF16, F16 or F32: known at run time, once for every chunk, so that one
// kernel serves all of a width. The order of sums is that of matmul_tile-inl.h, but the offset of a
// group comes once, after its blocks, times the sum of all its activations.

// kLanes scales or biases; those of F32 lie in two fields of 16 bits, `fields` apart.
PJ_VEC F load_params(const std::byte* head, int index, int fields, int lane, DType dtype) {
  const std::byte* const at = half_field(head, index, lane);
  if (dtype == DType::kBF16) return from_bits(shift_left<16>(load_halves(at)));
  if (dtype == DType::kF16) return load_f16(at);
  return from_bits(load_halves(at) | shift_left<16>(load_halves(half_field(at, fields, 0))));
}

// Unsigned codes as affine types have them. Bytes pass the limit of VPMADDUBSW: without VNNI they
// are signed and centred, and the offset makes up for it.
template <int kBits>
struct MlxAffine {
  static constexpr bool kIsCentred = kBits == 8 && !kStartsBiased;
  static constexpr bool kAffine = !kIsCentred;
  static constexpr bool kOffsetsOfChunk = true;  // not by add_block()
  static constexpr int kGroupCols = 32;
  static constexpr Plane kPlane = mlx_affine_plane(kBits);
  static constexpr int kBlockBytes = plane_vectors(kPlane) * kVectorBytes;

  template <int kAt>
  PJ_VEC static I codes(const std::byte* planes, int block) {
    const std::byte* const at = planes + block * kBlockBytes;
    if constexpr (kBits == 2) return field<2, 0, kAt>(at);
    if constexpr (kBits == 3) return field<2, 0, kAt>(at) | field<1, 2, kAt>(at + kPairBytes);
    if constexpr (kBits == 4) return field<4, 0, kAt>(at);
    if constexpr (kBits == 5) return field<4, 0, kAt>(at) | field<1, 4, kAt>(at + kNibbleBytes);
    if constexpr (kBits == 6) return field<4, 0, kAt>(at) | field<2, 4, kAt>(at + kNibbleBytes);
    if constexpr (kBits == 8) return load_int(at + kAt * kVectorBytes);
  }
};

// A group's offset times the sum of its blocks' activations, kStride words apart.
template <int kBlocks, int kTokens, int kStride>
PJ_VEC void add_group_offset(F offset, const std::int32_t* sums_of_blocks, F (&sums)[kTokens]) {
  repeat<kTokens>([&](auto token) PJ_BODY {
    F sum = from_bits(broadcast(sums_of_blocks + token));
    repeat<kBlocks - 1>([&](auto block) PJ_BODY {
      sum = sum + from_bits(broadcast(sums_of_blocks + (block + 1) * kStride * kTokens + token));
    });
    sums[token] = fma(sum, offset, sums[token]);
  });
}

// The scales and offsets of a chunk's groups, kGroupRows floats a group.
template <typename Type>
PJ_VEC void load_heads(const std::byte* chunk, DType dtype, int n_groups, int lane, float* scales,
                       float* offsets) {
  const int fields = dtype == DType::kF32 ? 2 * n_groups : n_groups;
  for (int group = 0; group < n_groups; ++group) {
    const F scale = load_params(chunk, group, n_groups, lane, dtype);
    F offset = load_params(chunk, fields + group, n_groups, lane, dtype);
    if constexpr (Type::kIsCentred) offset = fma(scale, splat_float(128.0F), offset);
    store(scales + kGroupRows * group, scale);
    store(offsets + kGroupRows * group, offset);
  }
}

template <int kBits>
struct MlxAffineWork {
  using Type = MlxAffine<kBits>;
  static constexpr int kKeptWords = kBaseWord + 1;
  static constexpr int kExtraWords = 1;
  static constexpr int kFirstExtraWord = kSumWord;

  static std::uint64_t group_bytes(WeightType type, std::int64_t cols) {
    return packed_group_bytes(type, cols);
  }

  // The blocks of a group are known when this is compiled: the sums stay in registers.
  template <int kBlocks, int kTokens, int kExtra, int kStride>
  PJ_VEC static void add_groups(const std::byte* group, const PackedForm& form, DType dtype,
                                std::int64_t first, int count, int lane, const std::int32_t* x,
                                F (&sums)[kTokens]) {
    alignas(64) float scales[kChunkBlocks * kGroupRows];
    alignas(64) float offsets[kChunkBlocks * kGroupRows];
    const std::byte* chunk = group + first / kChunkBlocks * form.chunk_bytes(kChunkBlocks);
    for (int done = 0; done < count; done += kChunkBlocks) {
      const int n_blocks = std::min(kChunkBlocks, count - done);
      const int n_groups = n_blocks / kBlocks;
      load_heads<Type>(chunk, dtype, n_groups, lane, scales + lane, offsets + lane);
      const std::byte* const planes = chunk + form.head_bytes(n_blocks) + 4 * lane;
      if constexpr (kTokens == 1) fetch_ahead<kVectorBytes * kChunkBlocks / kBlocks>(chunk);
      for (int at = 0; at < n_groups; ++at) {
        for (int block = 0; block < kBlocks; ++block) {
          if constexpr (kTokens == 1) {
            constexpr int kBytes = kBits * kVectorBytes;
            fetch_ahead<kBytes>(planes + (kBlocks * at + block) * kBytes);
          }
          add_block<Type, kTokens, kExtra>(planes, kBlocks * at + block,
                                           scales + lane + kGroupRows * at, nullptr,
                                           x + block * kStride * kTokens, sums);
        }
        add_group_offset<kBlocks, kTokens, kStride>(load(offsets + lane + kGroupRows * at),
                                                    x + kExtra * kTokens, sums);
        x += kBlocks * kStride * kTokens;
      }
      chunk += form.chunk_bytes(n_blocks);
    }
  }

  template <int kTokens, int kExtra, int kStride>
  PJ_VEC static void add_records(const std::byte* group, WeightType type, std::int64_t first,
                                 int count, int lane, const std::int32_t* x, F (&sums)[kTokens]) {
    const int group_size = type.quantization().group_size;
    const PackedForm form = mlx_affine_form(kBits, group_size, type.dtype());
    const DType dtype = type.dtype();
    if (group_size == 32) {
      add_groups<1, kTokens, kExtra, kStride>(group, form, dtype, first, count, lane, x, sums);
    } else if (group_size == 64) {
      add_groups<2, kTokens, kExtra, kStride>(group, form, dtype, first, count, lane, x, sums);
    } else {
      add_groups<4, kTokens, kExtra, kStride>(group, form, dtype, first, count, lane, x, sums);
    }
  }

  template <int kTokens>
  PJ_VEC static void add_tile(const std::byte* group, WeightType type, std::int64_t first,
                              int count, int lane, const std::int32_t* x, F (&sums)[kTokens]) {
    add_records<kTokens, kKeptWords, kKeptWords + kExtraWords>(group, type, first, count, lane, x,
                                                               sums);
  }
  PJ_VEC static void add_one(const std::byte* group, WeightType type, int count, int lane,
                             const std::int32_t* x, F (&sums)[1]) {
    add_records<1, kFirstExtraWord, kRecordWords>(group, type, 0, count, lane, x, sums);
  }
};

template <int kBits>
constexpr MatmulKernel kMlxAffineKernel{.form = ActivationForm::kQ8,
                                        .group_bytes = packed_group_bytes,
                                        .pack_group = pack_group,
                                        .multiply = multiply<MlxAffineWork<kBits>>,
                                        .unpack_row = unpack_row};

// E8M0 bytes as powers of two, 2^(byte - 127 + kShift) for kShift 0 or -1; infinity for 255.
template <int kShift>
PJ_VEC F load_powers(const std::byte* p) {
  static_assert(kShift == 0 || kShift == -1);
  const I byte = load_bytes(p);
  const I exponent = byte + splat_int(kShift);
  // Denormal: 2^-127 for a field of 0, 2^-128 below.
  const I small = select(exponent == splat_int(-1), splat_int(0x00200000), splat_int(0x00400000));
  const I finite = select(exponent > splat_int(0), shift_left<23>(exponent), small);
  return from_bits(select(byte == splat_int(255), splat_int(0x7f800000), finite));
}

// The levels are twice those of E2M1, to be integers.
struct MlxMxfp4 : LevelCodes<kBiasedMXFP4Levels.data()> {
  static constexpr PackedForm kForm = kMlxMxfp4Form;
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* /*offsets*/) {
    for (int block = 0; block < n_blocks; ++block) {
      store(scales + kGroupRows * block,
            load_powers<-1>(byte_field<MlxMxfp4>(head, n_blocks, block, lane)));
    }
  }
};

// Packing made the codes signed bytes under a power of two: kernels/matmul/mxfp8_block.h.
struct MlxMxfp8 : Q80 {
  static constexpr PackedForm kForm = kMlxMxfp8Form;
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* /*offsets*/) {
    for (int block = 0; block < n_blocks; ++block) {
      store(scales + kGroupRows * block,
            load_powers<0>(byte_field<MlxMxfp8>(head, n_blocks, block, lane)));
    }
  }
};

struct MlxNvfp4 : LevelCodes<kBiasedMXFP4Levels.data()> {
  static constexpr PackedForm kForm = kMlxNvfp4Form;
  static constexpr int kGroupCols = 16;
  PJ_VEC static void heads(const std::byte* head, int n_blocks, int lane, float* scales,
                           float* /*offsets*/) {
    for (int group = 0; group < 2 * n_blocks; ++group) {
      store(scales + kGroupRows * group,
            load_e4m3(byte_field<MlxNvfp4>(head, n_blocks, group, lane)) * splat_float(0.5F));
    }
  }
};
