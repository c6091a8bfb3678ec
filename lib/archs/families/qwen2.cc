// SPDX-License-Identifier: Apache-2.0
// Qwen2 and Qwen2.5: biases on q, k and v.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kQwen2Classes = std::to_array<std::string_view>({"Qwen2ForCausalLM"});
constexpr auto kQwen2Tensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttention,
                                groups::kQkvBias, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kQwen2Arch{
    .name = "qwen2",
    .hf_class_names = kQwen2Classes,
    .model_type = "qwen2",
    .gguf_name = "qwen2",
    .attention = {.qkv_bias = true},
    .tensors = kQwen2Tensors,
    .tokenizer = {.fallback_pre_tokenizer = "qwen2"},
};

}  // namespace pajamas
