// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/attention_scratch.h"
#include "kernels/kernel_parts.h"
#include "kernels/kv_page.h"

#include "kernels/target_avx2_begin.h"
namespace pajamas::avx2 {
namespace {
#include "kernels/avx2/vec-inl.h"
#include "kernels/simd/pair-inl.h"
// Builds on those.
#include "kernels/avx2/arithmetic-inl.h"
#include "kernels/avx2/pair_products-inl.h"
// And on those.
#include "kernels/simd/exp-inl.h"
// And on all of them.
#include "kernels/simd/attention-inl.h"
// The types of pages.
#include "kernels/simd/attention_floats-inl.h"
#include "kernels/simd/attention_q8-inl.h"
}  // namespace
}  // namespace pajamas::avx2
#include "kernels/target_x86_end.h"

namespace pajamas::avx2 {

void add_attention(KernelTable& table) {
  set_attend(table, KvType::kF32, attend_lanes<F32Page>);
  set_attend(table, KvType::kF16, attend_lanes<F16Page>);
  set_attend(table, KvType::kQ8_0, attend_lanes<Q8Page>);
}

}  // namespace pajamas::avx2
