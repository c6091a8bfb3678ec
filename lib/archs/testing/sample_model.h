// SPDX-License-Identifier: Apache-2.0
// A small model written out by hand for tests: a config and the tensors that belong to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "archs/gguf_map.h"
#include "base/json.h"
#include "tensor/tensor_source.h"

namespace pajamas::testing_support {

inline TensorInfo tensor(std::string name, Shape shape, DType dtype = DType::kBF16) {
  return {.name = std::move(name), .shape = std::move(shape), .dtype = dtype};
}

// One layer, hidden 8, four query heads of two and two key heads, ffn 16, twenty tokens.
inline Json sample_config(std::string_view class_name = "LlamaForCausalLM") {
  return {{"architectures", Json::array({std::string(class_name)})},
          {"hidden_size", 8},
          {"intermediate_size", 16},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 128},
          {"vocab_size", 20},
          {"tie_word_embeddings", false}};
}

inline std::vector<TensorInfo> sample_attention() {
  const std::string layer = "model.layers.0.";
  return {tensor("model.embed_tokens.weight", {20, 8}),
          tensor("model.norm.weight", {8}),
          tensor("lm_head.weight", {20, 8}),
          tensor(layer + "input_layernorm.weight", {8}),
          tensor(layer + "post_attention_layernorm.weight", {8}),
          tensor(layer + "self_attn.q_proj.weight", {8, 8}),
          tensor(layer + "self_attn.k_proj.weight", {4, 8}),
          tensor(layer + "self_attn.v_proj.weight", {4, 8}),
          tensor(layer + "self_attn.o_proj.weight", {8, 8})};
}

inline std::vector<TensorInfo> sample_tensors() {
  const std::string layer = "model.layers.0.";
  std::vector<TensorInfo> tensors = sample_attention();
  tensors.push_back(tensor(layer + "mlp.gate_proj.weight", {16, 8}));
  tensors.push_back(tensor(layer + "mlp.up_proj.weight", {16, 8}));
  tensors.push_back(tensor(layer + "mlp.down_proj.weight", {8, 16}));
  return tensors;
}

// nullptr when the map has no such output.
inline const OutputTensor* find_output(const GgufMap& map, std::string_view name) {
  for (const OutputTensor& output : map.tensors) {
    if (output.name == name) return &output;
  }
  return nullptr;
}

}  // namespace pajamas::testing_support
