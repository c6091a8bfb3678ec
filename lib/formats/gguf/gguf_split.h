// SPDX-License-Identifier: Apache-2.0
// A model over several GGUF files: their names, their split.* keys, and which tensors go where.
//
// All keys of the model stand in the first file; the others have only the split.* keys. Each file
// has its own data section. Same results as llama-gguf-split, except that a first tensor over
// max_bytes gets a file of its own (as a later one does there) instead of an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/gguf/gguf_layout.h"

namespace pajamas {

inline constexpr std::string_view kSplitNoKey = "split.no";                  // u16, from 0
inline constexpr std::string_view kSplitCountKey = "split.count";            // u16
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";  // i32, of the set
inline constexpr std::uint64_t kMaxGgufSplits = 1000;

struct GgufSplitOptions {
  std::uint64_t max_tensors = 0;  // in one file; 0: no such limit
  std::uint64_t max_bytes = 0;    // of padded tensor data in one file; 0: no such limit
  bool no_tensor_first_split = false;
};

struct GgufSplit {
  GgufLayout layout;
  std::size_t first_tensor = 0;  // index into the tensors given; layout.tensor_offsets[0] is its
  std::size_t tensor_count = 0;
};

// A file is closed when the next tensor would pass either limit. A model that fits one file gives
// one split, still with split.* keys.
Result<std::vector<GgufSplit>> plan_gguf_split(const Metadata& metadata,
                                               const std::vector<GgufTensorEntry>& tensors,
                                               const GgufSplitOptions& options);

// The same with given numbers of tensors per file (to keep the split of a source).
Result<std::vector<GgufSplit>> plan_gguf_split_at(const Metadata& metadata,
                                                  const std::vector<GgufTensorEntry>& tensors,
                                                  std::span<const std::size_t> tensors_per_file);

// "model-00001-of-00003.gguf" for ("model", 0, 3).
std::string gguf_split_name(std::string_view prefix, std::uint64_t no, std::uint64_t count);

struct GgufSplitName {
  std::string prefix;
  std::uint64_t no = 0;  // from 0
  std::uint64_t count = 0;
};
// Nothing when the name does not have that form.
std::optional<GgufSplitName> parse_gguf_split_name(std::string_view file_name);

}  // namespace pajamas
