// SPDX-License-Identifier: Apache-2.0
// Any bytes as an importance matrix: an error, or finite values that fit their matrices.
#include <cmath>

#include "base/check.h"
#include "formats/imatrix/imatrix_file.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  file.set_content({data, bytes});
  const auto imatrix = pajamas::read_imatrix(file.path());
  if (!imatrix) return 0;
  PJ_CHECK(!imatrix->entries.empty());
  for (const auto& [name, entry] : imatrix->entries) {
    PJ_CHECK(entry.matrices > 0 && !entry.values.empty());
    PJ_CHECK(entry.values.size() % static_cast<std::size_t>(entry.matrices) == 0);
    for (const float value : entry.values) PJ_CHECK(std::isfinite(value) && value >= 0.0F);
  }
  return 0;
}
