// SPDX-License-Identifier: Apache-2.0
#include "text/bpe_words.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// Longer pieces are not reached by merging; it bounds the work of looking for their parts.
constexpr std::size_t kMaxMergedBytes = 256;

}  // namespace

BpeWords BpeWords::from_merges(const BpeModel& model) {
  BpeWords words;
  words.ids_ = model.ids;
  words.prefix_ = model.continuing_prefix;
  words.suffix_ = model.end_suffix;
  words.fuse_unknown_ = model.fuse_unknown;
  words.byte_fallback_ = model.byte_fallback;
  words.ignore_merges_ = model.ignore_merges;
  if (model.unknown_token) words.unknown_id_ = words.find(*model.unknown_token);
  words.merges_.reserve(model.merges.size());
  std::uint32_t rank = 0;
  std::string both;
  for (const BpeMerge& merge : model.merges) {
    const std::int32_t left = words.find(merge.left);
    const std::int32_t right = words.find(merge.right);
    both.assign(merge.left);
    both.append(merge.right, std::min(words.prefix_.size(), merge.right.size()));
    const std::int32_t merged = words.find(both);
    // The last of equal pairs counts, as where a map is filled in order.
    if (left != kNone && right != kNone && merged != kNone) {
      words.merges_.put(left, right, {.rank = rank, .id = merged});
    }
    ++rank;
  }
  words.index_bytes();
  words.index_mark();
  return words;
}

BpeWords BpeWords::from_scores(std::span<const SentencePiece> pieces, std::int32_t unknown_id) {
  BpeWords words;
  words.unknown_id_ = unknown_id;
  words.fuse_unknown_ = true;  // as the library prints a run of unknown characters
  words.fallback_ids_.fill(kNone);
  bool has_bytes = false;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const SentencePiece& piece = pieces[id];
    const bool takes_part = piece.type == PieceType::kNormal ||
                            piece.type == PieceType::kUserDefined || piece.type == PieceType::kByte;
    if (takes_part) words.ids_.try_emplace(piece.text, static_cast<std::int32_t>(id));
    has_bytes = has_bytes || piece.type == PieceType::kByte;
  }
  words.byte_fallback_ = has_bytes;
  words.first_virtual_ = static_cast<std::int32_t>(pieces.size());
  words.add_score_merges(pieces);
  words.index_bytes();
  words.index_mark();
  return words;
}

void BpeWords::add_score_merges(std::span<const SentencePiece> pieces) {
  std::vector<float> scores;
  for (const SentencePiece& piece : pieces) scores.push_back(piece.score);
  std::ranges::sort(scores, std::greater<>{});
  const auto repeated = std::ranges::unique(scores);
  scores.erase(repeated.begin(), repeated.end());
  // Equal scores are one rank: the place in the text decides between them.
  const auto rank_of = [&](float score) {
    return static_cast<std::uint32_t>(std::ranges::lower_bound(scores, score, std::greater<>{}) -
                                      scores.begin());
  };
  const auto find_part = [&](std::string_view part, bool is_char) -> std::int32_t {
    const auto found = ids_.find(part);
    if (found != ids_.end()) return found->second;
    if (!is_char) return kNone;
    const auto id = first_virtual_ + static_cast<std::int32_t>(virtual_texts_.size());
    virtual_texts_.emplace_back(part);
    ids_.emplace(part, id);
    return id;
  };
  for (std::size_t index = 0; index < pieces.size(); ++index) {
    const SentencePiece& piece = pieces[index];
    if (piece.type != PieceType::kNormal && piece.type != PieceType::kUserDefined) continue;
    const auto id = static_cast<std::int32_t>(index);
    if (piece.text.size() > kMaxMergedBytes || find(piece.text) != id) continue;
    const std::string_view text = piece.text;
    const std::size_t first = std::max<std::size_t>(code_point_at(text, 0).bytes, 1);
    std::size_t last = text.size();  // where the last character starts
    while (last > 0 && (static_cast<unsigned char>(text[--last]) & 0xc0U) == 0x80U) {
    }
    for (std::size_t cut = first; cut < text.size();) {
      const std::int32_t left = find_part(text.substr(0, cut), cut == first);
      const std::int32_t right = left == kNone ? kNone : find_part(text.substr(cut), cut == last);
      if (right != kNone) {
        merges_.put(left, right, {.rank = rank_of(piece.score), .id = id});
      }
      cut += std::max<std::size_t>(code_point_at(text, cut).bytes, 1);
    }
  }
}

BpeWords BpeWords::from_ranks(std::span<const std::string> pieces) {
  BpeWords words;
  words.raw_bytes_ = true;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    words.ids_.try_emplace(pieces[id], static_cast<std::int32_t>(id));
  }
  for (std::size_t index = 0; index < pieces.size(); ++index) {
    const std::string_view text = pieces[index];
    if (text.size() > kMaxMergedBytes) continue;
    const auto id = static_cast<std::int32_t>(index);
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      const std::int32_t left = words.find(text.substr(0, cut));
      const std::int32_t right = left == kNone ? kNone : words.find(text.substr(cut));
      if (right == kNone) continue;
      words.merges_.put(left, right, {.rank = static_cast<std::uint32_t>(id), .id = id});
    }
  }
  words.ignore_merges_ = true;
  words.index_bytes();
  return words;
}

void BpeWords::index_bytes() {
  has_all_bytes_ = true;
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string spelling(1, static_cast<char>(byte));
    if (byte < 128) ascii_ids_[byte] = find(spelling);
    if (!raw_bytes_) spelling = to_byte_level(spelling);
    byte_ids_[byte] = find(spelling);
    has_all_bytes_ = has_all_bytes_ && byte_ids_[byte] != kNone;
    fallback_ids_[byte] = find(fmt::format("<0x{:02X}>", byte));
  }
}

void BpeWords::index_mark() {
  mark_is_piece_ = find(kMetaspaceText) != kNone && prefix_.empty() && suffix_.empty();
  for (const auto& [token, id] : ids_) {
    char32_t previous = kMetaspacePoint;
    for (std::size_t offset = 0; offset < token.size();) {
      const CodePoint point = code_point_at(token, offset);
      if (point.value == kMetaspacePoint && previous != kMetaspacePoint)
        before_mark_.insert(previous);
      previous = point.value;
      offset += std::max<std::size_t>(point.bytes, 1);
    }
  }
}

std::int32_t BpeWords::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? kNone : found->second;
}

void BpeWords::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const std::int32_t whole = find(word); whole != kNone && whole < first_virtual_) {
      ids.push_back(whole);
      return;
    }
  }
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  append_symbols(word, symbols);
  merges_.apply(symbols);
  if (!virtual_texts_.empty()) replace_virtual(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void BpeWords::encode_bytes(std::string_view word, std::vector<std::int32_t>& ids) const {
  const bool is_simple = has_all_bytes_ && prefix_.empty() && suffix_.empty();
  if (!is_simple && !raw_bytes_) {
    encode(to_byte_level(word), ids);
    return;
  }
  if (ignore_merges_) {
    const std::int32_t whole = raw_bytes_ ? find(word) : find(to_byte_level(word));
    if (whole != kNone) {
      ids.push_back(whole);
      return;
    }
  }
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  for (const char byte : word) {
    const std::int32_t id = byte_ids_[static_cast<std::uint8_t>(byte)];
    if (id != kNone) symbols.push_back(id);
  }
  merges_.apply(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void BpeWords::append_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const {
  bool previous_is_unknown = false;
  const bool is_plain = prefix_.empty() && suffix_.empty();
  std::string piece;
  for (std::size_t offset = 0; offset < word.size();) {
    const auto first = static_cast<std::uint8_t>(word[offset]);
    if (is_plain && first < 128 && ascii_ids_[first] != kNone) {
      symbols.push_back(ascii_ids_[first]);
      previous_is_unknown = false;
      ++offset;
      continue;
    }
    const std::size_t bytes = std::max<std::size_t>(code_point_at(word, offset).bytes, 1);
    piece.assign(offset > 0 ? prefix_ : "");
    piece.append(word.substr(offset, bytes));
    offset += bytes;
    if (offset == word.size()) piece += suffix_;
    if (const std::int32_t id = find(piece); id != kNone) {
      symbols.push_back(id);
      previous_is_unknown = false;
    } else {
      append_unknown(piece, symbols, previous_is_unknown);
    }
  }
}

void BpeWords::append_unknown(std::string_view piece, std::vector<std::int32_t>& symbols,
                              bool& previous_is_unknown) const {
  if (byte_fallback_) {
    const std::size_t before = symbols.size();
    for (const char byte : piece) {
      const std::int32_t id = fallback_ids_[static_cast<std::uint8_t>(byte)];
      if (id != kNone) symbols.push_back(id);
    }
    if (symbols.size() - before == piece.size()) {
      previous_is_unknown = false;
      return;
    }
    symbols.resize(before);
  }
  if (unknown_id_ == kNone) return;
  if (!(fuse_unknown_ && previous_is_unknown)) symbols.push_back(unknown_id_);
  previous_is_unknown = true;
}

void BpeWords::replace_virtual(std::vector<std::int32_t>& symbols) const {
  if (std::ranges::none_of(symbols, [&](std::int32_t id) { return id >= first_virtual_; })) return;
  std::vector<std::int32_t> replaced;
  replaced.reserve(symbols.size());
  bool previous_is_unknown = false;
  for (const std::int32_t id : symbols) {
    if (id < first_virtual_) {
      replaced.push_back(id);
      previous_is_unknown = false;
    } else {
      append_unknown(virtual_texts_[static_cast<std::size_t>(id - first_virtual_)], replaced,
                     previous_is_unknown);
    }
  }
  symbols = std::move(replaced);
}

}  // namespace pajamas
