// SPDX-License-Identifier: Apache-2.0
// A model's forward pass with MLX's operations, built from the numbers and tensors that
// runtime/backend_abi.h hands over. The graph follows lib/runtime/blocks.
//
// Holds one text's keys and values; a text that begins as the last one did goes on from there.
// Weights stay as they are stored; activations are F32 on a CPU, BF16 on a GPU. MLX reports errors
// as exceptions, which pass through here. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <mlx/mlx.h>

#include "runtime/backend_abi.h"

namespace pajamas_mlx {

namespace mx = mlx::core;

struct Matrix {
  mx::array weights;  // codes of quantized ones
  std::optional<mx::array> scales;
  std::optional<mx::array> biases;
  std::string mode;
  int bits = 0;
  int group_size = 0;
};

struct Rope {
  mx::array radians;
  float magnitude;
};

class Graph {
 public:
  explicit Graph(const pj_backend_numbers& numbers);

  void add_tensor(const pj_backend_tensor& tensor);
  void forward(std::span<const std::int32_t> tokens, std::int64_t first,
               const std::uint8_t* outputs, float* out);

  std::string error;  // of the last call that failed

 private:
  struct LayerCache {
    std::optional<mx::array> keys;  // (kv_heads, positions, head_dim)
    std::optional<mx::array> values;
  };
  struct Batch {
    std::int64_t first;  // position of the first row
    int rows;
    mx::array positions;  // (rows) F32
  };

  const Matrix* find(const std::string& name) const;
  const Matrix& get(const std::string& name) const;
  std::string in_layer(std::int64_t layer, const char* name) const;

  mx::array linear(const mx::array& x, const std::string& name) const;
  mx::array norm(const mx::array& x, const std::string& name) const;
  mx::array embed(std::span<const std::int32_t> tokens) const;
  mx::array rotate(const mx::array& x, std::int64_t layer, const Batch& batch) const;
  mx::array norm_heads(const mx::array& x, const std::string& name, int heads) const;
  mx::array attend(const mx::array& queries, const LayerCache& cache, std::int64_t layer,
                   const Batch& batch) const;
  mx::array attention(const mx::array& x, std::int64_t layer, const Batch& batch);
  mx::array activate(const mx::array& gate, const mx::array& up) const;
  mx::array gated_ffn(const mx::array& x, std::int64_t layer, const char* suffix) const;
  mx::array expert_linear(const mx::array& x, const std::string& name,
                          const mx::array& experts) const;
  mx::array mixture(const mx::array& x, std::int64_t layer) const;
  mx::array add_half(const mx::array& x, mx::array out, const std::string& post_norm) const;
  mx::array layer(const mx::array& x, std::int64_t index, const Batch& batch);
  mx::array logits(const mx::array& normed) const;

  pj_backend_numbers p_;
  std::vector<std::uint8_t> has_window_;
  std::vector<std::uint8_t> has_rope_;
  Rope rope_;
  Rope local_rope_;
  mx::Dtype dtype_;  // of activations
  std::unordered_map<std::string, Matrix> tensors_;
  std::vector<LayerCache> cache_;
  std::vector<std::int32_t> cached_;  // tokens whose keys and values are in cache_
};

}  // namespace pajamas_mlx
