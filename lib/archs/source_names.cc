// SPDX-License-Identifier: Apache-2.0
#include "archs/source_names.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace pajamas {
namespace {

// Buffers some checkpoints carry that are computed from the config, and scales that belong to an
// FP8 weight and are applied by the source.
constexpr auto kDroppedSuffixes = std::to_array<std::string_view>({
    ".rotary_emb.inv_freq",
    ".attention.masked_bias",
    ".attention.bias",
    ".weight_scale_inv",
});

// The parts of a multimodal model that are not text, with or without a leading "model.".
constexpr auto kNonTextPrefixes =
    std::to_array<std::string_view>({"vision_tower.", "vision_model.", "multi_modal_projector.",
                                     "multimodal_projector.", "embed_vision."});

constexpr std::string_view kTextPart = "language_model.";
constexpr std::string_view kModelPart = "model.";

// language_model.model.x and model.language_model.x are both model.x of the text model.
std::string table_name(const ArchSpec& arch, std::string_view name) {
  if (arch.inside_multimodal) {
    if (name.starts_with(kTextPart)) return std::string(name.substr(kTextPart.size()));
    if (name.starts_with(kModelPart) && name.substr(kModelPart.size()).starts_with(kTextPart)) {
      return std::string(kModelPart) +
             std::string(name.substr(kModelPart.size() + kTextPart.size()));
    }
  }
  return std::string(name);
}

bool is_without_effect(const ArchSpec& arch, std::string_view name) {
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  if (std::ranges::any_of(kDroppedSuffixes, ends)) return true;
  // Of a tied model: the embedding once more.
  if (table_name(arch, name) == "lm_head.weight") return true;
  if (!arch.inside_multimodal) return false;
  if (name.starts_with(kModelPart)) name.remove_prefix(kModelPart.size());
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return std::ranges::any_of(kNonTextPrefixes, starts);
}

}  // namespace

SourceNames::SourceNames(const ArchSpec& arch, std::span<const TensorInfo> source)
    : arch_(arch), source_(source) {
  by_name_.reserve(source.size());
  for (const TensorInfo& tensor : source) {
    by_name_.try_emplace(table_name(arch, tensor.name), Entry{.tensor = &tensor});
  }
}

const TensorInfo* SourceNames::find(std::string_view table_name) const {
  const auto found = by_name_.find(std::string(table_name));
  return found == by_name_.end() ? nullptr : found->second.tensor;
}

const TensorInfo* SourceNames::use(std::string_view table_name) {
  const auto found = by_name_.find(std::string(table_name));
  if (found == by_name_.end()) return nullptr;
  found->second.used = true;
  return found->second.tensor;
}

std::vector<std::string> SourceNames::unused() const {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : source_) {
    const auto found = by_name_.find(table_name(arch_, tensor.name));
    const bool used = found->second.used && found->second.tensor == &tensor;
    if (!used && !is_without_effect(arch_, tensor.name)) names.push_back(tensor.name);
  }
  return names;
}

std::string fill_name(std::string_view pattern, std::int64_t block, std::int64_t expert) {
  std::string name(pattern);
  const auto fill = [&](std::string_view place, std::int64_t number) {
    const std::size_t at = name.find(place);
    if (at != std::string::npos) name.replace(at, place.size(), fmt::format("{}", number));
  };
  fill("{}", block);
  fill("{e}", expert);
  return name;
}

}  // namespace pajamas
