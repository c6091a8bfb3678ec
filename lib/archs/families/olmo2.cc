// SPDX-License-Identifier: Apache-2.0
// OLMo 2: norms only after attention and FFN, and over the full width of q and k.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kOlmo2Classes = std::to_array<std::string_view>({"Olmo2ForCausalLM"});
constexpr auto kOlmo2Tensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPostNorms, groups::kAttention,
                                groups::kQkNormFullWidth, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kOlmo2Arch{
    .name = "olmo2",
    .hf_class_names = kOlmo2Classes,
    .model_type = "olmo2",
    .gguf_name = "olmo2",
    .attention = {.qk_norm = QkNorm::kFullWidth},
    .norm = {.placement = NormPlacement::kPost},
    .gguf_needs_output = true,
    .defaults = {.rms_norm_eps = 1e-5},
    .tensors = kOlmo2Tensors,
    .tokenizer = {.fallback_pre_tokenizer = "dbrx"},
};

}  // namespace pajamas
