// SPDX-License-Identifier: Apache-2.0
#include "text/bpe_encoder.h"

#include <algorithm>
#include <queue>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "text/utf8.h"

namespace pajamas {
namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

// A merge that may be done; stale when its neighbours have merged since.
struct Candidate {
  std::uint32_t rank;
  std::uint32_t position;
  std::int32_t left;
  std::int32_t right;
  std::int32_t merged;
};

struct WorseCandidate {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }
};

// Symbols as a doubly linked list inside an array; a removed one has no id.
struct Symbol {
  std::int32_t id;
  std::int32_t previous;
  std::int32_t next;
};
constexpr std::int32_t kNone = -1;

}  // namespace

Result<BpeEncoder> BpeEncoder::create(const BpeModel& model, const AddedTokens& added,
                                      const BpePipeline& pipeline) {
  BpeEncoder encoder(model);
  const Status status = encoder.set_pipeline(added, pipeline);
  if (!status) return std::unexpected(status.error());
  encoder.index_merges();
  return encoder;
}

Status BpeEncoder::set_pipeline(const AddedTokens& added, const BpePipeline& pipeline) {
  Normalizer normalizer = PJ_TRY(Normalizer::from_json(pipeline.normalizer));
  PreTokenizer pre_tokenizer = PJ_TRY(PreTokenizer::from_json(pipeline.pre_tokenizer));
  AddedTokenMatcher raw_tokens;
  AddedTokenMatcher normalized_tokens;
  for (const auto& [id, token] : added) {
    if (!token.normalized) {
      raw_tokens.add(token);
      continue;
    }
    AddedToken normalized = token;
    normalized.text = PJ_TRY(normalizer.run(token.text));
    normalized_tokens.add(normalized);
  }
  raw_tokens.finish();
  normalized_tokens.finish();
  normalizer_ = std::move(normalizer);
  pre_tokenizer_ = std::move(pre_tokenizer);
  raw_tokens_ = std::move(raw_tokens);
  normalized_tokens_ = std::move(normalized_tokens);
  ignore_merges_ = pipeline.ignore_merges.value_or(model_->ignore_merges);
  return {};
}

void BpeEncoder::index_merges() {
  merges_.reserve(model_->merges.size());
  const std::size_t prefix = model_->continuing_prefix.size();
  std::uint32_t rank = 0;
  for (const BpeMerge& merge : model_->merges) {
    const std::optional<std::int32_t> left = model_->find(merge.left);
    const std::optional<std::int32_t> right = model_->find(merge.right);
    const std::optional<std::int32_t> both =
        model_->find(merge.left + merge.right.substr(std::min(prefix, merge.right.size())));
    // The last of equal pairs counts, as where a map is filled in order.
    if (left && right && both) {
      merges_.insert_or_assign(pair_key(*left, *right), Merged{.rank = rank, .id = *both});
    }
    ++rank;
  }
}

Result<std::vector<std::int32_t>> BpeEncoder::encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes || !is_valid_utf8(text)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a text of {} bytes, expected valid UTF-8 of at most {}", text.size(),
                      kMaxTextBytes);
  }
  std::vector<std::int32_t> ids;
  bool is_start = true;
  for (const AddedTokenMatcher::Part& raw : raw_tokens_.split(text)) {
    if (raw.id != AddedTokenMatcher::kText) {
      ids.push_back(static_cast<std::int32_t>(raw.id));
    } else {
      const std::string normalized = PJ_TRY(normalizer_.run(raw.text));
      bool part_is_start = is_start;
      for (const AddedTokenMatcher::Part& part : normalized_tokens_.split(normalized)) {
        if (part.id != AddedTokenMatcher::kText) {
          ids.push_back(static_cast<std::int32_t>(part.id));
        } else {
          const Status status = encode_text(part.text, part_is_start, ids);
          if (!status) return std::unexpected(status.error());
        }
        part_is_start = false;
      }
    }
    is_start = false;
  }
  return ids;
}

Status BpeEncoder::encode_text(std::string_view text, bool is_start,
                               std::vector<std::int32_t>& ids) const {
  const std::vector<std::string> words = PJ_TRY(pre_tokenizer_.run(text, is_start));
  for (const std::string& word : words) encode_word(word, ids);
  return {};
}

void BpeEncoder::encode_word(std::string_view word, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const std::optional<std::int32_t> whole = model_->find(word)) {
      ids.push_back(*whole);
      return;
    }
  }
  std::vector<std::int32_t> symbols = symbols_of(word);
  merge(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

std::vector<std::int32_t> BpeEncoder::symbols_of(std::string_view word) const {
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  bool previous_is_unknown = false;
  for (std::size_t offset = 0; offset < word.size();) {
    const std::size_t bytes = std::max<std::size_t>(code_point_at(word, offset).bytes, 1);
    std::string piece(word.substr(offset, bytes));
    if (offset > 0) piece.insert(0, model_->continuing_prefix);
    offset += bytes;
    if (offset == word.size()) piece += model_->end_suffix;
    if (const std::optional<std::int32_t> id = model_->find(piece)) {
      symbols.push_back(*id);
      previous_is_unknown = false;
    } else {
      append_unknown(piece, symbols, previous_is_unknown);
    }
  }
  return symbols;
}

void BpeEncoder::append_unknown(std::string_view piece, std::vector<std::int32_t>& ids,
                                bool& previous_is_unknown) const {
  if (model_->byte_fallback) {
    std::vector<std::int32_t> bytes;
    for (const char byte : piece) {
      const auto id = model_->find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte)));
      if (id) bytes.push_back(*id);
    }
    if (bytes.size() == piece.size()) {
      ids.insert(ids.end(), bytes.begin(), bytes.end());
      previous_is_unknown = false;
      return;
    }
  }
  if (!model_->unknown_token) return;
  const std::optional<std::int32_t> unknown = model_->find(*model_->unknown_token);
  if (!unknown) return;
  if (!(model_->fuse_unknown && previous_is_unknown)) ids.push_back(*unknown);
  previous_is_unknown = true;
}

void BpeEncoder::merge(std::vector<std::int32_t>& ids) const {
  const auto count = static_cast<std::int32_t>(ids.size());
  if (count < 2) return;
  std::vector<Symbol> symbols(ids.size());
  for (std::int32_t at = 0; at < count; ++at) {
    symbols[static_cast<std::size_t>(at)] = {.id = ids[static_cast<std::size_t>(at)],
                                             .previous = at - 1,
                                             .next = at + 1 < count ? at + 1 : kNone};
  }
  std::priority_queue<Candidate, std::vector<Candidate>, WorseCandidate> queue;
  const auto symbol = [&](std::int32_t at) -> Symbol& {
    return symbols[static_cast<std::size_t>(at)];
  };
  const auto offer = [&](std::int32_t at) {
    if (at == kNone || symbol(at).next == kNone) return;
    const std::int32_t left = symbol(at).id;
    const std::int32_t right = symbol(symbol(at).next).id;
    const auto found = merges_.find(pair_key(left, right));
    if (found == merges_.end()) return;
    queue.push({found->second.rank, static_cast<std::uint32_t>(at), left, right, found->second.id});
  };
  for (std::int32_t at = 0; at + 1 < count; ++at) offer(at);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const auto at = static_cast<std::int32_t>(best.position);
    const std::int32_t next = symbol(at).next;
    if (symbol(at).id != best.left || next == kNone || symbol(next).id != best.right) continue;
    symbol(at).id = best.merged;
    symbol(at).next = symbol(next).next;
    if (symbol(at).next != kNone) symbol(symbol(at).next).previous = at;
    symbol(next).id = kNone;
    offer(symbol(at).previous);
    offer(at);
  }
  ids.clear();
  for (std::int32_t at = 0; at != kNone; at = symbol(at).next) ids.push_back(symbol(at).id);
}

}  // namespace pajamas
