// SPDX-License-Identifier: Apache-2.0
// Qwen3: a norm on every head of q and k, no biases, a head size of its own.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kQwen3Classes = std::to_array<std::string_view>({"Qwen3ForCausalLM"});
constexpr auto kQwen3Tensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttention,
                                groups::kQkNormPerHead, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kQwen3Arch{
    .name = "qwen3",
    .hf_class_names = kQwen3Classes,
    .model_type = "qwen3",
    .gguf_name = "qwen3",
    .attention = {.qk_norm = QkNorm::kPerHead},
    .defaults = {.head_dim = 128},
    .tensors = kQwen3Tensors,
    .tokenizer = {.fallback_pre_tokenizer = "qwen2"},
};

}  // namespace pajamas
