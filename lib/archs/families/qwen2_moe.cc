// SPDX-License-Identifier: Apache-2.0
// Qwen1.5-MoE and Qwen2-MoE: experts and one shared expert with a gate.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kQwen2MoeClasses = std::to_array<std::string_view>({"Qwen2MoeForCausalLM"});

// Readers of GGUF expect experts in every layer.
constexpr auto kQwen2MoeChecks = std::to_array<ConfigCheck>({
    {.config = "decoder_sparse_step",
     .expected = 1,
     .reason = "GGUF files of this architecture have experts in every layer"},
    {.config = "mlp_only_layers",
     .expected = 0,
     .reason = "GGUF files of this architecture have experts in every layer"},
});

constexpr auto kQwen2MoeKeys = std::to_array<KeyRule>({
    {.gguf = "expert_feed_forward_length", .config = "moe_intermediate_size"},
    {.gguf = "expert_shared_feed_forward_length", .config = "shared_expert_intermediate_size"},
});

constexpr auto kQwen2MoeSharedExpert = std::to_array<TensorRule>({
    {.gguf = "blk.{}.ffn_gate_inp_shexp.weight",
     .hf = "model.layers.{}.mlp.shared_expert_gate.weight",
     .dims = {Dim::kHidden},
     .transform = Transform::kFlatten},
    {.gguf = "blk.{}.ffn_gate_shexp.weight",
     .hf = "model.layers.{}.mlp.shared_expert.gate_proj.weight",
     .dims = {Dim::kSharedFfn, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_up_shexp.weight",
     .hf = "model.layers.{}.mlp.shared_expert.up_proj.weight",
     .dims = {Dim::kSharedFfn, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_down_shexp.weight",
     .hf = "model.layers.{}.mlp.shared_expert.down_proj.weight",
     .dims = {Dim::kHidden, Dim::kSharedFfn}},
});
constexpr auto kQwen2MoeTensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttention,
                                groups::kQkvBias, groups::kMlpExperts, kQwen2MoeSharedExpert});
}  // namespace

constinit const ArchSpec kQwen2MoeArch{
    .name = "qwen2_moe",
    .hf_class_names = kQwen2MoeClasses,
    .model_type = "qwen2_moe",
    .gguf_name = "qwen2moe",
    .attention = {.qkv_bias = true},
    .moe = {.enabled = true,
            .shared_expert = true,
            .expert_ffn_key = "moe_intermediate_size",
            .shared_ffn_key = "shared_expert_intermediate_size"},
    .gguf_needs_output = true,
    .checks = kQwen2MoeChecks,
    .keys = {.extra = kQwen2MoeKeys},
    .tensors = kQwen2MoeTensors,
    .tokenizer = {.fallback_pre_tokenizer = "qwen2"},
    .mlx = {.head_when_tied = true},
};

}  // namespace pajamas
