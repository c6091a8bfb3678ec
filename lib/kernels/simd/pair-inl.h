// SPDX-License-Identifier: Apache-2.0
// Two vectors that act as one with twice the lanes.
//
// The searches are chains of sequential sums; two independent chains side by side hide the latency
// of the additions. An algorithm written over a vector type V takes F, Pair<F> or Pair<Pair<F>>.
// Included after an instruction set's vec-inl.h, in the same region and namespace.

template <typename T>
struct PairBase {
  T a;
  T b;
};
template <typename T>
struct Pair : PairBase<T> {};
template <typename T>
  requires requires { typename T::Mask; }
struct Pair<T> : PairBase<T> {
  using Mask = Pair<typename T::Mask>;
  using Int = Pair<typename T::Int>;
};

// How many vectors act as one.
template <typename V>
constexpr int kPartsOf = 1;
template <typename T>
constexpr int kPartsOf<Pair<T>> = 2 * kPartsOf<T>;

// A vector of one value in all lanes.
template <typename T>
PJ_VEC Pair<T> splat(Pair<T>*, auto x) {
  const T one = splat(static_cast<T*>(nullptr), x);
  return {{one, one}};
}
template <typename V>
PJ_VEC V all(auto x) {
  return splat(static_cast<V*>(nullptr), x);
}

template <typename T>
PJ_VEC auto pair_of(T a, T b) {
  return Pair<T>{{a, b}};
}

template <typename T>
PJ_VEC Pair<T> operator+(Pair<T> x, Pair<T> y) {
  return {{x.a + y.a, x.b + y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator-(Pair<T> x, Pair<T> y) {
  return {{x.a - y.a, x.b - y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator*(Pair<T> x, Pair<T> y) {
  return {{x.a * y.a, x.b * y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator/(Pair<T> x, Pair<T> y) {
  return {{x.a / y.a, x.b / y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator&(Pair<T> x, Pair<T> y) {
  return {{x.a & y.a, x.b & y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator|(Pair<T> x, Pair<T> y) {
  return {{x.a | y.a, x.b | y.b}};
}
template <typename T>
PJ_VEC Pair<T> operator~(Pair<T> x) {
  return {{~x.a, ~x.b}};
}
template <typename T>
PJ_VEC auto operator<(Pair<T> x, Pair<T> y) {
  return pair_of(x.a < y.a, x.b < y.b);
}
template <typename T>
PJ_VEC auto operator>(Pair<T> x, Pair<T> y) {
  return pair_of(x.a > y.a, x.b > y.b);
}
template <typename T>
PJ_VEC auto operator==(Pair<T> x, Pair<T> y) {
  return pair_of(x.a == y.a, x.b == y.b);
}
template <typename T>
PJ_VEC auto operator!=(Pair<T> x, Pair<T> y) {
  return pair_of(x.a != y.a, x.b != y.b);
}
template <typename T>
PJ_VEC Pair<T> min_of(Pair<T> x, Pair<T> y) {
  return {{min_of(x.a, y.a), min_of(x.b, y.b)}};
}
template <typename T>
PJ_VEC Pair<T> max_of(Pair<T> x, Pair<T> y) {
  return {{max_of(x.a, y.a), max_of(x.b, y.b)}};
}
template <typename T>
PJ_VEC Pair<T> min_of_unsigned(Pair<T> x, Pair<T> y) {
  return {{min_of_unsigned(x.a, y.a), min_of_unsigned(x.b, y.b)}};
}
template <typename T>
PJ_VEC Pair<T> abs_of(Pair<T> x) {
  return {{abs_of(x.a), abs_of(x.b)}};
}
template <typename T>
PJ_VEC Pair<T> square_root(Pair<T> x) {
  return {{square_root(x.a), square_root(x.b)}};
}
template <typename T>
PJ_VEC Pair<T> round_even(Pair<T> x) {
  return {{round_even(x.a), round_even(x.b)}};
}
template <typename T>
PJ_VEC void compute_now(Pair<T>& x) {
  compute_now(x.a);
  compute_now(x.b);
}
template <typename T>
PJ_VEC bool any(Pair<T> x) {
  return any(x.a | x.b);
}
template <typename T>
PJ_VEC auto no_lanes(Pair<T>*) {
  const auto none = no_lanes(static_cast<T*>(nullptr));
  return pair_of(none, none);
}
template <typename TM, typename T>
PJ_VEC Pair<T> select(Pair<TM> mask, Pair<T> yes, Pair<T> no) {
  return {{select(mask.a, yes.a, no.a), select(mask.b, yes.b, no.b)}};
}
template <typename T>
PJ_VEC auto to_float(Pair<T> x) {
  return pair_of(to_float(x.a), to_float(x.b));
}
template <typename T>
PJ_VEC auto bits_of(Pair<T> x) {
  return pair_of(bits_of(x.a), bits_of(x.b));
}
template <typename T>
PJ_VEC auto from_bits(Pair<T> x) {
  return pair_of(from_bits(x.a), from_bits(x.b));
}

// Nearest integer, ties to even, as codecs/rounding.h defines it for every float.
template <typename V>
PJ_VEC auto nearest_int(V x) {
  using I32 = typename V::Int;
  return (bits_of(x + all<V>(12582912.0F)) & all<I32>(0x7fffff)) - all<I32>(0x400000);
}

// The same, kept between low and high, as a float.
template <typename V>
PJ_VEC V nearest_clamped(V x, int low, int high) {
  using I32 = typename V::Int;
  return to_float(min_of(max_of(nearest_int(x), all<I32>(low)), all<I32>(high)));
}

// The same for lanes that are known to be below 2^22 in magnitude: cheaper. The limits are compared
// as bits, in the integer units, since the multiplications of a search fill the others: the bits of
// floats above zero are ordered like their values, those below zero the other way round. Lanes of
// NaN give anything.
constexpr int kNoLimit = std::numeric_limits<int>::min();  // for kLow
template <int kLow, int kHigh, typename V>
PJ_VEC V nearest_clamped_small(V x) {
  static_assert(kLow <= 0 && kHigh > 0);
  using I32 = typename V::Int;
  constexpr int kLowBits = __builtin_bit_cast(std::int32_t, static_cast<float>(kLow));
  constexpr int kHighBits = __builtin_bit_cast(std::int32_t, static_cast<float>(kHigh));
  const I32 level = min_of(bits_of(round_even(x)), all<I32>(kHighBits));
  if constexpr (kLow == kNoLimit) return from_bits(level);
  if constexpr (kLow == 0) return from_bits(max_of(level, all<I32>(0)));
  return from_bits(min_of_unsigned(level, all<I32>(kLowBits)));
}

// Loads the vectors of as many neighbouring groups as V has parts. `stride`: floats between groups.
PJ_VEC F load_parts(F*, const float* p, int) { return load(p); }
template <typename T>
PJ_VEC Pair<T> load_parts(Pair<T>*, const float* p, int stride) {
  T* tag = nullptr;
  return {{load_parts(tag, p, stride), load_parts(tag, p + kPartsOf<T> * stride, stride)}};
}
PJ_VEC void store_parts(float* p, int, F x) { store(p, x); }
template <typename T>
PJ_VEC void store_parts(float* p, int stride, Pair<T> x) {
  store_parts(p, stride, x.a);
  store_parts(p + kPartsOf<T> * stride, stride, x.b);
}

// The lanes (of one F) for which any part's mask is set.
PJ_VEC unsigned any_lane_bits(M mask) { return lane_bits(mask); }
template <typename T>
PJ_VEC unsigned any_lane_bits(Pair<T> mask) {
  return any_lane_bits(mask.a) | any_lane_bits(mask.b);
}

// The same vector in every part.
PJ_VEC F repeat_parts(F*, F x) { return x; }
template <typename T>
PJ_VEC Pair<T> repeat_parts(Pair<T>*, F x) {
  const T part = repeat_parts(static_cast<T*>(nullptr), x);
  return {{part, part}};
}

PJ_VEC I sign_extend_byte(I x) { return shift_right_signed<24>(shift_left<24>(x)); }
