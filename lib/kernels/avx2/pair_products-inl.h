// SPDX-License-Identifier: Apache-2.0
// sum + the products of a lane's two signed halves.
PJ_VEC I add_pair_products(I sum, I a, I b) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, b.v))};
}
