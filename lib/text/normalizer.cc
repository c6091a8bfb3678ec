// SPDX-License-Identifier: Apache-2.0
#include "text/normalizer.h"

#include <utility>

#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

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
                                   std::string_view content) {
  if (!ranges.empty() && content.size() > (kMaxTextBytes / ranges.size())) {
    return make_error(ErrorCode::kInvalidData,
                      "a Replace normalizer puts {} bytes in {} places, expected at most {} in all",
                      content.size(), ranges.size(), kMaxTextBytes);
  }
  std::string result;
  std::size_t offset = 0;
  for (const TextRange& range : ranges) {
    result.append(text.substr(offset, range.begin - offset)).append(content);
    offset = range.end;
  }
  return result.append(text.substr(offset));
}

std::vector<TextRange> find_text(std::string_view text, std::string_view pattern) {
  std::vector<TextRange> ranges;
  if (pattern.empty()) return ranges;
  for (std::size_t at = text.find(pattern); at != std::string_view::npos;
       at = text.find(pattern, at + pattern.size())) {
    ranges.push_back({at, at + pattern.size()});
  }
  return ranges;
}

Result<std::string> normal_form(std::string_view text, NormalForm form) {
  std::optional<std::string> result = to_normal_form(text, form);
  if (!result) return make_error(ErrorCode::kInvalidData, "a text is not valid UTF-8");
  return std::move(*result);
}

}  // namespace

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
  steps.push_back(PJ_TRY(make_step(definition, type)));
  return {};
}

Result<Normalizer::Step> Normalizer::make_step(const Json& definition, std::string_view type) {
  if (type == "NFC") return Step{.kind = Kind::kNfc};
  if (type == "NFD") return Step{.kind = Kind::kNfd};
  if (type == "NFKC") return Step{.kind = Kind::kNfkc};
  if (type == "NFKD") return Step{.kind = Kind::kNfkd};
  if (type == "Lowercase") return Step{.kind = Kind::kLowercase};
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

Result<std::string> Normalizer::run_step(const Step& step, std::string text) {
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
    case Kind::kReplace:
      if (step.regex) {
        const std::vector<TextRange> ranges = PJ_TRY(step.regex->find_all(text));
        return replace_ranges(text, ranges, step.content);
      }
      return replace_ranges(text, find_text(text, step.pattern), step.content);
  }
  return text;
}

Result<std::string> Normalizer::run(std::string_view text) const {
  std::string result(text);
  for (const Step& step : steps_) {
    if (result.size() > kMaxTextBytes) {
      return make_error(ErrorCode::kInvalidData, "a text of {} bytes, expected at most {}",
                        result.size(), kMaxTextBytes);
    }
    result = PJ_TRY(run_step(step, std::move(result)));
  }
  return result;
}

}  // namespace pajamas
