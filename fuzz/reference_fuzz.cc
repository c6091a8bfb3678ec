// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of reference logits, in either form: an error, or rows that can be compared
// with any logits of that vocabulary.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "evaluate/reference/reference_logits.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  file.set_content({data, bytes});
  const auto reader = pajamas::open_reference(file.path());
  if (!reader) return 0;
  const pajamas::ReferenceHeader& header = (*reader)->header();
  PJ_CHECK(static_cast<std::int64_t>(header.tokens.size()) == header.windows * header.context);
  // A header alone may speak of many tokens that no row keeps.
  if (header.vocab > 1 << 16) return 0;
  const std::vector<float> logits(static_cast<std::size_t>(header.vocab), 1.0F);
  const auto normalizer = pajamas::normalize(logits);
  PJ_CHECK(normalizer.has_value());
  for (std::int64_t window = 0; window < std::min<std::int64_t>(header.windows, 64); ++window) {
    const auto read = (*reader)->read_window(window);
    if (!read) continue;
    for (const auto& row : read->rows) {
      const auto decoded = (*reader)->decode_row(row, 0);
      if (!decoded) continue;
      PJ_CHECK(decoded->top >= 0 && decoded->top < header.vocab);
      PJ_CHECK(decoded->ids.size() == decoded->log_probabilities.size());
      PJ_CHECK(std::isfinite(pajamas::compare_row(*decoded, logits, *normalizer, 0).kl));
    }
  }
  return 0;
}
