// SPDX-License-Identifier: Apache-2.0
// A small GGUF model file with seeded weights, for tests of the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "formats/gguf/gguf_layout.h"

namespace pajamas::testing_support {

// Small multiples of 1/1024 from a seeded generator: exact in F32 and F16.
inline std::vector<float> seeded_values(std::uint64_t seed, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    value = static_cast<float>(static_cast<std::int64_t>(seed >> 52) - 2048) / 1024.0F;
  }
  return values;
}

struct SmallModelOptions {
  std::int64_t layers = 3;
  std::int64_t hidden = 256;
  std::int64_t rows = 96;       // of every matrix
  std::string bad_tensor = {};  // gets `bad_value` at element 300
  float bad_value = 0;
  std::uint32_t alignment = 32;
};

inline Status write_small_model(const std::filesystem::path& path,
                                const SmallModelOptions& options = {}) {
  Metadata keys;
  keys.set("general.architecture", std::string("llama"));
  keys.set("llama.block_count", static_cast<std::uint32_t>(options.layers));
  keys.set("llama.attention.head_count", std::uint32_t{4});
  keys.set("llama.attention.head_count_kv", std::uint32_t{1});
  std::vector<GgufTensorEntry> tensors = {{"output_norm.weight", {options.hidden}},
                                          {"token_embd.weight", {options.rows, options.hidden}}};
  for (std::int64_t layer = 0; layer < options.layers; ++layer) {
    for (const char* name : {"attn_q", "attn_k", "attn_v", "ffn_down", "ffn_up"}) {
      tensors.push_back(
          {fmt::format("blk.{}.{}.weight", layer, name), {options.rows, options.hidden}});
    }
  }
  if (options.alignment != 32) keys.set("general.alignment", options.alignment);
  const GgufLayout layout = PJ_TRY(plan_gguf(keys, tensors, options.alignment));
  const File file = PJ_TRY(File::open_write(path));
  PJ_TRY(file.resize(layout.file_bytes));
  PJ_TRY(file.write_at(0, std::as_bytes(std::span(layout.header))));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto values = seeded_values(i + 1, static_cast<std::size_t>(tensors[i].shape.elems()));
    if (tensors[i].name == options.bad_tensor) values[300] = options.bad_value;
    PJ_TRY(file.write_at(layout.tensor_offsets[i], std::as_bytes(std::span(values))));
  }
  return {};
}

}  // namespace pajamas::testing_support
