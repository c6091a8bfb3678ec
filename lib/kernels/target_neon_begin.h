// SPDX-License-Identifier: Apache-2.0
// Begins a region of NEON code. Every AArch64 processor has NEON, so no target is needed.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // lane arithmetic is int and float by construction
