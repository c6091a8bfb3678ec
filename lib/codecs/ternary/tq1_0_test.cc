// SPDX-License-Identifier: Apache-2.0
#include "codecs/ternary/tq1_0.h"

#include <gtest/gtest.h>

#include <array>

#include "codecs/ternary/tq2_0.h"

namespace pajamas {
namespace {

// The digits of `number` in the five places of every byte.
std::array<float, 256> trits_of(unsigned number) {
  std::array<float, 256> row{};
  std::array<float, 5> digits{};
  for (std::size_t place = 5; place-- > 0; number /= 3) {
    digits[place] = static_cast<float>(static_cast<int>(number % 3) - 1);
  }
  for (std::size_t elem = 0; elem < 160; ++elem) row[elem] = digits[elem / 32];
  for (std::size_t elem = 160; elem < 240; ++elem) row[elem] = digits[(elem - 160) / 16];
  for (std::size_t elem = 240; elem < 256; ++elem) row[elem] = digits[(elem - 240) / 4];
  return row;
}

TEST(TernaryCodecs, EveryCombinationOfFiveTritsComesBack) {
  for (const Codec* codec : {&kTQ1_0Codec, &kTQ2_0Codec}) {
    for (unsigned number = 0; number < 243; ++number) {
      const auto row = trits_of(number);
      std::array<std::byte, sizeof(TQ2_0Block)> storage{};
      const auto bytes = std::span(storage).first(row_bytes(codec->dtype, 256));
      codec->encode_row(row, {}, bytes);
      std::array<float, 256> back{};
      codec->decode_row(bytes, back);
      ASSERT_EQ(back, row) << number;
    }
  }
}

}  // namespace
}  // namespace pajamas
