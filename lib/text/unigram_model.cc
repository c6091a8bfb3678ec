// SPDX-License-Identifier: Apache-2.0
#include "text/unigram_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "text/metaspace.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace pajamas {
namespace {

constexpr double kUnknownPenalty = 10.0;  // SentencePiece's, below the lowest score
constexpr std::int32_t kUnknown = -1;
// Four times what a vocabulary of 250 thousand pieces needs.
constexpr std::size_t kMaxNodes = std::size_t{4} << 20;
constexpr std::size_t kMaxPieceBytes = 1024;  // what one place of a text may cost

// The best way to reach a place of the word.
struct Place {
  double score = 0;
  std::size_t start = std::numeric_limits<std::size_t>::max();  // of the last piece
  std::int32_t id = kUnknown;
};
constexpr std::size_t kNotReached = std::numeric_limits<std::size_t>::max();

void add_before_mark(std::string_view text, std::vector<char32_t>& before) {
  char32_t previous = kMetaspacePoint;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    if (point.value == kMetaspacePoint && previous != kMetaspacePoint) before.push_back(previous);
    previous = point.value;
    offset += std::max<std::size_t>(point.bytes, 1);
  }
}

// A number as the tokenizers library reads it: its JSON parser takes the digits as an integer and
// then scales, which is off by a rounding for many numbers of 17 digits. Sums of scores that would
// be equal are told apart by that.
double scaled_digits(double exact) {
  const std::string text = fmt::format("{}", std::abs(exact));
  std::uint64_t digits = 0;
  int exponent = 0;
  bool behind_point = false;
  std::size_t at = 0;
  for (; at < text.size() && text[at] != 'e'; ++at) {
    if (text[at] == '.') {
      behind_point = true;
      continue;
    }
    digits = digits * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (behind_point) --exponent;
  }
  if (at < text.size()) exponent += std::stoi(text.substr(at + 1));
  const double scale = std::pow(10.0, std::abs(exponent));
  const auto value = static_cast<double>(digits);
  return std::copysign(exponent < 0 ? value / scale : value * scale, exact);
}

}  // namespace

Result<UnigramModel> UnigramModel::create(std::span<const SentencePiece> pieces,
                                          std::int32_t unknown_id,
                                          std::span<const double> exact_scores) {
  PJ_CHECK(exact_scores.empty() || exact_scores.size() == pieces.size());
  UnigramModel model;
  model.unknown_id_ = unknown_id;
  const auto score_of = [&](std::size_t index) {
    return exact_scores.empty() ? static_cast<double>(pieces[index].score) : exact_scores[index];
  };
  double lowest = 0;
  double highest = std::numeric_limits<double>::lowest();
  for (std::size_t index = 0; index < pieces.size(); ++index) {
    if (pieces[index].type != PieceType::kNormal) continue;
    lowest = std::min(lowest, score_of(index));
    highest = std::max(highest, score_of(index));
  }
  model.unknown_score_ = lowest - kUnknownPenalty;
  model.byte_ids_.assign(256, kUnknown);
  for (std::size_t index = 0; index < pieces.size(); ++index) {
    const SentencePiece& piece = pieces[index];
    const auto id = static_cast<std::int32_t>(index);
    double score = score_of(index);
    if (piece.type == PieceType::kUserDefined) {
      score = static_cast<double>(piece.text.size()) * highest - 0.1;
    }
    model.scores_.push_back(score);
    if (piece.type == PieceType::kByte && is_byte_token(piece.text)) {
      model.byte_ids_[std::stoul(piece.text.substr(3, 2), nullptr, 16)] = id;
    }
    const bool takes_part =
        piece.type == PieceType::kNormal || piece.type == PieceType::kUserDefined;
    if (!takes_part || piece.text.empty()) continue;
    if (piece.text.size() > kMaxPieceBytes || model.trie_.node_count() > kMaxNodes) {
      return make_error(ErrorCode::kUnsupported,
                        "piece {} has {} bytes and {} came before; expected pieces of at most {} "
                        "bytes that need at most {} places of a tree",
                        id, piece.text.size(), model.trie_.node_count(), kMaxPieceBytes, kMaxNodes);
    }
    model.trie_.put(piece.text, id);
    model.mark_is_piece_ = model.mark_is_piece_ || piece.text == kMetaspaceText;
    add_before_mark(piece.text, model.before_mark_);
  }
  if (std::ranges::find(model.byte_ids_, kUnknown) != model.byte_ids_.end()) {
    model.byte_ids_.clear();
  }
  std::ranges::sort(model.before_mark_);
  const auto repeated = std::ranges::unique(model.before_mark_);
  model.before_mark_.erase(repeated.begin(), repeated.end());
  return model;
}

bool UnigramModel::can_cut_before_mark(char32_t before) const {
  return mark_is_piece_ && !std::ranges::binary_search(before_mark_, before);
}

void UnigramModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  std::vector<Place> places(word.size() + 1);
  places[0].start = 0;
  for (std::size_t start = 0; start < word.size();) {
    const std::size_t char_bytes = std::max<std::size_t>(code_point_at(word, start).bytes, 1);
    const double score_here = places[start].score;
    bool has_single = false;
    std::int32_t node = ByteTrie::kRoot;
    for (std::size_t end = start; end < word.size();) {
      node = trie_.walk(node, word[end]);
      if (node == ByteTrie::kNoNode) break;
      ++end;
      const std::int32_t id = trie_.value(node);
      if (id == ByteTrie::kNoValue) continue;
      const double score = score_here + scores_[static_cast<std::size_t>(id)];
      Place& place = places[end];
      if (place.start == kNotReached || score > place.score) place = {score, start, id};
      has_single = has_single || end - start == char_bytes;
    }
    if (!has_single) {
      const double score = score_here + unknown_score_;
      Place& place = places[start + char_bytes];
      if (place.start == kNotReached || score > place.score) place = {score, start, kUnknown};
    }
    start += char_bytes;
  }
  std::vector<std::pair<std::size_t, std::int32_t>> cuts;  // starts and ids, last first
  for (std::size_t end = word.size(); end > 0; end = places[end].start) {
    cuts.emplace_back(places[end].start, places[end].id);
  }
  std::ranges::reverse(cuts);
  for (std::size_t index = 0; index < cuts.size(); ++index) {
    if (cuts[index].second != kUnknown) {
      ids.push_back(cuts[index].second);
      continue;
    }
    const std::size_t begin = cuts[index].first;
    while (index + 1 < cuts.size() && cuts[index + 1].second == kUnknown) ++index;
    const std::size_t end = index + 1 < cuts.size() ? cuts[index + 1].first : word.size();
    append_unknown(word.substr(begin, end - begin), ids);
  }
}

void UnigramModel::append_unknown(std::string_view run, std::vector<std::int32_t>& ids) const {
  if (!byte_ids_.empty()) {
    for (const char byte : run) ids.push_back(byte_ids_[static_cast<std::uint8_t>(byte)]);
  } else if (unknown_id_ >= 0) {
    ids.push_back(unknown_id_);
  }
}

Result<UnigramPieces> parse_unigram_pieces(const Json& model) {
  const Json* vocabulary = find_member(model, "vocab");
  if (vocabulary == nullptr || !vocabulary->is_array() ||
      vocabulary->size() > static_cast<std::size_t>(kMaxTokens)) {
    return make_error(ErrorCode::kInvalidData,
                      "the Unigram model has no 'vocab' list of at most {} entries", kMaxTokens);
  }
  const bool byte_fallback = PJ_TRY(get_bool(model, "byte_fallback")).value_or(false);
  UnigramPieces result;
  std::vector<SentencePiece>& pieces = result.pieces;
  pieces.reserve(vocabulary->size());
  result.scores.reserve(vocabulary->size());
  for (const Json& entry : *vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return make_error(ErrorCode::kInvalidData,
                        "entry {} of the Unigram 'vocab' is no [piece, score] pair", pieces.size());
    }
    const auto score = entry[1].get<double>();
    if (!std::isfinite(score)) {
      return make_error(ErrorCode::kInvalidData, "piece {} has the score {}, expected a number",
                        pieces.size(), score);
    }
    SentencePiece piece{.text = entry[0].get<std::string>(), .score = static_cast<float>(score)};
    if (byte_fallback && is_byte_token(piece.text)) piece.type = PieceType::kByte;
    pieces.push_back(std::move(piece));
    const double scaled = scaled_digits(score);
    result.scores.push_back(std::isfinite(scaled) ? scaled : score);
  }
  return result;
}

}  // namespace pajamas
