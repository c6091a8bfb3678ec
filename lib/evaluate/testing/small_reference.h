// SPDX-License-Identifier: Apache-2.0
// A small file of reference logits in either form, made of seeded numbers.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "evaluate/reference/reference_logits.h"

namespace pajamas::testing_support {

inline ReferenceHeader small_header() {
  ReferenceHeader header{.context = 6,
                         .vocab = 11,
                         .windows = 3,
                         .bos = 2,
                         .model = "model",
                         .model_fingerprint = "0123",
                         .corpus = "text",
                         .corpus_sha256 = "4567"};
  for (std::int32_t i = 0; i < 18; ++i) header.tokens.push_back(i * 7 % 11);
  return header;
}

// The logits of a row; one token stands out, so that some fall below what is kept.
inline std::vector<float> small_logits(const ReferenceHeader& header, std::int64_t window,
                                       std::int64_t row) {
  std::vector<float> logits(static_cast<std::size_t>(header.vocab));
  std::uint64_t seed = static_cast<std::uint64_t>(window * 100 + row + 1);
  for (float& logit : logits) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    logit = static_cast<float>(seed >> 60) - 14.0F;
  }
  logits[static_cast<std::size_t>((window + row) % header.vocab)] = 9.0F;
  return logits;
}

inline std::int32_t small_target(const ReferenceHeader& header, std::int64_t window,
                                 std::int64_t row) {
  return header
      .tokens[static_cast<std::size_t>(window * header.context + header.context / 2 + 1 + row)];
}

// Appends the windows [first, last) and answers their marks.
inline std::vector<ReferenceMark> append_windows(ReferenceWriter& writer,
                                                 const ReferenceHeader& header, std::int64_t first,
                                                 std::int64_t last) {
  std::vector<ReferenceMark> marks;
  for (std::int64_t window = first; window < last; ++window) {
    std::vector<std::vector<std::byte>> rows;
    for (std::int64_t row = 0; row < header.rows(); ++row) {
      const std::vector<float> logits = small_logits(header, window, row);
      rows.push_back(
          writer.encode_row(logits, *normalize(logits), small_target(header, window, row)));
    }
    const auto mark = writer.append(rows);
    EXPECT_TRUE(mark.has_value());
    marks.push_back(*mark);
  }
  return marks;
}

inline void write_small_reference(std::string_view format, const std::filesystem::path& path) {
  const ReferenceHeader header = small_header();
  auto writer = create_reference(format, path, header, {});
  ASSERT_TRUE(writer.has_value());
  append_windows(**writer, header, 0, header.windows);
  ASSERT_TRUE((*writer)->publish().has_value());
}

}  // namespace pajamas::testing_support
