// SPDX-License-Identifier: Apache-2.0
// Names codecs in test output, so that a parameterized test is called after its type.
#pragma once

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "codecs/codec.h"

namespace pajamas {

// Found by GoogleTest through the type of its argument; the name is GoogleTest's.
inline void PrintTo(const Codec* codec, std::ostream* out) { *out << dtype_name(codec->dtype); }

namespace testing {

inline std::string codec_test_name(const ::testing::TestParamInfo<const Codec*>& param) {
  return std::string(dtype_name(param.param->dtype));
}

}  // namespace testing
}  // namespace pajamas
