// SPDX-License-Identifier: Apache-2.0
#include "text/word_piece_model.h"

#include <algorithm>

namespace pajamas {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

}  // namespace

void WordPieceModel::encode(std::string_view word, std::vector<std::int32_t>& out) const {
  const std::size_t before = out.size();
  const auto give_up = [&] {
    out.resize(before);
    if (unknown_id >= 0) out.push_back(unknown_id);
  };
  const auto chars = static_cast<std::size_t>(
      std::ranges::count_if(word, [](char byte) { return !is_continuation(byte); }));
  if (chars > max_word_chars) return give_up();
  std::string piece;
  for (std::size_t start = 0; start < word.size();) {
    std::size_t end = word.size();
    auto found = ids.end();
    while (end > start) {
      piece.assign(start > 0 ? continuing_prefix : "");
      piece.append(word.substr(start, end - start));
      found = ids.find(piece);
      if (found != ids.end()) break;
      --end;
      while (end > start && is_continuation(word[end])) --end;
    }
    if (found == ids.end()) return give_up();
    out.push_back(found->second);
    start = end;
  }
}

}  // namespace pajamas
