// SPDX-License-Identifier: Apache-2.0
// Qwen3-MoE: Qwen3 with experts.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kClasses = std::to_array<std::string_view>({"Qwen3MoeForCausalLM"});

// Readers of GGUF expect experts in every layer.
constexpr auto kChecks = std::to_array<ConfigCheck>({
    {.config = "decoder_sparse_step",
     .expected = 1,
     .reason = "GGUF files of this architecture have experts in every layer"},
    {.config = "mlp_only_layers",
     .expected = 0,
     .reason = "GGUF files of this architecture have experts in every layer"},
});

constexpr auto kKeys = std::to_array<KeyRule>({
    {.gguf = "expert_feed_forward_length", .config = "moe_intermediate_size"},
});
constexpr auto kMlxRules = std::to_array<MlxRule>({{.module_suffix = "mlp.gate"}});
constexpr auto kTensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttention,
                                groups::kQkNormPerHead, groups::kMlpExperts});
}  // namespace

constinit const ArchSpec kQwen3MoeArch{
    .name = "qwen3_moe",
    .hf_class_names = kClasses,
    .model_type = "qwen3_moe",
    .gguf_name = "qwen3moe",
    .attention = {.qk_norm = QkNorm::kPerHead},
    .moe = {.enabled = true, .renormalize = true, .expert_ffn_key = "moe_intermediate_size"},
    .checks = kChecks,
    .keys = {.extra = kKeys},
    .tensors = kTensors,
    .tokenizer = {.fallback_pre_tokenizer = "qwen2"},
    .mlx = {.rules = kMlxRules},
};

}  // namespace pajamas
