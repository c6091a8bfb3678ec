// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_split.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/checked_math.h"
#include "formats/gguf/gguf_types.h"

namespace pajamas {
namespace {

// Exactly five digits with a value from 1 on.
std::optional<std::uint64_t> parse_five_digits(std::string_view digits) {
  std::uint64_t value = 0;
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value == 0 ? std::nullopt : std::optional(value);
}

Result<std::vector<std::size_t>> divide(const std::vector<GgufTensorEntry>& tensors,
                                        const GgufSplitOptions& options) {
  // The layout of one file with all tensors checks every one of them and gives padded sizes.
  const GgufLayout whole = PJ_TRY(plan_gguf({}, tensors));
  std::vector<std::size_t> tensors_per_file;
  if (options.no_tensor_first_split) tensors_per_file.push_back(0);
  tensors_per_file.push_back(0);
  std::uint64_t bytes_in_file = 0;
  for (std::size_t place = 0; place < tensors.size(); ++place) {
    const std::uint64_t end =
        place + 1 < tensors.size() ? whole.tensor_offsets[place + 1] : whole.file_bytes;
    const std::uint64_t bytes = end - whole.tensor_offsets[place];
    const std::size_t in_file = tensors_per_file.back();
    const bool too_many = options.max_tensors != 0 && in_file == options.max_tensors;
    const bool too_big = options.max_bytes != 0 && bytes_in_file + bytes > options.max_bytes;
    if (in_file > 0 && (too_many || too_big)) {
      tensors_per_file.push_back(0);
      bytes_in_file = 0;
    }
    tensors_per_file.back() += 1;
    bytes_in_file += bytes;
  }
  return tensors_per_file;
}

}  // namespace

Result<std::vector<GgufSplit>> plan_gguf_split(const Metadata& metadata,
                                               const std::vector<GgufTensorEntry>& tensors,
                                               const GgufSplitOptions& options) {
  const std::vector<std::size_t> tensors_per_file = PJ_TRY(divide(tensors, options));
  return plan_gguf_split_at(metadata, tensors, tensors_per_file);
}

Result<std::vector<GgufSplit>> plan_gguf_split_at(const Metadata& metadata,
                                                  const std::vector<GgufTensorEntry>& tensors,
                                                  std::span<const std::size_t> tensors_per_file) {
  PJ_CHECK(std::accumulate(tensors_per_file.begin(), tensors_per_file.end(), std::size_t{0}) ==
           tensors.size());
  if (tensors_per_file.empty() || tensors_per_file.size() > kMaxGgufSplits) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} tensors in {} files, expected 1 to {} files; allow more in each",
                      tensors.size(), tensors_per_file.size(), kMaxGgufSplits);
  }
  if (!std::in_range<std::int32_t>(tensors.size())) {
    return make_error(ErrorCode::kInvalidArgument, "{} tensors, expected under 2^31",
                      tensors.size());
  }
  std::vector<GgufSplit> splits;
  std::size_t first_tensor = 0;
  for (std::size_t no = 0; no < tensors_per_file.size(); ++no) {
    Metadata keys;
    std::uint32_t alignment = kGgufDefaultAlignment;
    if (no == 0) {
      keys = metadata;
      for (const std::string_view key : {kSplitNoKey, kSplitCountKey, kSplitTensorsKey}) {
        keys.erase(key);
      }
      const auto* stored = metadata.find_as<std::uint32_t>(kGgufAlignmentKey);
      if (stored != nullptr) alignment = *stored;
    }
    keys.set(kSplitNoKey, static_cast<std::uint16_t>(no));
    keys.set(kSplitCountKey, static_cast<std::uint16_t>(tensors_per_file.size()));
    keys.set(kSplitTensorsKey, static_cast<std::int32_t>(tensors.size()));
    const auto begin = tensors.begin() + static_cast<std::ptrdiff_t>(first_tensor);
    const std::vector<GgufTensorEntry> part(
        begin, begin + static_cast<std::ptrdiff_t>(tensors_per_file[no]));
    splits.push_back(
        {PJ_TRY(plan_gguf(keys, part, alignment)), first_tensor, tensors_per_file[no]});
    first_tensor += tensors_per_file[no];
  }
  return splits;
}

std::string gguf_split_name(std::string_view prefix, std::uint64_t no, std::uint64_t count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, no + 1, count);
}

std::optional<GgufSplitName> parse_gguf_split_name(std::string_view file_name) {
  constexpr std::string_view kPattern = "-00000-of-00000.gguf";
  if (file_name.size() < kPattern.size()) return std::nullopt;
  const std::string_view prefix = file_name.substr(0, file_name.size() - kPattern.size());
  const std::string_view ending = file_name.substr(prefix.size());
  if (ending[0] != '-' || ending.substr(6, 4) != "-of-" || ending.substr(15) != ".gguf") {
    return std::nullopt;
  }
  const auto number = parse_five_digits(ending.substr(1, 5));
  const auto count = parse_five_digits(ending.substr(10, 5));
  if (!number || !count || *number > *count) return std::nullopt;
  return GgufSplitName{std::string(prefix), *number - 1, *count};
}

}  // namespace pajamas
