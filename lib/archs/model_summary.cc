// SPDX-License-Identifier: Apache-2.0
#include "archs/model_summary.h"

#include <string>

namespace pajamas {
namespace {

// A count under "{arch}.", 0 when the family does not write it.
std::int64_t count_of(const GgufMap& map, std::string_view key) {
  const std::string full = fmt::format("{}.{}", map.arch->gguf_name, key);
  const auto* value = map.keys.find_as<std::uint32_t>(full);
  return value == nullptr ? 0 : *value;
}

bool is_copy_of_the_embedding(const OutputTensor& output, std::string_view embedding_source) {
  return output.name != "token_embd.weight" && output.pieces.front().source == embedding_source;
}

void count_params(const GgufMap& map, ModelSummary& summary) {
  std::string_view embedding_source;
  summary.tied = true;
  for (const OutputTensor& output : map.tensors) {
    if (output.name != "token_embd.weight") continue;
    embedding_source = output.pieces.front().source;
    summary.vocab = output.shape.rows();
  }
  for (const OutputTensor& output : map.tensors) {
    if (output.pieces.empty() || is_copy_of_the_embedding(output, embedding_source)) continue;
    const bool is_head = output.name == "output.weight";
    if (is_head) summary.tied = false;
    summary.params_total += output.shape.elems();
    if (is_head || output.name == "token_embd.weight") continue;
    summary.params_non_embedding += output.shape.elems();
  }
}

}  // namespace

ModelSummary summarize_model(const GgufMap& map) {
  ModelSummary summary{.family = map.arch->name};
  summary.layers = count_of(map, "block_count");
  summary.hidden = count_of(map, "embedding_length");
  summary.ffn = count_of(map, "feed_forward_length");
  summary.heads = count_of(map, "attention.head_count");
  summary.kv_heads = count_of(map, "attention.head_count_kv");
  summary.head_dim = count_of(map, "attention.key_length");
  if (summary.head_dim == 0) summary.head_dim = summary.hidden / summary.heads;
  summary.context_length = count_of(map, "context_length");
  summary.experts = count_of(map, "expert_count");
  summary.experts_used = count_of(map, "expert_used_count");
  count_params(map, summary);
  return summary;
}

}  // namespace pajamas
