// SPDX-License-Identifier: Apache-2.0
// What one rendering may cost. A template is hostile input: each step, each byte of a value that is
// made and each level of nesting is paid from here, and an empty budget is an error.
//
// Bytes are counted when they are made and never given back: the sum bounds the copying as well as
// the memory. One Budget belongs to one rendering in one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace pajamas::jinja {

struct Limits {
  // A step is one node of the template or one element of a sequence that is visited.
  std::uint64_t max_steps = 1'000'000;
  std::uint64_t max_made_bytes = std::uint64_t{32} << 20;
  std::uint64_t max_output_bytes = std::uint64_t{16} << 20;
  int max_depth = 800;  // of nested statements, expressions and macro calls
};

// Values nest at most this deep; printing, comparing and freeing them recurses.
inline constexpr int kMaxValueDepth = 128;

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  [[nodiscard]] Status spend_steps(std::uint64_t count = 1) {
    steps_ += count;
    if (steps_ <= limits_.max_steps) return {};
    return make_error(ErrorCode::kInvalidData,
                      "the template needs more than {} steps, the limit of one rendering",
                      limits_.max_steps);
  }
  // Call before the bytes are allocated.
  [[nodiscard]] Status spend_bytes(std::uint64_t bytes) {
    if (bytes <= limits_.max_made_bytes - made_bytes_) {
      made_bytes_ += bytes;
      return spend_steps(bytes / kBytesPerStep);
    }
    return make_error(ErrorCode::kInvalidData,
                      "the template makes more than {} bytes of values, the limit of one rendering",
                      limits_.max_made_bytes);
  }
  // Work over text that makes nothing: searching, comparing, counting.
  [[nodiscard]] Status spend_reading(std::uint64_t bytes) {
    return spend_steps(bytes / kBytesPerStep);
  }
  // Work that looks every code point up in the Unicode tables.
  [[nodiscard]] Status spend_lookups(std::uint64_t bytes) { return spend_steps(bytes / 4); }
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  static constexpr std::uint64_t kBytesPerStep = 64;

  Limits limits_;
  std::uint64_t steps_ = 0;
  std::uint64_t made_bytes_ = 0;
};

}  // namespace pajamas::jinja
