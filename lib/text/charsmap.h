// SPDX-License-Identifier: Apache-2.0
// The table by which a SentencePiece model normalizes text: strings and what stands for them.
//
// Owns its table; read-only after parsing. A table that points outside itself is an error where it
// can be seen at once, and a string without a replacement where it cannot.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pajamas {

class Charsmap {
 public:
  static Result<Charsmap> parse(std::span<const std::uint8_t> bytes);
  // The same from base64, as tokenizer.json has it.
  static Result<Charsmap> parse_base64(std::string_view text);

  // As the SentencePiece library does it: the longest string of the table at each place.
  [[nodiscard]] std::string run_longest(std::string_view text) const;
  // As the tokenizers library does it: cluster by cluster (what a reader sees as one character),
  // short ones whole by the shortest string they begin with, others character by character.
  [[nodiscard]] std::string run_clusters(std::string_view text) const;

 private:
  struct Match {
    std::size_t bytes = 0;  // 0: none
    std::string_view replacement{};
  };
  enum class Pick { kShortest, kLongest };
  [[nodiscard]] Match match(std::string_view text, Pick pick) const;
  void append_cluster(std::string_view cluster, std::string& result) const;

  std::vector<std::uint32_t> units_;  // a double array, as Darts lays it out
  std::string replacements_;          // each ends with a zero byte
};

}  // namespace pajamas
