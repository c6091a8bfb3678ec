// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF model: an error, or a model through which tokens pass.
#include "base/check.h"
#include "memory_file.h"
#include "runtime/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  static const pajamas::LinkFolder folder("model.gguf", file.path());
  file.set_content({data, bytes});
  pajamas::SilentProgress progress;
  const pajamas::CancelToken cancel;
  const auto engine = pajamas::Engine::open(folder.path() / "model.gguf",
                                            {.threads = 1,
                                             .context = 80,
                                             .kv_type = pajamas::KvType::kF16,
                                             .micro_batch = 16,
                                             .memory_limit_bytes = std::uint64_t{64} << 20},
                                            cancel, progress);
  if (!engine) return 0;
  const auto vocab = static_cast<std::int32_t>((*engine)->parameters().vocab);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 70; ++i) tokens.push_back(i % vocab);
  pajamas::Sequence sequence = (*engine)->new_sequence();
  const auto logits = (*engine)->prefill(sequence, tokens, cancel);
  PJ_CHECK(logits.has_value() && logits->size() == static_cast<std::size_t>(vocab));
  return 0;
}
