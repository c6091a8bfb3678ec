// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "text/byte_level.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// Ranges of single code points of a class.
std::vector<TextRange> find_class(std::string_view text, bool (*in_class)(char32_t)) {
  std::vector<TextRange> ranges;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint point = code_point_at(text, offset);
    const std::size_t bytes = std::max<std::size_t>(point.bytes, 1);
    if (point.bytes != 0 && in_class(point.value)) ranges.push_back({offset, offset + bytes});
    offset += bytes;
  }
  return ranges;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::from_json(const Json& definition) {
  PreTokenizer result;
  const Status status = add_steps(definition, result.steps_);
  if (!status) return std::unexpected(status.error());
  return result;
}

Status PreTokenizer::add_steps(const Json& definition, std::vector<Step>& steps) {
  if (definition.is_null()) return {};
  const std::string type = PJ_TRY(get_string(definition, "type")).value_or("");
  if (type == "Sequence") {
    const Json* list = find_member(definition, "pretokenizers");
    if (list == nullptr || !list->is_array()) {
      return make_error(ErrorCode::kInvalidData, "a pre-tokenizer sequence has no 'pretokenizers'");
    }
    for (const Json& entry : *list) {
      const Status status = add_steps(entry, steps);
      if (!status) return status;
    }
    return {};
  }
  if (type == "BertPreTokenizer") {
    steps.push_back({.kind = Kind::kSpaces, .behavior = Behavior::kRemoved});
    steps.push_back({.kind = Kind::kPunctuation});
    return {};
  }
  steps.push_back(PJ_TRY(make_step(definition, type)));
  return {};
}

Result<PreTokenizer::Step> PreTokenizer::make_step(const Json& definition, std::string_view type) {
  if (type == "ByteLevel") {
    Step step{.kind = Kind::kByteLevel};
    step.add_prefix_space = PJ_TRY(get_bool(definition, "add_prefix_space")).value_or(true);
    if (PJ_TRY(get_bool(definition, "use_regex")).value_or(true)) {
      const Status status = set_pattern(step, kGpt2Pattern);
      if (!status) return std::unexpected(status.error());
    }
    return step;
  }
  if (type == "Split") return make_split(definition);
  if (type == "Metaspace") return make_metaspace(definition);
  if (type == "Digits") {
    Step step{.kind = Kind::kDigits};
    const bool individual = PJ_TRY(get_bool(definition, "individual_digits")).value_or(false);
    step.behavior = individual ? Behavior::kIsolated : Behavior::kContiguous;
    return step;
  }
  if (type == "Punctuation") {
    Step step{.kind = Kind::kPunctuation};
    step.behavior = PJ_TRY(parse_behavior(definition, Behavior::kIsolated));
    return step;
  }
  if (type == "WhitespaceSplit") return Step{.kind = Kind::kSpaces, .behavior = Behavior::kRemoved};
  if (type == "CharDelimiterSplit") {
    Step step{.kind = Kind::kSplit, .behavior = Behavior::kRemoved};
    step.text = PJ_TRY(get_string(definition, "delimiter")).value_or("");
    return step;
  }
  if (type == "Whitespace") {
    Step step{.kind = Kind::kSplit, .behavior = Behavior::kRemoved, .invert = true};
    step.regex = PJ_TRY(Regex::compile(R"(\w+|[^\w\s]+)"));
    return step;
  }
  return make_error(ErrorCode::kUnsupported, "the pre-tokenizer '{}' is not known", type);
}

Result<PreTokenizer::Step> PreTokenizer::make_split(const Json& definition) {
  Step step{.kind = Kind::kSplit};
  step.behavior = PJ_TRY(parse_behavior(definition, Behavior::kIsolated));
  step.invert = PJ_TRY(get_bool(definition, "invert")).value_or(false);
  const Json* pattern = find_member(definition, "pattern");
  if (pattern == nullptr) {
    return make_error(ErrorCode::kInvalidData, "a Split pre-tokenizer has no 'pattern'");
  }
  step.text = PJ_TRY(get_string(*pattern, "String")).value_or("");
  const std::optional<std::string> regex = PJ_TRY(get_string(*pattern, "Regex"));
  if (regex) {
    const Status status = set_pattern(step, *regex);
    if (!status) return std::unexpected(status.error());
  }
  return step;
}

Status PreTokenizer::set_pattern(Step& step, std::string_view pattern) {
  step.splitter = find_word_splitter(pattern);
  if (step.splitter == nullptr) step.regex = PJ_TRY(Regex::compile(pattern));
  return {};
}

Result<PreTokenizer::Step> PreTokenizer::make_metaspace(const Json& definition) {
  Step step{.kind = Kind::kMetaspace, .behavior = Behavior::kMergedWithNext};
  step.text = PJ_TRY(get_string(definition, "replacement")).value_or("\xe2\x96\x81");
  if (step.text.empty() || step.text.size() > 4) {
    return make_error(ErrorCode::kInvalidData,
                      "a Metaspace replacement of {} bytes, expected one "
                      "character",
                      step.text.size());
  }
  step.split_at_space = PJ_TRY(get_bool(definition, "split")).value_or(true);
  // Old files say add_prefix_space, new ones prepend_scheme.
  const bool add_prefix = PJ_TRY(get_bool(definition, "add_prefix_space")).value_or(true);
  const std::string scheme = PJ_TRY(get_string(definition, "prepend_scheme")).value_or("");
  step.prepend = add_prefix ? Prepend::kAlways : Prepend::kNever;
  if (scheme == "always") step.prepend = Prepend::kAlways;
  if (scheme == "first") step.prepend = Prepend::kFirst;
  if (scheme == "never") step.prepend = Prepend::kNever;
  return step;
}

Result<PreTokenizer::Behavior> PreTokenizer::parse_behavior(const Json& definition,
                                                            Behavior fallback) {
  constexpr std::array<std::pair<std::string_view, Behavior>, 5> kNames = {
      {{"Removed", Behavior::kRemoved},
       {"Isolated", Behavior::kIsolated},
       {"MergedWithPrevious", Behavior::kMergedWithPrevious},
       {"MergedWithNext", Behavior::kMergedWithNext},
       {"Contiguous", Behavior::kContiguous}}};
  const std::optional<std::string> name = PJ_TRY(get_string(definition, "behavior"));
  if (!name) return fallback;
  for (const auto& [known, behavior] : kNames) {
    if (known == *name) return behavior;
  }
  return make_error(ErrorCode::kUnsupported, "the split behavior '{}' is not known", *name);
}

Result<std::vector<PreTokenizer::Part>> PreTokenizer::find_parts(const Step& step,
                                                                 std::string_view word) {
  std::vector<TextRange> matches;
  if (step.kind == Kind::kDigits) {
    matches = find_class(word, is_unicode_number);
  } else if (step.kind == Kind::kPunctuation) {
    matches = find_class(word, is_unicode_punctuation);
  } else if (step.kind == Kind::kSpaces) {
    matches = find_class(word, is_unicode_space);
  } else if (step.splitter != nullptr) {
    step.splitter(word, {0, word.size()}, matches);
  } else if (step.regex) {
    matches = PJ_TRY(step.regex->find_all(word));
  } else {
    matches = find_literal(word, step.text);
  }
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  std::size_t offset = 0;
  for (const TextRange& match : matches) {
    if (match.begin > offset) parts.push_back({{offset, match.begin}, step.invert});
    parts.push_back({match, !step.invert});
    offset = match.end;
  }
  if (offset < word.size()) parts.push_back({{offset, word.size()}, step.invert});
  return parts;
}

std::vector<TextRange> PreTokenizer::keep(std::vector<Part> parts, Behavior behavior) {
  std::vector<TextRange> kept;
  if (behavior == Behavior::kMergedWithNext) std::ranges::reverse(parts);
  bool previous_is_match = false;
  for (const Part& part : parts) {
    bool joins = false;
    if (behavior == Behavior::kContiguous) {
      joins = part.is_match == previous_is_match;
    } else if (behavior != Behavior::kIsolated && behavior != Behavior::kRemoved) {
      joins = part.is_match && !previous_is_match;
    }
    previous_is_match = part.is_match;
    if (behavior == Behavior::kRemoved && part.is_match) continue;
    if (joins && !kept.empty()) {
      kept.back().begin = std::min(kept.back().begin, part.range.begin);
      kept.back().end = std::max(kept.back().end, part.range.end);
    } else {
      kept.push_back(part.range);
    }
  }
  if (behavior == Behavior::kMergedWithNext) std::ranges::reverse(kept);
  std::erase_if(kept, [](TextRange range) { return range.end <= range.begin; });
  return kept;
}

Status PreTokenizer::cut_range(const Step& step, std::string_view text, TextRange range,
                               std::vector<TextRange>& words) {
  // A splitter's matches cover all of the text: to remove what is none removes nothing.
  const bool is_isolated =
      step.behavior == Behavior::kIsolated || (step.behavior == Behavior::kRemoved && step.invert);
  if (step.splitter != nullptr && is_isolated) {
    step.splitter(text, range, words);
    return {};
  }
  if (step.kind == Kind::kByteLevel && !step.regex) {
    words.push_back(range);
    return {};
  }
  std::vector<Part> parts =
      PJ_TRY(find_parts(step, text.substr(range.begin, range.end - range.begin)));
  for (const TextRange& kept : keep(std::move(parts), step.behavior)) {
    words.push_back({range.begin + kept.begin, range.begin + kept.end});
  }
  return {};
}

bool PreTokenizer::only_cuts() const {
  for (std::size_t index = 0; index < steps_.size(); ++index) {
    const Step& step = steps_[index];
    if (step.kind == Kind::kMetaspace || step.add_prefix_space) return false;
    // A step behind the spelling of bytes would see other characters.
    if (step.kind == Kind::kByteLevel && index + 1 < steps_.size()) return false;
  }
  return true;
}

bool PreTokenizer::spells_bytes() const {
  return std::ranges::any_of(steps_,
                             [](const Step& step) { return step.kind == Kind::kByteLevel; });
}

Result<std::vector<TextRange>> PreTokenizer::cut(std::string_view text) const {
  std::vector<TextRange> words;
  if (!text.empty()) words.push_back({0, text.size()});
  for (const Step& step : steps_) {
    std::vector<TextRange> next;
    next.reserve(words.size() == 1 ? text.size() / 4 : words.size() * 2);
    for (const TextRange& word : words) {
      const Status status = cut_range(step, text, word, next);
      if (!status) return std::unexpected(status.error());
    }
    words = std::move(next);
  }
  return words;
}

Result<std::vector<std::string>> PreTokenizer::run_step(const Step& step, std::string word,
                                                        bool is_start) {
  if (step.kind == Kind::kByteLevel && step.add_prefix_space && !word.starts_with(' ')) {
    word.insert(word.begin(), ' ');
  }
  if (step.kind == Kind::kMetaspace) {
    word = replace_all(word, " ", step.text);
    const bool wanted =
        step.prepend == Prepend::kAlways || (step.prepend == Prepend::kFirst && is_start);
    if (wanted && !word.starts_with(step.text)) word.insert(0, step.text);
    if (!step.split_at_space) return std::vector<std::string>{std::move(word)};
  }
  std::vector<TextRange> ranges;
  const Status status = cut_range(step, word, {0, word.size()}, ranges);
  if (!status) return std::unexpected(status.error());
  std::vector<std::string> words;
  words.reserve(ranges.size());
  for (const TextRange& range : ranges) {
    words.emplace_back(word, range.begin, range.end - range.begin);
    if (step.kind == Kind::kByteLevel) words.back() = to_byte_level(words.back());
  }
  return words;
}

Result<std::vector<std::string>> PreTokenizer::run(std::string_view text, bool is_start) const {
  std::vector<std::string> words;
  if (!text.empty()) words.emplace_back(text);
  for (const Step& step : steps_) {
    std::vector<std::string> next;
    next.reserve(words.size());
    bool first = is_start;
    for (std::string& word : words) {
      std::vector<std::string> pieces = PJ_TRY(run_step(step, std::move(word), first));
      std::ranges::move(pieces, std::back_inserter(next));
      first = false;
    }
    words = std::move(next);
  }
  return words;
}

}  // namespace pajamas
