// SPDX-License-Identifier: Apache-2.0
// A llama model of a few kilobytes as a GGUF file, whose keys and tensors a test may spoil.
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

struct TinyModel {
  Metadata keys;
  std::vector<GgufTensorEntry> tensors;

  GgufTensorEntry& tensor(std::string_view name) {
    for (GgufTensorEntry& entry : tensors) {
      if (entry.name == name) return entry;
    }
    tensors.push_back({std::string(name), {1}});
    return tensors.back();
  }
  void erase(std::string_view name) {
    std::erase_if(tensors, [&](const GgufTensorEntry& entry) { return entry.name == name; });
  }
};

inline TinyModel tiny_llama() {
  constexpr std::int64_t kHidden = 32;
  constexpr std::int64_t kFfn = 64;
  constexpr std::int64_t kVocab = 48;
  TinyModel model;
  model.keys.set("general.architecture", std::string("llama"));
  model.keys.set("llama.block_count", std::uint32_t{2});
  model.keys.set("llama.context_length", std::uint32_t{256});
  model.keys.set("llama.embedding_length", std::uint32_t{kHidden});
  model.keys.set("llama.feed_forward_length", std::uint32_t{kFfn});
  model.keys.set("llama.attention.head_count", std::uint32_t{4});
  model.keys.set("llama.attention.head_count_kv", std::uint32_t{2});
  model.keys.set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  model.tensors = {{"token_embd.weight", {kVocab, kHidden}},
                   {"output.weight", {kVocab, kHidden}},
                   {"output_norm.weight", {kHidden}}};
  for (int layer = 0; layer < 2; ++layer) {
    const auto add = [&](std::string_view name, const Shape& shape) {
      model.tensors.push_back({fmt::format("blk.{}.{}.weight", layer, name), shape});
    };
    add("attn_norm", {kHidden});
    add("attn_q", {kHidden, kHidden});
    add("attn_k", {kHidden / 2, kHidden});
    add("attn_v", {kHidden / 2, kHidden});
    add("attn_output", {kHidden, kHidden});
    add("ffn_norm", {kHidden});
    add("ffn_gate", {kFfn, kHidden});
    add("ffn_up", {kFfn, kHidden});
    add("ffn_down", {kHidden, kFfn});
  }
  return model;
}

// F32 values from a seeded generator, in [-1/4, 1/4).
inline Status write_model(const TinyModel& model, const std::filesystem::path& path) {
  const GgufLayout layout = PJ_TRY(plan_gguf(model.keys, model.tensors));
  const File file = PJ_TRY(File::open_write(path));
  PJ_TRY(file.resize(layout.file_bytes));
  PJ_TRY(file.write_at(0, std::as_bytes(std::span(layout.header))));
  std::uint64_t seed = 7;
  for (std::size_t i = 0; i < model.tensors.size(); ++i) {
    std::vector<float> values(static_cast<std::size_t>(model.tensors[i].shape.elems()));
    for (float& value : values) {
      seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
      value = static_cast<float>(static_cast<std::int64_t>(seed >> 52) - 2048) / 8192.0F;
    }
    PJ_TRY(file.write_at(layout.tensor_offsets[i], std::as_bytes(std::span(values))));
  }
  return {};
}

}  // namespace pajamas::testing_support
