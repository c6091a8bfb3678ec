// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model's tokenizer: as tokenizer.json when they begin with '{', else as
// tokenizer.model. It is exported, and opened to encode and decode.
#include <string>

#include "base/check.h"
#include "memory_file.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"
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
  const auto tokenizer = pajamas::Tokenizer::open_folder(folder);
  if (!tokenizer) return 0;
  constexpr std::string_view kText =
      "a Word's  123\t\u00e9e\u0301\u4f60\U0001f999<s></s><|im_end|>\r\n aaaaaaaa \xff\xf0\x9f";
  for (const bool special : {false, true}) {
    const auto ids = tokenizer->encode(kText, {.add_special = special, .parse_special = special});
    if (!ids) continue;
    pajamas::StreamDecoder decoder(*tokenizer);
    std::string text;
    for (const std::int32_t id : *ids) text += decoder.push(id);
    text += decoder.flush();
    PJ_CHECK(text == tokenizer->decode(*ids));
  }
  return 0;
}
