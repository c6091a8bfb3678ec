// SPDX-License-Identifier: Apache-2.0
// Answers requests about tokenizers, one JSON object a line: {"folder" or "gguf": path, "texts":
// [hexadecimal bytes], "add_special", "parse_special"} gives {"ids", "decoded"} with one entry for
// each text, or {"error"}.
#include <cstdio>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "base/json.h"
#include "formats/gguf/gguf_source.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace {

using namespace pajamas;

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

Result<Tokenizer> open(const Json& request) {
  if (const auto folder = PJ_TRY(get_string(request, "folder"))) {
    return Tokenizer::open_folder(*folder);
  }
  const auto file = PJ_TRY(get_string(request, "gguf"));
  const auto gguf = PJ_TRY(open_gguf(file.value_or("")));
  return Tokenizer::from_metadata(gguf->metadata());
}

Result<Json> answer(const Json& request) {
  const Tokenizer tokenizer = PJ_TRY(open(request));
  const EncodeOptions options{
      .add_special = PJ_TRY(get_bool(request, "add_special")).value_or(false),
      .parse_special = PJ_TRY(get_bool(request, "parse_special")).value_or(true)};
  Json ids = Json::array();
  Json decoded = Json::array();
  Json streamed = Json::array();
  for (const Json& text : request["texts"]) {
    const auto tokens = PJ_TRY(tokenizer.encode(from_hex(text.get<std::string>()), options));
    ids.push_back(tokens);
    decoded.push_back(tokenizer.decode(tokens, {.skip_special = false}));
    StreamDecoder decoder(tokenizer, {.skip_special = false});
    std::string whole;
    for (const std::int32_t id : tokens) whole += decoder.push(id);
    streamed.push_back(whole + decoder.flush());
  }
  const auto id_or_null = [](std::optional<std::int32_t> id) { return id ? Json(*id) : Json(); };
  return Json{{"ids", ids},
              {"decoded", decoded},
              {"streamed", streamed},
              {"vocab_size", tokenizer.vocab_size()},
              {"bos", id_or_null(tokenizer.bos_id())},
              {"eos", id_or_null(tokenizer.eos_id())},
              {"end_of_generation", tokenizer.end_of_generation_ids()}};
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = parse_json(line, "request", {.max_bytes = std::uint64_t{1} << 30});
    const auto reply = request ? answer(*request) : Result<Json>(std::unexpected(request.error()));
    const Json out = reply ? *reply : Json{{"error", reply.error().message}};
    fmt::print("{}\n", out.dump());
    std::fflush(stdout);
  }
  return 0;
}
