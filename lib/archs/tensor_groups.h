// SPDX-License-Identifier: Apache-2.0
// Tensors that families have in common, in groups that a family composes. A weight that only some
// models have (a bias, a norm) is a group, or an optional rule of one.
#pragma once

#include <array>

#include "archs/arch_spec.h"

namespace pajamas::groups {

inline constexpr auto kEmbeddingAndHead = std::to_array<TensorRule>({
    {.gguf = "token_embd.weight",
     .hf = "model.embed_tokens.weight",
     .dims = {Dim::kVocab, Dim::kHidden}},
    // A tied model may keep the one matrix under the name of the head.
    {.gguf = "token_embd.weight",
     .hf = "lm_head.weight",
     .dims = {Dim::kVocab, Dim::kHidden},
     .mlx = "model.embed_tokens.weight"},
    {.gguf = "output_norm.weight", .hf = "model.norm.weight", .dims = {Dim::kHidden}},
    {.gguf = "output.weight",
     .hf = "lm_head.weight",
     .dims = {Dim::kVocab, Dim::kHidden},
     .presence = Presence::kUnlessTied},
});

inline constexpr auto kPreNorms = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_norm.weight",
     .hf = "model.layers.{}.input_layernorm.weight",
     .dims = {Dim::kHidden}},
    {.gguf = "blk.{}.ffn_norm.weight",
     .hf = "model.layers.{}.post_attention_layernorm.weight",
     .dims = {Dim::kHidden}},
});

inline constexpr auto kPreAndPostNorms = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_norm.weight",
     .hf = "model.layers.{}.input_layernorm.weight",
     .dims = {Dim::kHidden}},
    {.gguf = "blk.{}.post_attention_norm.weight",
     .hf = "model.layers.{}.post_attention_layernorm.weight",
     .dims = {Dim::kHidden}},
    {.gguf = "blk.{}.ffn_norm.weight",
     .hf = "model.layers.{}.pre_feedforward_layernorm.weight",
     .dims = {Dim::kHidden}},
    {.gguf = "blk.{}.post_ffw_norm.weight",
     .hf = "model.layers.{}.post_feedforward_layernorm.weight",
     .dims = {Dim::kHidden}},
});

inline constexpr auto kPostNorms = std::to_array<TensorRule>({
    {.gguf = "blk.{}.post_attention_norm.weight",
     .hf = "model.layers.{}.post_attention_layernorm.weight",
     .dims = {Dim::kHidden}},
    {.gguf = "blk.{}.post_ffw_norm.weight",
     .hf = "model.layers.{}.post_feedforward_layernorm.weight",
     .dims = {Dim::kHidden}},
});

// Projections of attention whose GGUF rotary layout is that of Hugging Face.
inline constexpr auto kAttention = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q.weight",
     .hf = "model.layers.{}.self_attn.q_proj.weight",
     .dims = {Dim::kQuery, Dim::kHidden}},
    {.gguf = "blk.{}.attn_k.weight",
     .hf = "model.layers.{}.self_attn.k_proj.weight",
     .dims = {Dim::kKeyValue, Dim::kHidden}},
    {.gguf = "blk.{}.attn_v.weight",
     .hf = "model.layers.{}.self_attn.v_proj.weight",
     .dims = {Dim::kKeyValue, Dim::kHidden}},
    {.gguf = "blk.{}.attn_output.weight",
     .hf = "model.layers.{}.self_attn.o_proj.weight",
     .dims = {Dim::kHidden, Dim::kQuery}},
});

// The same with q and k rows brought into interleaved pairs.
inline constexpr auto kAttentionInterleaved = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q.weight",
     .hf = "model.layers.{}.self_attn.q_proj.weight",
     .dims = {Dim::kQuery, Dim::kHidden},
     .transform = Transform::kRopeQuery},
    {.gguf = "blk.{}.attn_k.weight",
     .hf = "model.layers.{}.self_attn.k_proj.weight",
     .dims = {Dim::kKeyValue, Dim::kHidden},
     .transform = Transform::kRopeKey},
    {.gguf = "blk.{}.attn_v.weight",
     .hf = "model.layers.{}.self_attn.v_proj.weight",
     .dims = {Dim::kKeyValue, Dim::kHidden}},
    {.gguf = "blk.{}.attn_output.weight",
     .hf = "model.layers.{}.self_attn.o_proj.weight",
     .dims = {Dim::kHidden, Dim::kQuery}},
});

// attention_bias and mlp_bias of the llama family.
inline constexpr auto kOptionalLlamaBiases = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q.bias",
     .hf = "model.layers.{}.self_attn.q_proj.bias",
     .dims = {Dim::kQuery},
     .transform = Transform::kRopeQuery,
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.attn_k.bias",
     .hf = "model.layers.{}.self_attn.k_proj.bias",
     .dims = {Dim::kKeyValue},
     .transform = Transform::kRopeKey,
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.attn_v.bias",
     .hf = "model.layers.{}.self_attn.v_proj.bias",
     .dims = {Dim::kKeyValue},
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.attn_output.bias",
     .hf = "model.layers.{}.self_attn.o_proj.bias",
     .dims = {Dim::kHidden},
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.ffn_gate.bias",
     .hf = "model.layers.{}.mlp.gate_proj.bias",
     .dims = {Dim::kFfn},
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.ffn_up.bias",
     .hf = "model.layers.{}.mlp.up_proj.bias",
     .dims = {Dim::kFfn},
     .presence = Presence::kOptional},
    {.gguf = "blk.{}.ffn_down.bias",
     .hf = "model.layers.{}.mlp.down_proj.bias",
     .dims = {Dim::kHidden},
     .presence = Presence::kOptional},
});

inline constexpr auto kQkvBias = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q.bias",
     .hf = "model.layers.{}.self_attn.q_proj.bias",
     .dims = {Dim::kQuery}},
    {.gguf = "blk.{}.attn_k.bias",
     .hf = "model.layers.{}.self_attn.k_proj.bias",
     .dims = {Dim::kKeyValue}},
    {.gguf = "blk.{}.attn_v.bias",
     .hf = "model.layers.{}.self_attn.v_proj.bias",
     .dims = {Dim::kKeyValue}},
});

inline constexpr auto kQkNormPerHead = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q_norm.weight",
     .hf = "model.layers.{}.self_attn.q_norm.weight",
     .dims = {Dim::kHeadDim}},
    {.gguf = "blk.{}.attn_k_norm.weight",
     .hf = "model.layers.{}.self_attn.k_norm.weight",
     .dims = {Dim::kHeadDim}},
});

inline constexpr auto kQkNormFullWidth = std::to_array<TensorRule>({
    {.gguf = "blk.{}.attn_q_norm.weight",
     .hf = "model.layers.{}.self_attn.q_norm.weight",
     .dims = {Dim::kQuery}},
    {.gguf = "blk.{}.attn_k_norm.weight",
     .hf = "model.layers.{}.self_attn.k_norm.weight",
     .dims = {Dim::kKeyValue}},
});

inline constexpr auto kGatedFfn = std::to_array<TensorRule>({
    {.gguf = "blk.{}.ffn_gate.weight",
     .hf = "model.layers.{}.mlp.gate_proj.weight",
     .dims = {Dim::kFfn, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_up.weight",
     .hf = "model.layers.{}.mlp.up_proj.weight",
     .dims = {Dim::kFfn, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_down.weight",
     .hf = "model.layers.{}.mlp.down_proj.weight",
     .dims = {Dim::kHidden, Dim::kFfn}},
});

// Router and experts under mlp., each expert on its own or all in one tensor.
inline constexpr auto kMlpExperts = std::to_array<TensorRule>({
    {.gguf = "blk.{}.ffn_gate_inp.weight",
     .hf = "model.layers.{}.mlp.gate.weight",
     .dims = {Dim::kExperts, Dim::kHidden}},
    {.gguf = "blk.{}.ffn_gate_exps.weight",
     .hf = "model.layers.{}.mlp.experts.{e}.gate_proj.weight",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.mlp.switch_mlp.gate_proj.weight"},
    {.gguf = "blk.{}.ffn_gate_exps.weight",
     .hf = "model.layers.{}.mlp.experts.gate_up_proj",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kFirstHalfRows,
     .mlx = "model.layers.{}.mlp.switch_mlp.gate_proj.weight"},
    {.gguf = "blk.{}.ffn_up_exps.weight",
     .hf = "model.layers.{}.mlp.experts.{e}.up_proj.weight",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.mlp.switch_mlp.up_proj.weight"},
    {.gguf = "blk.{}.ffn_up_exps.weight",
     .hf = "model.layers.{}.mlp.experts.gate_up_proj",
     .dims = {Dim::kExperts, Dim::kExpertFfn, Dim::kHidden},
     .transform = Transform::kSecondHalfRows,
     .mlx = "model.layers.{}.mlp.switch_mlp.up_proj.weight"},
    {.gguf = "blk.{}.ffn_down_exps.weight",
     .hf = "model.layers.{}.mlp.experts.{e}.down_proj.weight",
     .dims = {Dim::kExperts, Dim::kHidden, Dim::kExpertFfn},
     .transform = Transform::kStackExperts,
     .mlx = "model.layers.{}.mlp.switch_mlp.down_proj.weight"},
    {.gguf = "blk.{}.ffn_down_exps.weight",
     .hf = "model.layers.{}.mlp.experts.down_proj",
     .dims = {Dim::kExperts, Dim::kHidden, Dim::kExpertFfn},
     .mlx = "model.layers.{}.mlp.switch_mlp.down_proj.weight"},
});

}  // namespace pajamas::groups
