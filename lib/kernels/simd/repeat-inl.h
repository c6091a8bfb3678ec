// SPDX-License-Identifier: Apache-2.0
// A loop that is always unrolled, so that arrays indexed by its counter live in registers.
//
// Included inside a target region and the namespace of the instruction set, after vec-inl.h. The
// body gets the counter as a std::integral_constant.

#define PJ_BODY __attribute__((always_inline))

template <typename Body, int... kAt>
PJ_VEC void repeat_at(const Body& body, std::integer_sequence<int, kAt...>) {
  (body(std::integral_constant<int, kAt>{}), ...);
}

template <int kTimes, typename Body>
PJ_VEC void repeat(const Body& body) {
  repeat_at(body, std::make_integer_sequence<int, kTimes>{});
}
