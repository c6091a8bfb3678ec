// SPDX-License-Identifier: Apache-2.0
#include "text/bpe_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "text/tokenizer_folder.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace pajamas {
namespace {

// Twice what the vocabulary limit allows when every token is the result of two merges.
constexpr std::size_t kMaxMerges = static_cast<std::size_t>(kMaxTokens) * 2;

// Marks on pieces are one or a few characters ("##", "</w>").
constexpr std::size_t kMaxAffixBytes = 64;

Result<TokenIds> parse_vocabulary(const Json* vocabulary) {
  if (vocabulary == nullptr || !vocabulary->is_object()) {
    return make_error(ErrorCode::kInvalidData, "the BPE model has no 'vocab' object");
  }
  if (vocabulary->size() > static_cast<std::size_t>(kMaxTokens)) {
    return make_error(ErrorCode::kInvalidData, "the vocabulary has {} entries, expected at most {}",
                      vocabulary->size(), kMaxTokens);
  }
  TokenIds ids;
  ids.reserve(vocabulary->size());
  for (const auto& [token, value] : vocabulary->get_ref<const Json::object_t&>()) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
        value.get<std::int64_t>() >= kMaxTokens) {
      return make_error(ErrorCode::kInvalidData, "the token '{}' has the id {}, expected 0 to {}",
                        token, value.dump(-1, ' ', false, Json::error_handler_t::replace),
                        kMaxTokens - 1);
    }
    ids.emplace(token, value.get<std::int32_t>());
  }
  return ids;
}

// "left right". Where a piece itself holds a space, the vocabulary tells which space divides.
std::optional<BpeMerge> split_merge(const std::string& text, const TokenIds& ids) {
  constexpr std::size_t kMaxAmbiguousBytes = 256;
  const auto at = [&](std::size_t space) {
    return BpeMerge{text.substr(0, space), text.substr(space + 1)};
  };
  const std::size_t first = text.find(' ');
  if (first == std::string::npos) return std::nullopt;
  if (text.find(' ', first + 1) == std::string::npos) {
    if (first == 0 || first + 1 == text.size()) return std::nullopt;
    return at(first);
  }
  if (text.size() > kMaxAmbiguousBytes) return std::nullopt;
  for (std::size_t space = first; space != std::string::npos; space = text.find(' ', space + 1)) {
    BpeMerge merge = at(space);
    if (ids.contains(merge.left) && ids.contains(merge.right)) return merge;
  }
  return std::nullopt;
}

Result<std::optional<BpeMerge>> parse_merge(const Json& entry, std::size_t index,
                                            const TokenIds& ids) {
  if (entry.is_string()) return split_merge(entry.get_ref<const std::string&>(), ids);
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
    BpeMerge merge{entry[0].get<std::string>(), entry[1].get<std::string>()};
    if (merge.left.empty() || merge.right.empty()) return std::nullopt;
    return merge;
  }
  return make_error(ErrorCode::kInvalidData,
                    "merge {} is {}, expected \"left right\" or [\"left\", \"right\"]", index,
                    entry.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
}

Status parse_merges(const Json* list, BpeModel& model) {
  if (list == nullptr) return {};
  if (!list->is_array() || list->size() > kMaxMerges) {
    return make_error(ErrorCode::kInvalidData, "'merges' is no list of at most {} entries",
                      kMaxMerges);
  }
  model.merges.reserve(list->size());
  std::size_t malformed = 0;
  std::size_t index = 0;
  for (const Json& entry : *list) {
    std::optional<BpeMerge> merge = PJ_TRY(parse_merge(entry, index++, model.ids));
    if (merge) {
      model.merges.push_back(std::move(*merge));
    } else {
      ++malformed;
    }
  }
  if (malformed > 0) {
    model.warnings.push_back(
        fmt::format("{} of {} merges are no pair of pieces and are left out", malformed, index));
  }
  return {};
}

void check_merges(BpeModel& model) {
  std::size_t unknown = 0;
  std::string example;
  for (const BpeMerge& merge : model.merges) {
    const bool known =
        model.ids.contains(merge.left) && model.ids.contains(merge.right) &&
        model.ids.contains(merge.left + merge.right.substr(std::min(model.continuing_prefix.size(),
                                                                    merge.right.size())));
    if (known) continue;
    if (unknown++ == 0) example = merge.left + " " + merge.right;
  }
  if (unknown > 0) {
    model.warnings.push_back(
        fmt::format("{} of {} merges name a piece that is not in the vocabulary, the first is '{}'",
                    unknown, model.merges.size(), example));
  }
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Words between white space; stops after the third, which makes the line wrong anyway.
std::vector<std::string_view> split_words(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (words.size() < 3) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) break;
    const std::size_t start = at;
    while (at < line.size() && !is_blank(line[at])) ++at;
    words.push_back(line.substr(start, at - start));
  }
  return words;
}

}  // namespace

std::optional<std::int32_t> BpeModel::find(std::string_view token) const {
  const auto found = ids.find(token);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

Result<BpeModel> parse_bpe_model(const Json& model) {
  BpeModel result;
  result.ids = PJ_TRY(parse_vocabulary(find_member(model, "vocab")));
  const Status merges = parse_merges(find_member(model, "merges"), result);
  if (!merges) return std::unexpected(merges.error());
  result.unknown_token = PJ_TRY(get_string(model, "unk_token"));
  result.continuing_prefix = PJ_TRY(get_string(model, "continuing_subword_prefix")).value_or("");
  result.end_suffix = PJ_TRY(get_string(model, "end_of_word_suffix")).value_or("");
  result.fuse_unknown = PJ_TRY(get_bool(model, "fuse_unk")).value_or(false);
  result.byte_fallback = PJ_TRY(get_bool(model, "byte_fallback")).value_or(false);
  result.ignore_merges = PJ_TRY(get_bool(model, "ignore_merges")).value_or(false);
  if (result.continuing_prefix.size() > kMaxAffixBytes ||
      result.end_suffix.size() > kMaxAffixBytes) {
    return make_error(
        ErrorCode::kInvalidData, "a word prefix or suffix has {} bytes, expected at most {}",
        std::max(result.continuing_prefix.size(), result.end_suffix.size()), kMaxAffixBytes);
  }
  check_merges(result);
  return result;
}

Result<std::vector<BpeMerge>> read_merges_file(const std::filesystem::path& path,
                                               std::vector<std::string>& warnings) {
  const std::string text = PJ_TRY(read_text_file(path, kMaxTokenizerBytes));
  if (!is_valid_utf8(text)) {
    return make_error(ErrorCode::kInvalidData, "'{}' is not valid UTF-8", path.string());
  }
  std::vector<BpeMerge> merges;
  std::size_t line_number = 0;
  std::size_t malformed = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", start), text.size());
    const std::string_view line = std::string_view(text).substr(start, end - start);
    start = end + 1;
    const std::vector<std::string_view> words = split_words(line);
    // Only the first line can be a comment: "#" also starts pieces.
    if (++line_number == 1 && !words.empty() && words[0].starts_with('#')) continue;
    if (words.size() == 2) {
      merges.push_back({std::string(words[0]), std::string(words[1])});
    } else if (!words.empty()) {
      ++malformed;
    }
  }
  if (malformed > 0) {
    warnings.push_back(fmt::format("'{}': {} lines are no pair of pieces and are left out",
                                   path.string(), malformed));
  }
  return merges;
}

Result<BpeModel> read_bpe_files(const std::filesystem::path& folder) {
  const JsonLimits limits{.max_bytes = kMaxTokenizerBytes, .max_depth = 64};
  const Json vocabulary = PJ_TRY(read_json_file(folder / "vocab.json", limits));
  BpeModel result;
  Result<TokenIds> ids = parse_vocabulary(&vocabulary);
  if (!ids) {
    return std::unexpected(ids.error().with_context((folder / "vocab.json").string()));
  }
  result.ids = std::move(*ids);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(folder / "merges.txt", ignored)) {
    result.merges = PJ_TRY(read_merges_file(folder / "merges.txt", result.warnings));
  }
  check_merges(result);
  return result;
}

std::vector<std::string> merge_lines(const BpeModel& model) {
  constexpr std::string_view kSpaceInPiece = "\xc4\xa0";  // U+0120 = 256 + ' '
  std::vector<std::string> lines;
  lines.reserve(model.merges.size());
  for (const BpeMerge& merge : model.merges) {
    lines.push_back(replace_all(merge.left, " ", kSpaceInPiece) + " " +
                    replace_all(merge.right, " ", kSpaceInPiece));
  }
  return lines;
}

}  // namespace pajamas
