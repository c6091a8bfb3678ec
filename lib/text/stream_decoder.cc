// SPDX-License-Identifier: Apache-2.0
#include "text/stream_decoder.h"

#include <utility>

#include "text/utf8.h"

namespace pajamas {

std::string StreamDecoder::push(std::int32_t id) {
  if (options_.skip_special && tokenizer_->is_control(id)) return "";
  std::string_view token = tokenizer_->piece(id);
  if (token.empty()) return "";
  if (is_first_ && tokenizer_->drops_first_space() && token.starts_with(' ')) {
    token.remove_prefix(1);
  }
  is_first_ = false;
  pending_ += token;
  std::string text;
  std::size_t offset = 0;
  while (offset < pending_.size()) {
    const CodePoint point = code_point_at(pending_, offset);
    if (point.bytes != 0) {
      text.append(pending_, offset, point.bytes);
      offset += point.bytes;
      continue;
    }
    const BrokenSequence broken = broken_sequence_at(pending_, offset);
    if (broken.may_continue) break;
    append_utf8(text, 0xfffd);
    offset += broken.bytes;
  }
  pending_.erase(0, offset);
  return text;
}

std::string StreamDecoder::flush() {
  is_first_ = true;
  return replace_invalid_utf8(std::exchange(pending_, {}));
}

}  // namespace pajamas
