// SPDX-License-Identifier: Apache-2.0
// Ends the region that target_avx2_begin.h or target_avx512_begin.h began.
#pragma GCC diagnostic pop
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
