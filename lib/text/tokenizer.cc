// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "text/metaspace.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace pajamas {
namespace {

// Sorted. Harmony (gpt-oss) ends with <|return|> or <|call|>; its <|end|> only ends a message.
constexpr std::array<std::string_view, 17> kEndTexts = {
    "<EOT>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<turn|>",
    "<|call|>",
    "<|calls|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|flush|>",
    "<|im_end|>",
    "<|return|>",
    "<|role_end|>",
    "<\xef\xbd\x9c"
    "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
    "_<EOT>",
};

// One word of a text in the ways its model knows.
struct WordEncoder {
  const TokenizerParts& parts;
  bool as_bytes;

  void operator()(std::string_view word, std::vector<std::int32_t>& ids) const {
    std::visit([&](const auto& model) { encode(model, word, ids); }, parts.model);
  }

 private:
  void encode(const BpeWords& model, std::string_view word, std::vector<std::int32_t>& ids) const {
    if (as_bytes) {
      model.encode_bytes(word, ids);
    } else {
      model.encode(word, ids);
    }
  }
  void encode(const UnigramModel& model, std::string_view word,
              std::vector<std::int32_t>& ids) const {
    model.encode(word, ids);
  }
  void encode(const WordPieceModel& model, std::string_view word,
              std::vector<std::int32_t>& ids) const {
    model.encode(word, ids);
  }
};

bool can_cut_before_mark(const TokenizerParts& parts, char32_t before) {
  if (const auto* bpe = std::get_if<BpeWords>(&parts.model)) {
    return bpe->can_cut_before_mark(before);
  }
  if (const auto* unigram = std::get_if<UnigramModel>(&parts.model)) {
    return unigram->can_cut_before_mark(before);
  }
  return false;
}

// Where a long word may be cut without a change of its ids: the place of the next U+2581, from
// `offset` on, that no token goes across.
std::size_t find_cut(const TokenizerParts& parts, std::string_view word, std::size_t offset) {
  for (std::size_t at = word.find(kMetaspaceText, offset); at != std::string_view::npos;
       at = word.find(kMetaspaceText, at + kMetaspaceText.size())) {
    if (at == 0) continue;
    std::size_t start = at - 1;
    while (start > 0 && (static_cast<unsigned char>(word[start]) & 0xc0U) == 0x80U) --start;
    const char32_t before = code_point_at(word, start).value;
    if (before != 0x2581 && can_cut_before_mark(parts, before)) return at;
  }
  return word.size();
}

}  // namespace

struct Tokenizer::State {
  explicit State(TokenizerParts tokenizer_parts) : parts(std::move(tokenizer_parts)) {}

  // Caches are lent to one call at a time; there are as many as calls at once.
  std::unique_ptr<WordCache> borrow_cache() {
    const std::scoped_lock lock(mutex);
    if (caches.empty()) return std::make_unique<WordCache>();
    std::unique_ptr<WordCache> cache = std::move(caches.back());
    caches.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    const std::scoped_lock lock(mutex);
    caches.push_back(std::move(cache));
  }

  void encode_word(std::string_view word, bool as_bytes, WordCache& cache,
                   std::vector<std::int32_t>& ids) const {
    if (!WordCache::can_hold(word)) {
      WordEncoder{parts, as_bytes}(word, ids);
      return;
    }
    const std::size_t place = WordCache::place_of(word);
    if (cache.get(place, word, ids)) return;
    const std::size_t before = ids.size();
    WordEncoder{parts, as_bytes}(word, ids);
    cache.put(place, word, std::span(ids).subspan(before));
  }

  // A word of text that the model sees as characters; long ones fall into independent parts.
  void encode_spelled(std::string_view word, WordCache& cache,
                      std::vector<std::int32_t>& ids) const {
    while (!word.empty()) {
      const std::size_t end = find_cut(parts, word, 1);
      encode_word(word.substr(0, end), false, cache, ids);
      word.remove_prefix(end);
    }
  }

  Status encode_text(std::string_view text, bool is_start, WordCache& cache,
                     std::vector<std::int32_t>& ids) const {
    const PreTokenizer& pre_tokenizer = parts.pre_tokenizer;
    if (!pre_tokenizer.only_cuts()) {
      const bool is_spelled = !pre_tokenizer.spells_bytes();
      for (const std::string& word : PJ_TRY(pre_tokenizer.run(text, is_start))) {
        if (is_spelled) {
          encode_spelled(word, cache, ids);
        } else {
          encode_word(word, false, cache, ids);
        }
      }
      return {};
    }
    const bool as_bytes = pre_tokenizer.spells_bytes();
    for (const TextRange& range : PJ_TRY(pre_tokenizer.cut(text))) {
      const std::string_view word = text.substr(range.begin, range.end - range.begin);
      if (as_bytes) {
        encode_word(word, true, cache, ids);
      } else {
        encode_spelled(word, cache, ids);
      }
    }
    return {};
  }

  TokenizerParts parts;
  TextPipeline pipeline;
  std::unordered_map<std::string_view, std::int32_t> ids_by_text;  // of parts.texts
  std::mutex mutex;
  std::vector<std::unique_ptr<WordCache>> caches;  // guarded by the mutex
};

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

bool is_end_text(std::string_view text) {
  return std::ranges::find(kEndTexts, text) != kEndTexts.end();
}

void TokenizerParts::put(std::int64_t id, std::string_view token, std::string piece, bool control) {
  PJ_CHECK(id >= 0 && id < kMaxTokens);
  const auto index = static_cast<std::size_t>(id);
  if (index >= texts.size()) {
    texts.resize(index + 1);
    pieces.resize(index + 1);
    is_control.resize(index + 1);
  }
  texts[index] = token;
  pieces[index] = std::move(piece);
  is_control[index] = control;
}

Result<Tokenizer> Tokenizer::from_parts(TokenizerParts given) {
  auto state = std::make_unique<State>(std::move(given));
  TokenizerParts& parts = state->parts;
  PJ_CHECK(parts.pieces.size() == parts.texts.size());
  state->pipeline =
      PJ_TRY(TextPipeline::create(parts.added, std::move(parts.normalizer), parts.added_text));
  state->ids_by_text.reserve(parts.texts.size());
  for (std::size_t id = 0; id < parts.texts.size(); ++id) {
    if (parts.texts[id].empty()) continue;
    state->ids_by_text.try_emplace(parts.texts[id], static_cast<std::int32_t>(id));
  }
  for (const auto* ids : {&parts.around.before, &parts.around.after}) {
    for (const std::int32_t id : *ids) {
      if (id >= 0 && static_cast<std::size_t>(id) < parts.texts.size()) continue;
      return make_error(ErrorCode::kInvalidData,
                        "the post-processor puts token {} around a text, but there are {} tokens",
                        id, parts.texts.size());
    }
  }
  std::vector<std::int32_t>& ends = parts.end_of_generation;
  for (const auto& id : {parts.special.eos, parts.special.eot, parts.special.eom}) {
    if (id) ends.push_back(*id);
  }
  for (const std::string_view text : kEndTexts) {
    const auto found = state->ids_by_text.find(text);
    if (found != state->ids_by_text.end()) ends.push_back(found->second);
  }
  std::ranges::sort(ends);
  const auto repeated = std::ranges::unique(ends);
  ends.erase(repeated.begin(), repeated.end());
  const auto id_of = [&](std::string_view text) {
    const auto found = state->ids_by_text.find(text);
    return found == state->ids_by_text.end() ? -1 : found->second;
  };
  if (id_of("<|return|>") >= 0 && id_of("<|call|>") >= 0) std::erase(ends, id_of("<|end|>"));
  return Tokenizer(std::move(state));
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text,
                                                    const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a text of {} bytes, expected at most {}; encode it in parts", text.size(),
                      kMaxTextBytes);
  }
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = replace_invalid_utf8(text);
    text = repaired;
  }
  const TextSurroundings& around = state_->parts.around;
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 4 + 8);
  if (options.add_special) ids = around.before;
  std::unique_ptr<WordCache> cache = state_->borrow_cache();
  const Status status = state_->pipeline.run(
      text,
      options.parse_special ? AddedTokenMatcher::Special::kMatch
                            : AddedTokenMatcher::Special::kIgnore,
      [&](std::int32_t id) { ids.push_back(id); },
      [&](std::string_view part, bool is_start) {
        return state_->encode_text(part, is_start, *cache, ids);
      });
  state_->give_back(std::move(cache));
  if (!status) return std::unexpected(status.error());
  if (options.add_special) ids.insert(ids.end(), around.after.begin(), around.after.end());
  return ids;
}

std::string Tokenizer::decode(const std::vector<std::int32_t>& ids,
                              const DecodeOptions& options) const {
  std::string bytes;
  bool is_first = true;
  for (const std::int32_t id : ids) {
    if (options.skip_special && is_control(id)) continue;
    std::string_view token = piece(id);
    if (is_first && drops_first_space() && token.starts_with(' ')) token.remove_prefix(1);
    is_first = is_first && token.empty() && piece(id).empty();
    bytes += token;
  }
  return replace_invalid_utf8(bytes);
}

std::string_view Tokenizer::piece(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return state_->parts.pieces[static_cast<std::size_t>(id)];
}

std::string_view Tokenizer::text(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return state_->parts.texts[static_cast<std::size_t>(id)];
}

std::optional<std::int32_t> Tokenizer::find(std::string_view text) const {
  const auto found = state_->ids_by_text.find(text);
  if (found == state_->ids_by_text.end()) return std::nullopt;
  return found->second;
}

std::int32_t Tokenizer::vocab_size() const {
  return static_cast<std::int32_t>(state_->parts.texts.size());
}

std::optional<std::int32_t> Tokenizer::bos_id() const { return state_->parts.special.bos; }
std::optional<std::int32_t> Tokenizer::eos_id() const { return state_->parts.special.eos; }
std::optional<std::int32_t> Tokenizer::eot_id() const { return state_->parts.special.eot; }
std::optional<std::int32_t> Tokenizer::pad_id() const { return state_->parts.special.pad; }
std::optional<std::int32_t> Tokenizer::unk_id() const { return state_->parts.special.unk; }

bool Tokenizer::is_control(std::int32_t id) const {
  return id >= 0 && id < vocab_size() && state_->parts.is_control[static_cast<std::size_t>(id)];
}

bool Tokenizer::is_end_of_generation(std::int32_t id) const {
  return std::ranges::binary_search(state_->parts.end_of_generation, id);
}

const std::vector<std::int32_t>& Tokenizer::end_of_generation_ids() const {
  return state_->parts.end_of_generation;
}

bool Tokenizer::adds_bos() const {
  const auto bos = state_->parts.special.bos;
  return bos &&
         std::ranges::find(state_->parts.around.before, *bos) != state_->parts.around.before.end();
}

bool Tokenizer::adds_eos() const {
  const auto eos = state_->parts.special.eos;
  return eos &&
         std::ranges::find(state_->parts.around.after, *eos) != state_->parts.around.after.end();
}

bool Tokenizer::drops_first_space() const { return state_->parts.drops_first_space; }

}  // namespace pajamas
