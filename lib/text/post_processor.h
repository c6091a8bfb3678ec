// SPDX-License-Identifier: Apache-2.0
// The "post_processor" of a tokenizer.json, as far as one text is concerned: the ids it puts before
// and behind. Pure function; what is not understood puts nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"

namespace pajamas {

struct TextSurroundings {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
};

TextSurroundings read_post_processor(const Json& processor);

}  // namespace pajamas
