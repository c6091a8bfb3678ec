// SPDX-License-Identifier: Apache-2.0
// What sampling needs to know of a vocabulary: the bytes of each token and which tokens end a text.
//
// A view: whoever makes it keeps the pieces alive for as long as what was created from it says.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace pajamas {

struct VocabularyView {
  // By token id, the bytes that the token adds to the text. A piece may be part of a UTF-8
  // sequence. Control tokens have an empty piece.
  std::span<const std::string> pieces{};
  std::span<const std::int32_t> end_of_generation{};  // ids
};

}  // namespace pajamas
