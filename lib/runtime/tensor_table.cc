// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor_table.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <fmt/format.h>

#include "archs/source_names.h"

namespace pajamas {
namespace {

// Divisors of rotary frequencies: any model may have them.
constexpr auto kRopeTensors = std::to_array<std::string_view>(
    {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"});

// Computed tensors that old converters left in files.
bool is_without_effect(std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".attn_rot_embd.weight");
}

Shape expected_shape(const TensorRule& rule, const HyperParameters& parameters) {
  Shape shape;
  for (const Dim dim : rule.dims) {
    if (dim != Dim::kNone) shape.dims.push_back(parameters.value_of(dim));
  }
  return shape;
}

Status check_shape(const OutputTensor& tensor, const Shape& expected) {
  if (tensor.shape == expected) return {};
  return make_error(ErrorCode::kInvalidData,
                    "tensor '{}' has shape {}, expected {} by the model's keys", tensor.name,
                    tensor.shape.to_string(), expected.to_string());
}

}  // namespace

TensorTable::TensorTable(const OpenedModel& model) {
  for (const OutputTensor& tensor : model.outputs) by_name_.emplace(tensor.name, &tensor);
}

const OutputTensor* TensorTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const OutputTensor* TensorTable::find_in_layer(std::int64_t layer, std::string_view name) const {
  return find(fmt::format("blk.{}.{}", layer, name));
}

Result<TensorTable> TensorTable::check(const OpenedModel& model,
                                       const HyperParameters& parameters) {
  TensorTable table(model);
  std::unordered_set<std::string_view> known;
  for (const TensorGroup group : parameters.arch->tensors) {
    for (const TensorRule& rule : group) {
      const bool in_layers = rule.gguf.find("{}") != std::string_view::npos;
      const Shape expected = expected_shape(rule, parameters);
      for (std::int64_t layer = 0; layer < (in_layers ? parameters.layers : 1); ++layer) {
        const std::string name = fill_name(rule.gguf, layer);
        const OutputTensor* tensor = table.find(name);
        if (tensor != nullptr) {
          PJ_TRY(check_shape(*tensor, expected));
          known.insert(tensor->name);
        } else if (rule.presence == Presence::kRequired) {
          return make_error(ErrorCode::kInvalidData,
                            "'{}' has no tensor '{}', which {} models of {} layers need",
                            model.source.path, name, parameters.arch->gguf_name, parameters.layers);
        }
      }
    }
  }
  for (const std::string_view name : kRopeTensors) {
    const OutputTensor* tensor = table.find(name);
    if (tensor == nullptr) continue;
    PJ_TRY(check_shape(*tensor, {parameters.rope.rotated / 2}));
    known.insert(tensor->name);
  }
  for (const OutputTensor& tensor : model.outputs) {
    if (known.contains(tensor.name) || is_without_effect(tensor.name)) continue;
    return make_error(ErrorCode::kUnsupported,
                      "'{}' has a tensor '{}' that {} models do not have; running without it would "
                      "give wrong answers",
                      model.source.path, tensor.name, parameters.arch->gguf_name);
  }
  return table;
}

}  // namespace pajamas
