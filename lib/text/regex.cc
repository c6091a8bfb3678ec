// SPDX-License-Identifier: Apache-2.0
#include "text/regex.h"

#include <array>
#include <string>
#include <utility>

#include <oniguruma.h>

#include "base/check.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxPatternBytes = std::size_t{64} << 10;
constexpr unsigned kMaxParseDepth = 256;
// Real patterns need a few dozen steps a match; these stop a search within about a second.
constexpr unsigned long kMaxRetriesInMatch = 1'000'000;
constexpr unsigned long kMaxRetriesInSearch = 10'000'000;
constexpr unsigned kMaxMatchStack = 1'000'000;

// The library's tables are set up once per process.
bool initialize_library() {
  static const bool ready = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    if (onig_initialize(encodings, 1) != ONIG_NORMAL) return false;
    onig_set_parse_depth_limit(kMaxParseDepth);
    return true;
  }();
  return ready;
}

const OnigUChar* as_onig(const char* text) {
  return reinterpret_cast<const OnigUChar*>(text);  // unsigned char: the library's idea of a text
}

std::string error_text(int code, OnigErrorInfo* info) {
  std::array<OnigUChar, ONIG_MAX_ERROR_MESSAGE_LEN> buffer{};
  const int bytes = info == nullptr ? onig_error_code_to_str(buffer.data(), code)
                                    : onig_error_code_to_str(buffer.data(), code, info);
  return {buffer.begin(), buffer.begin() + bytes};
}

struct RegionDeleter {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};
struct MatchParamDeleter {
  void operator()(OnigMatchParam* param) const { onig_free_match_param(param); }
};

using MatchParam = std::unique_ptr<OnigMatchParam, MatchParamDeleter>;

MatchParam make_match_param() {
  MatchParam param(onig_new_match_param());
  PJ_CHECK(param != nullptr);
  onig_initialize_match_param(param.get());
  onig_set_match_stack_limit_size_of_match_param(param.get(), kMaxMatchStack);
  onig_set_retry_limit_in_match_of_match_param(param.get(), kMaxRetriesInMatch);
  onig_set_retry_limit_in_search_of_match_param(param.get(), kMaxRetriesInSearch);
  return param;
}

}  // namespace

std::vector<TextRange> find_literal(std::string_view text, std::string_view literal) {
  std::vector<TextRange> ranges;
  if (literal.empty()) return ranges;
  for (std::size_t at = text.find(literal); at != std::string_view::npos;
       at = text.find(literal, at + literal.size())) {
    ranges.push_back({at, at + literal.size()});
  }
  return ranges;
}

void Regex::Deleter::operator()(re_pattern_buffer* pattern) const { onig_free(pattern); }

Result<Regex> Regex::compile(std::string_view pattern) {
  PJ_CHECK(initialize_library());
  if (pattern.size() > kMaxPatternBytes || !is_valid_utf8(pattern)) {
    return make_error(ErrorCode::kInvalidData,
                      "a pattern of {} bytes, expected valid UTF-8 of at most {}", pattern.size(),
                      kMaxPatternBytes);
  }
  OnigRegex compiled = nullptr;
  OnigErrorInfo info{};
  const OnigUChar* begin = as_onig(pattern.data());
  const int code = onig_new(&compiled, begin, begin + pattern.size(), ONIG_OPTION_NONE,
                            ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
  if (code != ONIG_NORMAL) {
    return make_error(ErrorCode::kInvalidData, "the pattern '{}' does not compile: {}",
                      pattern.substr(0, 200), error_text(code, &info));
  }
  return Regex(compiled);
}

Result<std::vector<TextRange>> Regex::find_all(std::string_view text) const {
  const std::unique_ptr<OnigRegion, RegionDeleter> region(onig_region_new());
  const MatchParam param = make_match_param();
  PJ_CHECK(region != nullptr);
  const OnigUChar* begin = as_onig(text.data());
  const OnigUChar* end = begin + text.size();
  std::vector<TextRange> matches;
  std::size_t offset = 0;
  while (offset <= text.size()) {
    onig_region_clear(region.get());
    const int found = onig_search_with_param(pattern_.get(), begin, end, begin + offset, end,
                                             region.get(), ONIG_OPTION_NONE, param.get());
    if (found == ONIG_MISMATCH) break;
    if (found < 0) {
      return make_error(ErrorCode::kInvalidData, "a pattern stopped at offset {} of a text: {}",
                        offset, error_text(found, nullptr));
    }
    const TextRange match{static_cast<std::size_t>(region->beg[0]),
                          static_cast<std::size_t>(region->end[0])};
    if (match.begin == match.end && !matches.empty() && matches.back().end == match.end) {
      const std::size_t step = code_point_at(text, offset).bytes;
      offset += step == 0 ? 1 : step;
      continue;
    }
    matches.push_back(match);
    offset = match.end;
  }
  return matches;
}

}  // namespace pajamas
