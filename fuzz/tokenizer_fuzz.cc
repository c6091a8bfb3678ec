// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model's tokenizer: as tokenizer.json when they begin with '{', else as the
// protobuf of tokenizer.model.
#include "memory_file.h"
#include "text/tokenizer_export.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const pajamas::MemoryFile file;
  static const pajamas::LinkFolder json_folder("tokenizer.json", file.path());
  static const pajamas::LinkFolder model_folder("tokenizer.model", file.path());
  static const pajamas::Json config = pajamas::Json::object();
  file.set_content({data, bytes});
  const bool is_json = bytes > 0 && data[0] == '{';
  const auto& folder = is_json ? json_folder.path() : model_folder.path();
  // Two sizes: no padding, and some.
  for (const std::int64_t vocab_size : {0, 300}) {
    static_cast<void>(pajamas::export_tokenizer(folder, config, {.vocab_size = vocab_size}));
  }
  return 0;
}
