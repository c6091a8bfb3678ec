// SPDX-License-Identifier: Apache-2.0
// Mixtral: Mistral with experts. GGUF has it as llama with an expert count.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kMixtralClasses = std::to_array<std::string_view>({"MixtralForCausalLM"});

constexpr auto kMixtralExperts = std::to_array<TensorRule>({
    {.gguf = "blk.{}.ffn_gate_inp.weight",
     .hf = "model.layers.{}.block_sparse_moe.gate.weight",
     .dims = {Dim::kExperts, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_gate_exps.weight",
     .hf = "model.layers.{}.block_sparse_moe.experts.{e}.w1.weight",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.block_sparse_moe.switch_mlp.gate_proj.weight"},
    {.gguf = "blk.{}.ffn_up_exps.weight",
     .hf = "model.layers.{}.block_sparse_moe.experts.{e}.w3.weight",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.block_sparse_moe.switch_mlp.up_proj.weight"},
    {.gguf = "blk.{}.ffn_down_exps.weight",
     .hf = "model.layers.{}.block_sparse_moe.experts.{e}.w2.weight",
     .dims = {Dim::kExperts, Dim::kHidden, Dim::kExpertFfn},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.block_sparse_moe.switch_mlp.down_proj.weight"},
});
constexpr auto kMixtralTensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttentionInterleaved, kMixtralExperts});
}  // namespace

constinit const ArchSpec kMixtralArch{
    .name = "mixtral",
    .hf_class_names = kMixtralClasses,
    .model_type = "mixtral",
    .gguf_name = "llama",
    .attention = {.rope = Rope::kInterleaved},
    .moe = {.enabled = true, .renormalize = true},
    .defaults = {.rms_norm_eps = 1e-5, .rope_theta = 1e6},
    .keys = {.vocab_size = true, .rope_dimension_count = true, .rope_freqs_tensor = true},
    .tensors = kMixtralTensors,
    .tokenizer = {.fallback_pre_tokenizer = "llama-bpe"},
};

}  // namespace pajamas
