// SPDX-License-Identifier: Apache-2.0
// Gemma 2: norms before and after both halves of a layer, soft-capped logits, a sliding window in
// every other layer, and an output head that is always the embedding.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kGemma2Classes = std::to_array<std::string_view>({"Gemma2ForCausalLM"});

constexpr auto kGemma2Keys = std::to_array<KeyRule>({
    {.gguf = "attn_logit_softcapping",
     .config = "attn_logit_softcapping",
     .type = KeyRule::Type::kFloat,
     .default_value = 50.0},
    {.gguf = "final_logit_softcapping",
     .config = "final_logit_softcapping",
     .type = KeyRule::Type::kFloat,
     .default_value = 30.0},
    {.gguf = "attention.sliding_window", .config = "sliding_window", .default_value = 4096},
});
constexpr auto kGemma2Tensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreAndPostNorms, groups::kAttention, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kGemma2Arch{
    .name = "gemma2",
    .hf_class_names = kGemma2Classes,
    .model_type = "gemma2",
    .gguf_name = "gemma2",
    .attention = {.sliding_window = SlidingWindow::kEveryOther,
                  .logit_softcap = true,
                  .scale_by_width_at_layers = 46},  // the 27B: query_pre_attn_scalar 144
    .ffn = {.activation = Activation::kGeluTanh},
    .norm = {.placement = NormPlacement::kPreAndPost, .stored_minus_one = true},
    .embedding_times_sqrt_hidden = true,
    .final_logit_softcap = true,
    .tied = Tied::kAlways,
    .defaults = {.head_dim = 256},
    .keys = {.rope = RopeKeys::kOnlyUnusualBase,
             .head_dim = HeadDimKeys::kAlways,
             .extra = kGemma2Keys},
    .tensors = kGemma2Tensors,
    .tokenizer = {.add_space_prefix = false},
};

}  // namespace pajamas
