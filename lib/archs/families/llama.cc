// SPDX-License-Identifier: Apache-2.0
// Llama 2, 3 and 3.x, and the many models that use its class (SmolLM, SmolLM2, TinyLlama, ...).
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kLlamaClasses =
    std::to_array<std::string_view>({"LlamaForCausalLM", "LLaMAForCausalLM"});
constexpr auto kLlamaTensors = std::to_array<TensorGroup>(
    {groups::kEmbeddingAndHead, groups::kPreNorms, groups::kAttentionInterleaved, groups::kGatedFfn,
     groups::kOptionalLlamaBiases});
}  // namespace

constinit const ArchSpec kLlamaArch{
    .name = "llama",
    .hf_class_names = kLlamaClasses,
    .model_type = "llama",
    .gguf_name = "llama",
    .attention = {.rope = Rope::kInterleaved},
    .keys = {.vocab_size = true, .rope_dimension_count = true, .rope_freqs_tensor = true},
    .tensors = kLlamaTensors,
    .tokenizer = {.fallback_pre_tokenizer = "llama-bpe"},
};

}  // namespace pajamas
