// SPDX-License-Identifier: Apache-2.0
// SmolLM3: llama without rotation in every fourth layer.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kSmolLm3Classes = std::to_array<std::string_view>({"SmolLM3ForCausalLM"});

constexpr auto kSmolLm3Checks = std::to_array<ConfigCheck>({
    {.config = "no_rope_layer_interval",
     .expected = 4,
     .reason = "GGUF readers leave out the rotation in every fourth layer"},
});
constexpr auto kSmolLm3Tensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttentionInterleaved, groups::kGatedFfn,
     groups::kOptionalLlamaBiases});
}  // namespace

constinit const ArchSpec kSmolLm3Arch{
    .name = "smollm3",
    .hf_class_names = kSmolLm3Classes,
    .model_type = "smollm3",
    .gguf_name = "smollm3",
    .attention = {.rope = Rope::kInterleaved, .rope_skipped_every = 4},
    .defaults = {.rope_theta = 2e6},
    .checks = kSmolLm3Checks,
    .keys = {.vocab_size = true, .rope_dimension_count = true, .rope_freqs_tensor = true},
    .tensors = kSmolLm3Tensors,
    .tokenizer = {.fallback_pre_tokenizer = "smaug-bpe"},
};

}  // namespace pajamas
