// SPDX-License-Identifier: Apache-2.0
// Walks encoded blocks one after another. A type gives kElems, kBlockBytes and decode(block, x).

using Bytes = const std::uint8_t*;

PJ_VEC F f16_at(Bytes p) {
  std::uint16_t bits = 0;
  __builtin_memcpy(&bits, p, 2);
  return all<F>(f16_to_f32(bits));
}

template <typename Type>
void decode_each_block(const std::byte* in, std::int64_t n_rows, std::int64_t n_per_row,
                       float* rows) {
  const std::int64_t blocks = n_rows * (n_per_row / Type::kElems);
  Bytes block = reinterpret_cast<Bytes>(in);
  for (std::int64_t i = 0; i < blocks; ++i) {
    Type::decode(block, rows);
    block += Type::kBlockBytes;
    rows += Type::kElems;
  }
}
