// SPDX-License-Identifier: Apache-2.0
// exp and tanh, lane by lane. Errors against the exact value, tested in vector_ops_test.cc: exp
// below 2 ulp wherever the result is normal; tanh below 4 ulp.
//
// exp(x) = 2^n * exp(r) for n = round(x / ln 2), |r| <= ln(2) / 2, and exp(r) = 1 + r + r^2 * q(r).
// q is the minimax polynomial of degree 4 for the relative error of exp (3.1e-9, Lawson's
// iteration on 2000 Chebyshev points).

struct ReducedExp {
  F n;
  F minus_one;  // exp(r) - 1
};

PJ_VEC ReducedExp reduce_exp(F x) {
  const F n = round_even(x * all<F>(1.44269504F));
  F r = fma(n, all<F>(-0.693359375F), x);  // ln 2 in two parts, the first exact in 9 bits
  r = fma(n, all<F>(2.12194440e-4F), r);
  F q = all<F>(0.0013814539415761828F);
  q = fma(q, r, all<F>(0.00836874544620514F));
  q = fma(q, r, all<F>(0.04166838899254799F));
  q = fma(q, r, all<F>(0.1666652113199234F));
  q = fma(q, r, all<F>(0.4999999403953552F));
  return {n, fma(q, r * r, r)};
}

// The limits keep n small; beyond them the result is 0 or infinity anyhow. NaN stays NaN.
PJ_VEC F exp_of(F x) {
  const ReducedExp e = reduce_exp(max_of(all<F>(-104.0F), min_of(all<F>(89.0F), x)));
  return times_power_of_two(e.minus_one + all<F>(1.0F), e.n);
}

// e / (e + 2) for e = exp(2x) - 1, which keeps the digits of a small x.
PJ_VEC F tanh_of(F x) {
  const F limited = max_of(all<F>(-10.0F), min_of(all<F>(10.0F), x));
  const ReducedExp e = reduce_exp(limited + limited);
  const F power = times_power_of_two(all<F>(1.0F), e.n);
  const F minus_one = fma(power, e.minus_one, power - all<F>(1.0F));
  return minus_one / (minus_one + all<F>(2.0F));
}
