// SPDX-License-Identifier: Apache-2.0
// Granite 3 (dense): llama with four multipliers.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kGraniteClasses = std::to_array<std::string_view>({"GraniteForCausalLM"});

constexpr auto kGraniteKeys = std::to_array<KeyRule>({
    {.gguf = "attention.scale",
     .config = "attention_multiplier",
     .type = KeyRule::Type::kFloat,
     .default_value = 1.0},
    {.gguf = "embedding_scale",
     .config = "embedding_multiplier",
     .type = KeyRule::Type::kFloat,
     .default_value = 1.0},
    {.gguf = "residual_scale",
     .config = "residual_multiplier",
     .type = KeyRule::Type::kFloat,
     .default_value = 1.0},
    {.gguf = "logit_scale",
     .config = "logits_scaling",
     .type = KeyRule::Type::kFloat,
     .default_value = 1.0},
});
// Their groups reach values that narrow scales cannot hold.
constexpr auto kGraniteMlxRules = std::to_array<MlxRule>({{.module_suffix = "self_attn.o_proj"},
                                                          {.module_suffix = "mlp.down_proj"},
                                                          {.module_suffix = "lm_head"}});
constexpr auto kGraniteTensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttentionInterleaved, groups::kGatedFfn,
     groups::kOptionalLlamaBiases});
}  // namespace

constinit const ArchSpec kGraniteArch{
    .name = "granite",
    .hf_class_names = kGraniteClasses,
    .model_type = "granite",
    .gguf_name = "granite",
    .attention = {.rope = Rope::kInterleaved},
    .keys = {.head_dim = HeadDimKeys::kNever,
             .vocab_size = true,
             .rope_dimension_count = true,
             .rope_freqs_tensor = true,
             .extra = kGraniteKeys},
    .tensors = kGraniteTensors,
    .tokenizer = {.fallback_pre_tokenizer = "refact"},
    .mlx = {.rules = kGraniteMlxRules},
};

}  // namespace pajamas
