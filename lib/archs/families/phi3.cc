// SPDX-License-Identifier: Apache-2.0
// Phi-3, Phi-3.5 and Phi-4: q, k, v in one tensor, gate and up in one tensor, both kept so by GGUF;
// long context through two tables of rope factors.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kPhi3Classes = std::to_array<std::string_view>({"Phi3ForCausalLM"});

// Zero says that there is no window, which is how readers tell Phi-4 from Phi-3.
constexpr auto kPhi3Keys = std::to_array<KeyRule>({
    {.gguf = "attention.sliding_window", .config = "sliding_window", .default_value = 0},
});

constexpr auto kPhi3FusedProjections = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_qkv.weight",
     .hf = "model.layers.{}.self_attn.qkv_proj.weight",
     .dims = {Dim::kQkv, Dim::kHidden}},
    {.gguf = "blk.{}.attn_output.weight",
     .hf = "model.layers.{}.self_attn.o_proj.weight",
     .dims = {Dim::kHidden, Dim::kQuery}},
    {.gguf = "blk.{}.ffn_up.weight",
     .hf = "model.layers.{}.mlp.gate_up_proj.weight",
     .dims = {Dim::kTwoFfn, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_down.weight",
     .hf = "model.layers.{}.mlp.down_proj.weight",
     .dims = {Dim::kHidden, Dim::kFfn}},
});
constexpr auto kPhi3Tensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreNorms, kPhi3FusedProjections});
}  // namespace

constinit const ArchSpec kPhi3Arch{
    .name = "phi3",
    .hf_class_names = kPhi3Classes,
    .model_type = "phi3",
    .gguf_name = "phi3",
    .attention = {.fused_qkv = true, .sliding_window = SlidingWindow::kAllLayers},
    .ffn = {.fused_gate_up = true},
    .defaults = {.rms_norm_eps = 1e-5, .original_context_length = 4096},
    .keys = {.rope = RopeKeys::kOriginalContext,
             .head_dim = HeadDimKeys::kNever,
             .rope_dimension_count = true,
             .extra = kPhi3Keys},
    .tensors = kPhi3Tensors,
    .tokenizer = {.fallback_pre_tokenizer = "dbrx"},
};

}  // namespace pajamas
