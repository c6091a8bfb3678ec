// SPDX-License-Identifier: Apache-2.0
// A matrix product of the graph with its optional bias, and the hook through which every product's
// input can be watched.
//
// The packed bytes belong to Weights. Read-only once loaded.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/matmul.h"

namespace pajamas {

struct Linear {
  std::string name;  // GGUF name of the weight
  PackedMatrix matrix = {};
  std::vector<float> bias = {};  // empty, or one per row

  [[nodiscard]] bool is_present() const { return matrix.data != nullptr; }
  [[nodiscard]] std::int64_t rows() const { return matrix.rows; }
  [[nodiscard]] std::int64_t cols() const { return matrix.cols; }
};

// The same matrix of every expert of a layer.
struct ExpertLinear {
  std::string name;  // GGUF name of the stack
  std::vector<PackedMatrix> experts = {};
};

// What goes into a product: `rows` x `cols` activations of tokens, in no particular order.
struct LinearInput {
  std::string_view weight;   // GGUF name
  std::int64_t expert = -1;  // which matrix of a stack
  const float* values = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
};

// Called on the thread that runs the forward pass, before the product is formed.
using LinearObserver = std::function<void(const LinearInput&)>;

}  // namespace pajamas
