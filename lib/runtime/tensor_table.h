// SPDX-License-Identifier: Apache-2.0
// The tensors of a model by name, checked against what its family's table says they must be.
//
// Borrows the model. Read-only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "models/opened_model.h"
#include "runtime/hyper_parameters.h"

namespace pajamas {

class TensorTable {
 public:
  // Errors: a tensor that the family needs is missing, one has another shape than the keys say, or
  // there is one that the family does not know and that would change the result.
  static Result<TensorTable> check(const OpenedModel& model, const HyperParameters& parameters);

  // nullptr when the model does not have it.
  [[nodiscard]] const OutputTensor* find(std::string_view name) const;
  // "blk.N.NAME".
  [[nodiscard]] const OutputTensor* find_in_layer(std::int64_t layer, std::string_view name) const;

 private:
  explicit TensorTable(const OpenedModel& model);

  std::unordered_map<std::string_view, const OutputTensor*> by_name_;  // keys live in the model
};

}  // namespace pajamas
