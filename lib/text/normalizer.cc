// SPDX-License-Identifier: Apache-2.0
#include "text/normalizer.h"

#include <algorithm>
#include <utility>

#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// What the steps may make of a text: no table in use makes more of a character, and a file cannot
// ask for more memory than this.
constexpr std::size_t kMaxGrowth = 16;
constexpr std::size_t kFreeGrowthBytes = std::size_t{4} << 20;

std::string strip(std::string_view text, bool left, bool right) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (left && begin < end) {
    const CodePoint point = code_point_at(text, begin);
    if (point.bytes == 0 || !is_unicode_space(point.value)) break;
    begin += point.bytes;
  }
  while (right && end > begin) {
    std::size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80U) --start;
    const CodePoint point = code_point_at(text, start);
    if (point.bytes == 0 || !is_unicode_space(point.value)) break;
    end = start;
  }
  return std::string(text.substr(begin, end - begin));
}

Result<std::string> replace_ranges(std::string_view text, const std::vector<TextRange>& ranges,
                                   std::string_view content, std::size_t max_bytes) {
  if (!ranges.empty() && content.size() > max_bytes / ranges.size()) {
    return make_error(ErrorCode::kInvalidData,
                      "a Replace normalizer puts {} bytes in {} places, expected at most {} in all",
                      content.size(), ranges.size(), max_bytes);
  }
  std::string result;
  std::size_t offset = 0;
  for (const TextRange& range : ranges) {
    result.append(text.substr(offset, range.begin - offset)).append(content);
    offset = range.end;
  }
  return result.append(text.substr(offset));
}

Result<std::string> normal_form(std::string_view text, NormalForm form) {
  std::optional<std::string> result = to_normal_form(text, form);
  if (!result) return make_error(ErrorCode::kInvalidData, "a text is not valid UTF-8");
  return std::move(*result);
}

// The text as `change` writes each of its characters.
template <typename Change>
std::string map_chars(std::string_view text, Change change) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    change(point.value, text.substr(offset, bytes), result);
    offset += bytes;
  }
  return result;
}

void append_unless_mark(char32_t value, std::string_view character, std::string& out) {
  if (!is_unicode_mark(value)) out += character;
}

void append_clean(char32_t value, std::string_view character, std::string& out) {
  if (value == '\t' || value == '\n' || value == '\r') {
    out += ' ';
  } else if (value != 0 && value != 0xfffd && !is_unicode_control(value)) {
    out += is_unicode_space(value) ? " " : character;
  }
}

// The blocks that BERT calls Chinese: ideographs, no kana or hangul.
bool is_ideograph(char32_t value) {
  return (value >= 0x4e00 && value <= 0x9fff) || (value >= 0x3400 && value <= 0x4dbf) ||
         (value >= 0x20000 && value <= 0x2a6df) || (value >= 0x2a700 && value <= 0x2b73f) ||
         (value >= 0x2b740 && value <= 0x2b81f) || (value >= 0x2b820 && value <= 0x2ceaf) ||
         (value >= 0xf900 && value <= 0xfaff) || (value >= 0x2f800 && value <= 0x2fa1f);
}

void append_spaced_ideograph(char32_t value, std::string_view character, std::string& out) {
  if (is_ideograph(value)) {
    out.append(" ").append(character).append(" ");
  } else {
    out += character;
  }
}

std::string remove_extra_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char byte : text) {
    if (byte == ' ' && (result.empty() || result.back() == ' ')) continue;
    result.push_back(byte);
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

}  // namespace

Result<Normalizer> Normalizer::for_sentencepiece(const SentencePieceRules& rules) {
  Normalizer normalizer;
  if (!rules.charsmap.empty()) {
    Step step{.kind = Kind::kCharsmapLongest};
    step.charsmap = PJ_TRY(Charsmap::parse(rules.charsmap));
    normalizer.steps_.push_back(std::move(step));
  }
  if (rules.remove_extra_spaces) normalizer.steps_.push_back({.kind = Kind::kRemoveExtraSpaces});
  if (rules.add_space_prefix) {
    normalizer.steps_.push_back({.kind = Kind::kPrepend, .content = std::string(kMetaspaceText)});
  }
  normalizer.steps_.push_back(
      {.kind = Kind::kReplace, .pattern = " ", .content = std::string(kMetaspaceText)});
  return normalizer;
}

Result<Normalizer> Normalizer::from_json(const Json& definition) {
  Normalizer normalizer;
  const Status status = add_steps(definition, normalizer.steps_);
  if (!status) return std::unexpected(status.error());
  return normalizer;
}

Status Normalizer::add_steps(const Json& definition, std::vector<Step>& steps) {
  if (definition.is_null()) return {};
  const std::string type = PJ_TRY(get_string(definition, "type")).value_or("");
  if (type == "Sequence") {
    const Json* list = find_member(definition, "normalizers");
    if (list == nullptr || !list->is_array()) {
      return make_error(ErrorCode::kInvalidData, "a normalizer sequence has no 'normalizers'");
    }
    for (const Json& entry : *list) {
      const Status status = add_steps(entry, steps);
      if (!status) return status;
    }
    return {};
  }
  if (type == "BertNormalizer") return add_bert_steps(definition, steps);
  steps.push_back(PJ_TRY(make_step(definition, type)));
  return {};
}

Status Normalizer::add_bert_steps(const Json& definition, std::vector<Step>& steps) {
  const bool lowercase = PJ_TRY(get_bool(definition, "lowercase")).value_or(true);
  if (PJ_TRY(get_bool(definition, "clean_text")).value_or(true)) {
    steps.push_back({.kind = Kind::kCleanText});
  }
  if (PJ_TRY(get_bool(definition, "handle_chinese_chars")).value_or(true)) {
    steps.push_back({.kind = Kind::kSpaceChinese});
  }
  if (PJ_TRY(get_bool(definition, "strip_accents")).value_or(lowercase)) {
    steps.push_back({.kind = Kind::kNfd});
    steps.push_back({.kind = Kind::kStripAccents});
  }
  if (lowercase) steps.push_back({.kind = Kind::kLowercase});
  return {};
}

Result<Normalizer::Step> Normalizer::make_step(const Json& definition, std::string_view type) {
  if (type == "NFC") return Step{.kind = Kind::kNfc};
  if (type == "NFD") return Step{.kind = Kind::kNfd};
  if (type == "NFKC") return Step{.kind = Kind::kNfkc};
  if (type == "NFKD") return Step{.kind = Kind::kNfkd};
  if (type == "Lowercase") return Step{.kind = Kind::kLowercase};
  if (type == "StripAccents") return Step{.kind = Kind::kStripAccents};
  if (type == "ByteLevel") return Step{.kind = Kind::kByteLevel};
  if (type == "Precompiled") {
    Step step{.kind = Kind::kCharsmapClusters};
    const std::string table = PJ_TRY(get_string(definition, "precompiled_charsmap")).value_or("");
    step.charsmap = PJ_TRY(Charsmap::parse_base64(table));
    return step;
  }
  if (type == "Prepend") {
    Step step{.kind = Kind::kPrepend};
    step.content = PJ_TRY(get_string(definition, "prepend")).value_or("");
    return step;
  }
  if (type == "Strip") {
    Step step{.kind = Kind::kStrip};
    step.strip_left = PJ_TRY(get_bool(definition, "strip_left")).value_or(false);
    step.strip_right = PJ_TRY(get_bool(definition, "strip_right")).value_or(false);
    return step;
  }
  if (type == "Replace") {
    Step step{.kind = Kind::kReplace};
    step.content = PJ_TRY(get_string(definition, "content")).value_or("");
    const Json* pattern = find_member(definition, "pattern");
    if (pattern == nullptr) {
      return make_error(ErrorCode::kInvalidData, "a Replace normalizer has no 'pattern'");
    }
    step.pattern = PJ_TRY(get_string(*pattern, "String")).value_or("");
    const std::optional<std::string> regex = PJ_TRY(get_string(*pattern, "Regex"));
    if (regex) step.regex = PJ_TRY(Regex::compile(*regex));
    return step;
  }
  return make_error(ErrorCode::kUnsupported, "the normalizer '{}' is not known", type);
}

Result<std::string> Normalizer::run_step(const Step& step, std::string text,
                                         std::size_t max_bytes) {
  switch (step.kind) {
    case Kind::kNfc:
      return normal_form(text, NormalForm::kNfc);
    case Kind::kNfd:
      return normal_form(text, NormalForm::kNfd);
    case Kind::kNfkc:
      return normal_form(text, NormalForm::kNfkc);
    case Kind::kNfkd:
      return normal_form(text, NormalForm::kNfkd);
    case Kind::kLowercase:
      return to_lower_case(text);
    case Kind::kPrepend:
      return text.empty() ? text : step.content + text;
    case Kind::kStrip:
      return strip(text, step.strip_left, step.strip_right);
    case Kind::kStripAccents:
      return map_chars(text, append_unless_mark);
    case Kind::kCleanText:
      return map_chars(text, append_clean);
    case Kind::kSpaceChinese:
      return map_chars(text, append_spaced_ideograph);
    case Kind::kByteLevel:
      return to_byte_level(text);
    case Kind::kCharsmapClusters:
      return step.charsmap->run_clusters(text);
    case Kind::kCharsmapLongest:
      return step.charsmap->run_longest(text);
    case Kind::kRemoveExtraSpaces:
      return remove_extra_spaces(text);
    case Kind::kReplace:
      if (step.regex) {
        const std::vector<TextRange> ranges = PJ_TRY(step.regex->find_all(text));
        return replace_ranges(text, ranges, step.content, max_bytes);
      }
      return replace_ranges(text, find_literal(text, step.pattern), step.content, max_bytes);
  }
  return text;
}

Result<std::string> Normalizer::run(std::string_view text) const {
  const std::size_t max_bytes = kFreeGrowthBytes + kMaxGrowth * text.size();
  std::string result(text);
  for (const Step& step : steps_) {
    result = PJ_TRY(run_step(step, std::move(result), max_bytes));
    if (result.size() > max_bytes) {
      return make_error(ErrorCode::kInvalidData,
                        "the normalizer makes {} bytes of a text of {}, expected at most {}",
                        result.size(), text.size(), max_bytes);
    }
  }
  return result;
}

}  // namespace pajamas
