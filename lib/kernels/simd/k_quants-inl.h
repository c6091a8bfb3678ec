// SPDX-License-Identifier: Apache-2.0
// The encoders of Q2_K, Q3_K, Q4_K, Q5_K and Q6_K for an instruction set's vectors.
//
// Included after its vec-inl.h and three types that say how many vectors a search runs side by
// side: AffineVec, SymmetricVec and RefineVec.
#include "kernels/simd/fit_affine-inl.h"
#include "kernels/simd/fit_symmetric-inl.h"
#include "kernels/simd/lane_blocks-inl.h"
#include "kernels/simd/super_weights-inl.h"
// These build on the above.
#include "kernels/simd/affine_groups-inl.h"
#include "kernels/simd/bit_pairs-inl.h"
#include "kernels/simd/symmetric_groups-inl.h"
// The types.
#include "kernels/simd/q2_k-inl.h"
#include "kernels/simd/q3_k-inl.h"
#include "kernels/simd/q4_k-inl.h"
#include "kernels/simd/q6_k-inl.h"
