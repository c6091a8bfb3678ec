// SPDX-License-Identifier: Apache-2.0
// Gemma 3: the text model, by itself or inside the multimodal one (whose vision tower is left
// behind). Five layers with a sliding window and their own rope base, then one without.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kGemma3Classes =
    std::to_array<std::string_view>({"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"});

constexpr auto kGemma3Keys = std::to_array<KeyRule>({
    {.gguf = "final_logit_softcapping",
     .config = "final_logit_softcapping",
     .type = KeyRule::Type::kFloat},
    {.gguf = "attention.sliding_window",
     .config = "sliding_window",
     .default_value = 4096,
     .unless_key = "sliding_window_pattern",
     .unless_value = 1},
});
constexpr auto kGemma3Tensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreAndPostNorms,
                                groups::kAttention, groups::kQkNormPerHead, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kGemma3Arch{
    .name = "gemma3",
    .hf_class_names = kGemma3Classes,
    .model_type = "gemma3_text",
    .gguf_name = "gemma3",
    .inside_multimodal = true,
    .attention = {.qk_norm = QkNorm::kPerHead,
                  .sliding_window = SlidingWindow::kFiveOfSix,
                  .local_rope_theta = 10000.0,
                  .scale_by_width_at_layers = 62},  // the 27B: query_pre_attn_scalar 168
    .ffn = {.activation = Activation::kGeluTanh},
    .norm = {.placement = NormPlacement::kPreAndPost, .stored_minus_one = true},
    .embedding_times_sqrt_hidden = true,
    .cut_embedding_to_vocab = true,
    .defaults =
        {.heads = 8, .kv_heads = 4, .head_dim = 256, .context_length = 131072, .rope_theta = 1e6},
    .keys = {.head_dim = HeadDimKeys::kAlways, .extra = kGemma3Keys},
    .tensors = kGemma3Tensors,
    .tokenizer = {.add_space_prefix = false},
};

}  // namespace pajamas
