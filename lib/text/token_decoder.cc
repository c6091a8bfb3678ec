// SPDX-License-Identifier: Apache-2.0
#include "text/token_decoder.h"

#include <array>
#include <optional>
#include <utility>

#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace pajamas {
namespace {

// Real ones are one character; it bounds what a file can make of its vocabulary.
constexpr std::size_t kMaxContentBytes = 16;

// What BERT's decoder puts right around punctuation.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleanUps = {{
    {" .", "."},
    {" ?", "?"},
    {" !", "!"},
    {" ,", ","},
    {" ' ", "'"},
    {" n't", "n't"},
    {" 'm", "'m"},
    {" do not", " don't"},
    {" 's", "'s"},
    {" 've", "'ve"},
    {" 're", "'re"},
}};

std::string strip(std::string_view token, std::string_view content, std::size_t left,
                  std::size_t right) {
  while (left-- > 0 && token.starts_with(content)) token.remove_prefix(content.size());
  while (right-- > 0 && token.ends_with(content)) token.remove_suffix(content.size());
  return std::string(token);
}

}  // namespace

TokenDecoder TokenDecoder::byte_level() {
  TokenDecoder decoder;
  decoder.steps_.push_back({.kind = Kind::kByteLevel});
  return decoder;
}

TokenDecoder TokenDecoder::sentencepiece(bool drops_first_space) {
  TokenDecoder decoder;
  decoder.steps_.push_back(
      {.kind = Kind::kReplace, .pattern = std::string(kMetaspaceText), .content = " "});
  decoder.steps_.push_back({.kind = Kind::kByteFallback});
  decoder.drops_first_space_ = drops_first_space;
  return decoder;
}

TokenDecoder TokenDecoder::word_piece(std::string_view prefix) {
  TokenDecoder decoder;
  decoder.steps_.push_back({.kind = Kind::kWordPiece, .pattern = std::string(prefix)});
  decoder.steps_.push_back({.kind = Kind::kCleanUp});
  decoder.drops_first_space_ = true;
  return decoder;
}

Result<TokenDecoder> TokenDecoder::from_json(const Json& definition) {
  TokenDecoder decoder;
  if (definition.is_null()) {
    decoder.steps_.push_back({.kind = Kind::kSpaceBefore});
    decoder.drops_first_space_ = true;
    return decoder;
  }
  const Status status = decoder.add_steps(definition);
  if (!status) return std::unexpected(status.error());
  return decoder;
}

Status TokenDecoder::add_steps(const Json& definition) {
  const std::string type = PJ_TRY(get_string(definition, "type")).value_or("");
  if (type == "Sequence") {
    const Json* list = find_member(definition, "decoders");
    if (list == nullptr || !list->is_array()) {
      return make_error(ErrorCode::kInvalidData, "a decoder sequence has no 'decoders'");
    }
    for (const Json& entry : *list) {
      const Status status = add_steps(entry);
      if (!status) return status;
    }
    return {};
  }
  if (type == "ByteLevel") {
    steps_.push_back({.kind = Kind::kByteLevel});
  } else if (type == "ByteFallback") {
    steps_.push_back({.kind = Kind::kByteFallback});
  } else if (type == "Fuse") {
    is_fused_ = true;
  } else if (type == "Strip") {
    return add_strip(definition);
  } else if (type == "Replace") {
    const Json* pattern = find_member(definition, "pattern");
    Step step{.kind = Kind::kReplace};
    if (pattern != nullptr) step.pattern = PJ_TRY(get_string(*pattern, "String")).value_or("");
    step.content = PJ_TRY(get_string(definition, "content")).value_or("");
    if (step.pattern.empty() || step.content.size() > kMaxContentBytes) {
      return make_error(ErrorCode::kUnsupported,
                        "a Replace decoder puts {} bytes for a pattern of {}, expected a 'String' "
                        "and at most {} bytes",
                        step.content.size(), step.pattern.size(), kMaxContentBytes);
    }
    steps_.push_back(std::move(step));
  } else if (type == "Metaspace") {
    const std::string mark = PJ_TRY(get_string(definition, "replacement")).value_or("");
    const std::string scheme = PJ_TRY(get_string(definition, "prepend_scheme")).value_or("");
    const bool add_prefix = PJ_TRY(get_bool(definition, "add_prefix_space")).value_or(true);
    drops_first_space_ = scheme.empty() ? add_prefix : scheme != "never";
    steps_.push_back({.kind = Kind::kReplace,
                      .pattern = mark.empty() ? std::string(kMetaspaceText) : mark,
                      .content = " "});
  } else if (type == "WordPiece") {
    const std::string prefix = PJ_TRY(get_string(definition, "prefix")).value_or("##");
    steps_.push_back({.kind = Kind::kWordPiece, .pattern = prefix});
    if (PJ_TRY(get_bool(definition, "cleanup")).value_or(true)) {
      steps_.push_back({.kind = Kind::kCleanUp});
    }
    drops_first_space_ = true;
  } else if (type == "BPEDecoder") {
    const std::string suffix = PJ_TRY(get_string(definition, "suffix")).value_or("</w>");
    steps_.push_back({.kind = Kind::kWordEnd, .pattern = suffix});
  } else {
    return make_error(ErrorCode::kUnsupported, "the decoder '{}' is not known", type);
  }
  return {};
}

Status TokenDecoder::add_strip(const Json& definition) {
  Step step{.kind = Kind::kStrip};
  step.pattern = PJ_TRY(get_string(definition, "content")).value_or(" ");
  const auto start = PJ_TRY(get_int(definition, "start")).value_or(0);
  const auto stop = PJ_TRY(get_int(definition, "stop")).value_or(0);
  if (step.pattern.empty() || start < 0 || stop < 0) {
    return make_error(ErrorCode::kInvalidData,
                      "a Strip decoder takes '{}' {} and {} times, expected a text and counts",
                      step.pattern, start, stop);
  }
  if (is_fused_) {
    drops_first_space_ = drops_first_space_ || (step.pattern == " " && start > 0);
    return {};
  }
  step.strip_left = static_cast<std::size_t>(start);
  step.strip_right = static_cast<std::size_t>(stop);
  steps_.push_back(std::move(step));
  return {};
}

std::string TokenDecoder::run_step(const Step& step, std::string token) {
  switch (step.kind) {
    case Kind::kByteLevel:
      return from_byte_level(token).value_or(token);
    case Kind::kReplace:
      return replace_all(token, step.pattern, step.content);
    case Kind::kByteFallback:
      if (!is_byte_token(token)) return token;
      return {static_cast<char>(std::stoul(token.substr(3, 2), nullptr, 16))};
    case Kind::kStrip:
      return strip(token, step.pattern, step.strip_left, step.strip_right);
    case Kind::kWordPiece:
      if (token.starts_with(step.pattern)) return token.substr(step.pattern.size());
      return " " + token;
    case Kind::kCleanUp:
      for (const auto& [from, to] : kCleanUps) token = replace_all(token, from, to);
      return token;
    case Kind::kWordEnd:
      if (step.pattern.empty()) return token;
      return replace_all(token, step.pattern, " ");
    case Kind::kSpaceBefore:
      return " " + token;
  }
  return token;
}

std::string TokenDecoder::bytes_of(std::string_view token) const {
  std::string bytes(token);
  for (const Step& step : steps_) bytes = run_step(step, std::move(bytes));
  return bytes;
}

}  // namespace pajamas
