// SPDX-License-Identifier: Apache-2.0
//
// bytes:  u32 size of the array in bytes, the array of u32 units, the replacements
// unit:   bits 0-7 label, bit 8 has a leaf, bit 9 offset is in units of 256, bits 10-30 offset;
//         of a leaf: bits 0-30 offset of its replacement, bit 31 set
#include "text/charsmap.h"

#include <algorithm>

#include <utf8proc.h>

#include "text/base64.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
// Clusters that are shorter are replaced whole (tokenizers' rule).
constexpr std::size_t kShortClusterBytes = 6;

std::uint32_t unit_offset(std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200U) >> 6); }
std::uint32_t unit_label(std::uint32_t unit) { return unit & 0x800000ffU; }
bool has_leaf(std::uint32_t unit) { return (unit & 0x100U) != 0; }

}  // namespace

Result<Charsmap> Charsmap::parse(std::span<const std::uint8_t> bytes) {
  Charsmap map;
  if (bytes.empty()) return map;
  const auto word_at = [&](std::size_t offset) {
    return static_cast<std::uint32_t>(bytes[offset]) |
           (static_cast<std::uint32_t>(bytes[offset + 1]) << 8) |
           (static_cast<std::uint32_t>(bytes[offset + 2]) << 16) |
           (static_cast<std::uint32_t>(bytes[offset + 3]) << 24);
  };
  const std::size_t array_bytes = bytes.size() < 4 ? 0 : word_at(0);
  if (bytes.size() < 4 || bytes.size() > kMaxBytes || array_bytes > bytes.size() - 4 ||
      array_bytes % 4 != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "a normalization table of {} bytes says that {} are its index, expected a "
                      "multiple of 4 that fits, and at most {} bytes",
                      bytes.size(), array_bytes, kMaxBytes);
  }
  map.units_.reserve(array_bytes / 4);
  for (std::size_t offset = 4; offset < 4 + array_bytes; offset += 4) {
    map.units_.push_back(word_at(offset));
  }
  map.replacements_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(4 + array_bytes),
                           bytes.end());
  return map;
}

Result<Charsmap> Charsmap::parse_base64(std::string_view text) {
  const std::optional<std::string> bytes = decode_base64(text);
  if (!bytes) {
    return make_error(ErrorCode::kInvalidData, "a normalization table is not valid base64");
  }
  return parse(std::vector<std::uint8_t>(bytes->begin(), bytes->end()));
}

Charsmap::Match Charsmap::match(std::string_view text, Pick pick) const {
  Match best;
  if (units_.empty()) return best;
  std::size_t node = unit_offset(units_[0]);
  for (std::size_t index = 0; index < text.size(); ++index) {
    const auto byte = static_cast<std::uint8_t>(text[index]);
    node ^= byte;
    if (byte == 0 || node >= units_.size()) break;
    const std::uint32_t unit = units_[node];
    if (unit_label(unit) != byte) break;
    node ^= unit_offset(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) break;
    const std::size_t at = units_[node] & 0x7fffffffU;
    if (at >= replacements_.size()) break;
    const std::string_view rest = std::string_view(replacements_).substr(at);
    best = {index + 1, rest.substr(0, rest.find('\0'))};
    if (pick == Pick::kShortest) break;
  }
  return best;
}

std::string Charsmap::run_longest(std::string_view text) const {
  std::string result;
  result.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const Match found = match(text.substr(offset), Pick::kLongest);
    if (found.bytes != 0) {
      result.append(found.replacement);
      offset += found.bytes;
      continue;
    }
    const std::size_t bytes = std::max<std::size_t>(code_point_at(text, offset).bytes, 1);
    result.append(text.substr(offset, bytes));
    offset += bytes;
  }
  return result;
}

void Charsmap::append_cluster(std::string_view cluster, std::string& result) const {
  if (cluster.size() < kShortClusterBytes) {
    if (const Match found = match(cluster, Pick::kShortest); found.bytes != 0) {
      result.append(found.replacement);
      return;
    }
  }
  for (std::size_t offset = 0; offset < cluster.size();) {
    const std::size_t bytes = std::max<std::size_t>(code_point_at(cluster, offset).bytes, 1);
    const std::string_view character = cluster.substr(offset, bytes);
    const Match found = match(character, Pick::kShortest);
    result.append(found.bytes != 0 ? found.replacement : character);
    offset += bytes;
  }
}

std::string Charsmap::run_clusters(std::string_view text) const {
  std::string result;
  result.reserve(text.size());
  std::size_t start = 0;
  utf8proc_int32_t state = 0;
  CodePoint previous = code_point_at(text, 0);
  for (std::size_t offset = previous.bytes; offset < text.size();) {
    const CodePoint next = code_point_at(text, offset);
    if (next.bytes == 0) break;  // the text is valid UTF-8
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      append_cluster(text.substr(start, offset - start), result);
      start = offset;
    }
    previous = next;
    offset += next.bytes;
  }
  append_cluster(text.substr(start), result);
  return result;
}

}  // namespace pajamas
