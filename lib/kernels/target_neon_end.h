// SPDX-License-Identifier: Apache-2.0
// Ends the region that target_neon_begin.h began.
#pragma GCC diagnostic pop
