// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "codecs/iq4/nonlinear_fit.h"
#include "codecs/mxfp4/mxfp4.h"
#include "kernels/kernel_parts.h"
#include "kernels/matmul.h"
#include "kernels/matmul/activation_block.h"
#include "kernels/matmul/packed_form.h"
#include "kernels/matmul_kernel.h"
#include "kernels/matmul_scratch.h"
#include "tensor/dtype.h"

#include "kernels/target_avx512bf16_begin.h"
namespace pajamas::avx512bf16 {
namespace {
#include "kernels/avx512/vec-inl.h"
#include "kernels/simd/repeat-inl.h"
// Builds on those.
#include "kernels/avx512/matmul_vec-inl.h"
// Its field moves only.
#include "kernels/simd/matmul_codes-inl.h"
// The loops, and what they do with the types.
#include "kernels/simd/matmul_loops-inl.h"
// After it.
#include "kernels/simd/matmul_mxfp8-inl.h"

// Two columns a word, on VDPBF16PS, which takes denormal numbers for zero.
struct E4M3AsBF16 {
  static constexpr ActivationForm kForm = ActivationForm::kBF16;
  static constexpr int kBlockRecords = 1;

  // 16-bit fields whose upper bytes are codes: their bits moved to those of a BF16, whose exponents
  // are 120 more. Codes of the lowest exponent become 2^-7 (1 + m / 8).
  PJ_VEC static __m512i normal(__m512i fields) {
    const __m512i bits = _mm512_and_si512(_mm512_srai_epi16(fields, 4),
                                          _mm512_set1_epi16(static_cast<short>(0x87f0)));
    return _mm512_add_epi16(bits, _mm512_set1_epi16(120 << 7));
  }
  // The BF16 of m * 2^-9 in the fields of `mask`, for codes of exponent 0 and mantissa m.
  PJ_VEC static __m512i with_denormals(__m512i bf16, __mmask32 mask, __m512i fields) {
    const __m512i levels = _mm512_zextsi128_si512(
        _mm_setr_epi16(0, 0x3b00, 0x3b80, 0x3bc0, 0x3c00, 0x3c20, 0x3c40, 0x3c60));
    const __m512i index = _mm512_and_si512(_mm512_srli_epi16(fields, 8), _mm512_set1_epi16(7));
    const __m512i sign = _mm512_and_si512(fields, _mm512_set1_epi16(static_cast<short>(0x8000)));
    const __m512i values = _mm512_or_si512(_mm512_permutexvar_epi16(index, levels), sign);
    return _mm512_mask_mov_epi16(bf16, mask, values);
  }

  PJ_VEC static F add_pair(F sum, __m512i weights, const std::int32_t* x) {
    // Written out, as compilers differ in the type of the intrinsic's operands.
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum.v) : "v"(weights), "m"(*x));
    return sum;
  }

  template <int kTokens>
  PJ_VEC static void add(I words, const std::int32_t* x, F (&sums)[kTokens]) {
    const __m512i even = _mm512_slli_epi16(words.v, 8);
    __m512i first = normal(even);
    __m512i second = normal(words.v);
    // Rare in weights whose scale was fitted to them.
    if (_mm512_testn_epi8_mask(words.v, _mm512_set1_epi8(0x78)) != 0) [[unlikely]] {
      const __m512i exponent = _mm512_set1_epi16(0x7800);
      first = with_denormals(first, _mm512_testn_epi16_mask(even, exponent), even);
      second = with_denormals(second, _mm512_testn_epi16_mask(words.v, exponent), words.v);
    }
    repeat<kTokens>([&](auto token)
                        PJ_BODY { sums[token] = add_pair(sums[token], first, x + token); });
    repeat<kTokens>([&](auto token) PJ_BODY {
      sums[token] = add_pair(sums[token], second, x + kTokens + token);
    });
  }
};
}  // namespace
}  // namespace pajamas::avx512bf16
#include "kernels/target_x86_end.h"

namespace pajamas::avx512bf16 {

void add_mlx_matmul(KernelTable& table) {
  set_matmul(table, {{MlxMode::kMxfp8, 8, 32}, DType::kBF16}, kMxfp8Kernel<E4M3AsBF16>);
}

}  // namespace pajamas::avx512bf16
