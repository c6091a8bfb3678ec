// SPDX-License-Identifier: Apache-2.0
// Qwen3-MoE: Qwen3 with experts.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kQwen3MoeClasses = std::to_array<std::string_view>({"Qwen3MoeForCausalLM"});

// Readers of GGUF expect experts in every layer.
constexpr auto kQwen3MoeChecks = std::to_array<ConfigCheck>({
    {.config = "decoder_sparse_step",
     .expected = 1,
     .reason = "GGUF files of this architecture have experts in every layer"},
    {.config = "mlp_only_layers",
     .expected = 0,
     .reason = "GGUF files of this architecture have experts in every layer"},
});

constexpr auto kQwen3MoeKeys = std::to_array<KeyRule>({
    {.gguf = "expert_feed_forward_length", .config = "moe_intermediate_size"},
});
constexpr auto kQwen3MoeMlxRules = std::to_array<MlxRule>({{.module_suffix = "mlp.gate"}});
constexpr auto kQwen3MoeTensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttention,
                                groups::kQkNormPerHead, groups::kMlpExperts});
}  // namespace

constinit const ArchSpec kQwen3MoeArch{
    .name = "qwen3_moe",
    .hf_class_names = kQwen3MoeClasses,
    .model_type = "qwen3_moe",
    .gguf_name = "qwen3moe",
    .attention = {.qk_norm = QkNorm::kPerHead},
    .moe = {.enabled = true, .renormalize = true, .expert_ffn_key = "moe_intermediate_size"},
    .checks = kQwen3MoeChecks,
    .keys = {.extra = kQwen3MoeKeys},
    .tensors = kQwen3MoeTensors,
    .tokenizer = {.fallback_pre_tokenizer = "qwen2"},
    .mlx = {.rules = kQwen3MoeMlxRules},
};

}  // namespace pajamas
