// SPDX-License-Identifier: Apache-2.0
// The numbers of a model that its graph is built from, read from GGUF keys and checked.
//
// What passes here can be multiplied and allocated without further thought: sizes are within
// limits, heads divide evenly, floats are finite. Whether the tensors agree is checked when the
// weights are loaded. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archs/arch_spec.h"
#include "base/error.h"
#include "models/opened_model.h"
#include "tensor/metadata.h"

namespace pajamas {

enum class RopeScalingKind : std::uint8_t { kNone, kLinear, kYarn, kLongRope };

struct RopeParameters {
  std::int64_t rotated = 0;  // dimensions of a head, even
  double theta = 10000.0;
  RopeScalingKind scaling = RopeScalingKind::kNone;
  double factor = 1.0;
  std::int64_t original_context = 0;
  double magnitude = 1.0;      // cosines and sines are multiplied by it
  double extrapolation = 1.0;  // yarn
  double beta_fast = 32.0;     // yarn
  double beta_slow = 1.0;      // yarn
};

struct HyperParameters {
  const ArchSpec* arch = nullptr;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t vocab = 0;
  std::int64_t context_length = 0;  // that the model was trained for
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t ffn = 0;
  float rms_eps = 0;

  std::int64_t experts = 0;  // zero: a dense model
  std::int64_t experts_used = 0;
  std::int64_t expert_ffn = 0;
  std::int64_t shared_ffn = 0;

  float attention_scale = 0;
  float attention_softcap = 0;  // 0: none
  float final_softcap = 0;      // 0: none
  float embedding_scale = 1;
  float residual_scale = 1;
  float logit_scale = 1;  // logits are divided by it

  std::int64_t window = 0;  // of layers that have one; 0: none has
  RopeParameters rope;
  RopeParameters local_rope;  // of layers with a window

  [[nodiscard]] std::int64_t query_width() const { return heads * head_dim; }
  [[nodiscard]] std::int64_t kv_width() const { return kv_heads * head_dim; }
  [[nodiscard]] bool has_window(std::int64_t layer) const;
  [[nodiscard]] bool has_rope(std::int64_t layer) const;
  // What a dimension of a tensor rule is in this model.
  [[nodiscard]] std::int64_t value_of(Dim dim) const;
};

// Errors: an architecture that no family has (names those there are), a key that is missing, of the
// wrong type or out of range.
Result<HyperParameters> read_hyper_parameters(const OpenedModel& model);

}  // namespace pajamas
