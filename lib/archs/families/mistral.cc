// SPDX-License-Identifier: Apache-2.0
// Mistral 7B and Mistral Nemo (whose heads are narrower than hidden_size / heads). GGUF has them as
// llama, without a key for the sliding window of the first 7B: readers attend to everything.
#include "archs/families/families.h"
#include "archs/tensor_groups.h"

namespace pajamas {
namespace {

constexpr auto kMistralClasses = std::to_array<std::string_view>({"MistralForCausalLM"});
constexpr auto kMistralTensors =
    std::to_array<TensorGroup>({groups::kEmbeddingAndHead, groups::kPreNorms,
                                groups::kAttentionInterleaved, groups::kGatedFfn});
}  // namespace

constinit const ArchSpec kMistralArch{
    .name = "mistral",
    .hf_class_names = kMistralClasses,
    .model_type = "mistral",
    .gguf_name = "llama",
    .attention = {.rope = Rope::kInterleaved, .sliding_window = SlidingWindow::kAllLayers},
    .keys = {.vocab_size = true, .rope_dimension_count = true, .rope_freqs_tensor = true},
    .tensors = kMistralTensors,
    .tokenizer = {.fallback_pre_tokenizer = "tekken"},
};

}  // namespace pajamas
