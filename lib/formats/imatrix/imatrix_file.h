// SPDX-License-Identifier: Apache-2.0
// Importance matrices: how strongly each input column of a weight was activated on calibration
// text. Reads llama.cpp's GGUF form and its legacy .dat form, told apart by content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace pajamas {

struct ImatrixEntry {
  // Mean squared activation, matrices x columns; one matrix per expert, else one. Experts that were
  // never hit have all ones, as llama.cpp reads them.
  std::vector<float> values;
  std::int64_t matrices = 1;
};

struct Imatrix {
  std::map<std::string, ImatrixEntry, std::less<>> entries;  // by GGUF tensor name
  std::vector<std::string> datasets;
  std::int64_t chunk_count = 0;
};

// Every value must be finite and not negative; counts and sizes are checked against the file.
Result<Imatrix> read_imatrix(const std::filesystem::path& path);

}  // namespace pajamas
