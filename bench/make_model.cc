// SPDX-License-Identifier: Apache-2.0
// make_bench_model OUT_DIR [--experts N] [--layers N]
//
// Writes a Hugging Face folder with the shapes of Llama 3.2 1B (16 layers, BF16, tied embeddings),
// or with --experts a mixture of that many experts of about the same size (Qwen3-MoE, 4 layers, 8
// experts used), and seeded random weights: the same bytes on every machine and for every thread
// count. Values are
// normal with a scale per column, a few columns being far larger, as in trained models. The
// tokenizer is a byte-level BPE of the same size that means nothing.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/thread_pool.h"
#include "tensor/half.h"
#include "tensor/shape.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHidden = 2048;
constexpr std::int64_t kFfn = 8192;
constexpr std::int64_t kKv = 512;  // 8 heads of 64
constexpr std::int64_t kExpertFfn = 768;
constexpr std::int64_t kHeadDim = 64;
constexpr int kExpertsUsed = 8;
constexpr std::int64_t kVocab = 128256;
constexpr std::int64_t kPlainTokens = 128000;  // the rest are special tokens
constexpr std::int64_t kChunkElems = std::int64_t{1} << 20;
constexpr std::uint64_t kSeed = 20260821;

struct Size {
  int layers = 16;
  int experts = 0;  // none: a dense model
};

enum class Fill { kNormal, kNearOne };

struct Tensor {
  std::string name;
  Shape shape;
  Fill fill = Fill::kNormal;
  float scale = 0.02F;
  std::uint64_t offset = 0;  // from the start of the data section
};

// The 64-bit finaliser of splitmix64: state in, well mixed bits out.
std::uint64_t mix(std::uint64_t state) {
  state += 0x9e3779b97f4a7c15U;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebU;
  return state ^ (state >> 31);
}

// Standard normal values at the middles of 2^16 slices of equal probability.
std::vector<float> normal_table() {
  constexpr int kSlices = 1 << 16;
  std::vector<float> table(kSlices);
  double below = -6.0;
  double x = -6.0;
  for (int slice = 0; slice < kSlices; ++slice) {
    const double wanted = (slice + 0.5) / kSlices;
    double above = 6.0;
    while (above - below > 1e-7) {  // bisection; the next root is never left of this one
      x = (below + above) / 2;
      (std::erfc(-x / std::sqrt(2.0)) / 2 < wanted ? below : above) = x;
    }
    table[static_cast<std::size_t>(slice)] = static_cast<float>(x);
  }
  return table;
}

std::vector<float> column_scales(const Tensor& tensor, std::uint64_t seed) {
  std::vector<float> scales(static_cast<std::size_t>(tensor.shape.cols()));
  for (std::size_t col = 0; col < scales.size(); ++col) {
    const std::uint64_t bits = mix(seed + col);
    const float spread = 0.75F + 0.5F * static_cast<float>(bits & 0xffffU) / 65536.0F;
    const bool is_outlier = (bits >> 16) % 512 == 0;
    scales[col] = tensor.scale * spread * (is_outlier ? 6.0F : 1.0F);
  }
  return scales;
}

void fill_chunk(const Tensor& tensor, std::uint64_t seed, const std::vector<float>& normal,
                const std::vector<float>& scales, std::int64_t first,
                std::vector<std::uint16_t>& out) {
  std::size_t col = static_cast<std::size_t>(first) % scales.size();
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto elem = static_cast<std::uint64_t>(first) + i;
    if (elem % 4 == 0 || i == 0) bits = mix(seed ^ (elem / 4)) >> (16 * (elem % 4));
    const float value = normal[bits & 0xffffU] * scales[col];
    bits >>= 16;
    out[i] = f32_to_bf16(tensor.fill == Fill::kNearOne ? 1.0F + value : value);
    if (++col == scales.size()) col = 0;
  }
}

std::vector<Tensor> model_tensors(const Size& size) {
  std::vector<Tensor> tensors = {{"model.embed_tokens.weight", {kVocab, kHidden}}};
  for (int layer = 0; layer < size.layers; ++layer) {
    const auto add = [&](std::string_view name, Shape shape, Fill fill, float scale) {
      tensors.push_back(
          {fmt::format("model.layers.{}.{}.weight", layer, name), std::move(shape), fill, scale});
    };
    add("input_layernorm", {kHidden}, Fill::kNearOne, 0.1F);
    if (size.experts == 0) {
      add("mlp.down_proj", {kHidden, kFfn}, Fill::kNormal, 0.02F);
      add("mlp.gate_proj", {kFfn, kHidden}, Fill::kNormal, 0.03F);
      add("mlp.up_proj", {kFfn, kHidden}, Fill::kNormal, 0.025F);
    } else {
      add("mlp.gate", {size.experts, kHidden}, Fill::kNormal, 0.03F);
      add("self_attn.k_norm", {kHeadDim}, Fill::kNearOne, 0.1F);
      add("self_attn.q_norm", {kHeadDim}, Fill::kNearOne, 0.1F);
    }
    for (int expert = 0; expert < size.experts; ++expert) {
      const std::string name = fmt::format("mlp.experts.{}.", expert);
      add(name + "down_proj", {kHidden, kExpertFfn}, Fill::kNormal, 0.02F);
      add(name + "gate_proj", {kExpertFfn, kHidden}, Fill::kNormal, 0.03F);
      add(name + "up_proj", {kExpertFfn, kHidden}, Fill::kNormal, 0.025F);
    }
    add("post_attention_layernorm", {kHidden}, Fill::kNearOne, 0.1F);
    add("self_attn.k_proj", {kKv, kHidden}, Fill::kNormal, 0.05F);
    add("self_attn.o_proj", {kHidden, kHidden}, Fill::kNormal, 0.02F);
    add("self_attn.q_proj", {kHidden, kHidden}, Fill::kNormal, 0.04F);
    add("self_attn.v_proj", {kKv, kHidden}, Fill::kNormal, 0.02F);
  }
  tensors.push_back({"model.norm.weight", {kHidden}, Fill::kNearOne, 0.1F});
  std::uint64_t offset = 0;
  for (Tensor& tensor : tensors) {
    tensor.offset = offset;
    offset += static_cast<std::uint64_t>(tensor.shape.elems()) * sizeof(std::uint16_t);
  }
  return tensors;
}

// 8 bytes of length, then JSON padded with spaces to a multiple of 8.
std::string safetensors_header(const std::vector<Tensor>& tensors) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  for (const Tensor& tensor : tensors) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.shape.elems()) * 2;
    json +=
        fmt::format(R"(,"{}":{{"dtype":"BF16","shape":[{}],"data_offsets":[{},{}]}})", tensor.name,
                    fmt::join(tensor.shape.dims, ","), tensor.offset, tensor.offset + bytes);
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header(sizeof(std::uint64_t), '\0');
  for (std::size_t byte = 0; byte < header.size(); ++byte) {
    header[byte] = static_cast<char>((json.size() >> (8 * byte)) & 0xffU);
  }
  return header + json;
}

Status write_weights(const fs::path& path, const Size& size) {
  const std::vector<Tensor> tensors = model_tensors(size);
  const std::string header = safetensors_header(tensors);
  const std::vector<float> normal = normal_table();
  fs::path partial = path;
  partial += ".partial";
  const File file = PJ_TRY(File::open_write(partial));
  PJ_TRY(file.write_at(0, std::as_bytes(std::span(header))));

  ThreadPool pool(0);
  for (std::size_t index = 0; index < tensors.size(); ++index) {
    const Tensor& tensor = tensors[index];
    const std::uint64_t seed = mix(kSeed + index);
    const std::vector<float> scales = column_scales(tensor, seed);
    const std::int64_t elems = tensor.shape.elems();
    PJ_TRY(pool.run((elems + kChunkElems - 1) / kChunkElems, [&](std::int64_t chunk, int) {
      const std::int64_t first = chunk * kChunkElems;
      std::vector<std::uint16_t> values(
          static_cast<std::size_t>(std::min(kChunkElems, elems - first)));
      fill_chunk(tensor, seed, normal, scales, first, values);
      return file.write_at(
          header.size() + tensor.offset + static_cast<std::uint64_t>(first) * sizeof(std::uint16_t),
          std::as_bytes(std::span(values)));
    }));
  }
  PJ_TRY(file.sync());
  return rename_durable(partial, path);
}

// The 256 characters that stand for bytes in byte-level BPE: printable Latin-1 stands for itself,
// the others for U+0100 and up in order.
std::array<std::string, 256> byte_characters() {
  std::array<std::string, 256> characters;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
    const unsigned code = is_printable ? byte : next++;
    std::string& text = characters[byte];
    if (code < 0x80) {
      text = static_cast<char>(code);
    } else {
      text = {static_cast<char>(0xc0U | (code >> 6)), static_cast<char>(0x80U | (code & 0x3fU))};
    }
  }
  return characters;
}

std::string json_escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

// All single bytes, then all pairs, then pairs with one more byte until the table is full; each is
// the merge of the two parts it is built from.
void append_vocabulary(std::string& vocab, std::string& merges) {
  const std::array<std::string, 256> bytes = byte_characters();
  std::vector<std::string> tokens(bytes.begin(), bytes.end());
  for (std::size_t left = 0; static_cast<std::int64_t>(tokens.size()) < kPlainTokens; ++left) {
    const std::string first = tokens[left];
    for (const std::string& second : bytes) {
      if (static_cast<std::int64_t>(tokens.size()) == kPlainTokens) break;
      merges += fmt::format(R"({}"{} {}")", merges.empty() ? "" : ",", json_escape(first),
                            json_escape(second));
      tokens.push_back(first + second);
    }
  }
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    vocab += fmt::format(R"({}"{}":{})", id == 0 ? "" : ",", json_escape(tokens[id]), id);
  }
}

std::string special_token(std::int64_t id) {
  if (id == kPlainTokens) return "<|begin_of_text|>";
  if (id == kPlainTokens + 1) return "<|end_of_text|>";
  return fmt::format("<|reserved_special_token_{}|>", id - kPlainTokens - 2);
}

std::string tokenizer_json() {
  std::string added;
  for (std::int64_t id = kPlainTokens; id < kVocab; ++id) {
    added += fmt::format(R"({}{{"id":{},"content":"{}","single_word":false,"lstrip":false,)"
                         R"("rstrip":false,"normalized":false,"special":true}})",
                         added.empty() ? "" : ",", id, special_token(id));
  }
  std::string vocab;
  std::string merges;
  append_vocabulary(vocab, merges);
  // The pre-tokenizer of Llama 3, so that converters recognise it.
  constexpr std::string_view kSplit =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|)"
      R"( ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)";
  return fmt::format(
      R"({{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{}],)"
      R"("normalizer":null,"pre_tokenizer":{{"type":"Sequence","pretokenizers":[)"
      R"({{"type":"Split","pattern":{{"Regex":"{}"}},"behavior":"Isolated","invert":false}},)"
      R"({{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}}]}},)"
      R"("post_processor":null,"decoder":{{"type":"ByteLevel","add_prefix_space":true,)"
      R"("trim_offsets":true,"use_regex":true}},"model":{{"type":"BPE","dropout":null,)"
      R"("unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,)"
      R"("fuse_unk":false,"byte_fallback":false,"ignore_merges":true,"vocab":{{{}}},)"
      R"("merges":[{}]}}}})",
      added, kSplit, vocab, merges);
}

std::string config_json(const Size& size) {
  std::string kind = R"("architectures": ["LlamaForCausalLM"], "model_type": "llama",)";
  if (size.experts > 0) {
    kind = fmt::format(
        R"("architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe",
  "num_experts": {}, "num_experts_per_tok": {}, "moe_intermediate_size": {},
  "norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": [],)",
        size.experts, kExpertsUsed, kExpertFfn);
  }
  const std::string_view scaling =
      R"("rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192, "rope_type": "llama3"},)";
  return fmt::format(R"({{
  {}
  "attention_bias": false,
  "bos_token_id": 128000,
  "eos_token_id": 128001,
  "head_dim": {},
  "hidden_act": "silu",
  "hidden_size": {},
  "intermediate_size": {},
  "max_position_embeddings": 131072,
  "mlp_bias": false,
  "num_attention_heads": 32,
  "num_hidden_layers": {},
  "num_key_value_heads": 8,
  "rms_norm_eps": 1e-05,
  {}
  "rope_theta": 500000.0,
  "tie_word_embeddings": true,
  "torch_dtype": "bfloat16",
  "vocab_size": {}
}}
)",
                     kind, kHeadDim, kHidden, kFfn, size.layers, size.experts > 0 ? "" : scaling,
                     kVocab);
}

constexpr std::string_view kTokenizerConfig = R"({
  "bos_token": "<|begin_of_text|>",
  "eos_token": "<|end_of_text|>",
  "model_max_length": 131072,
  "tokenizer_class": "PreTrainedTokenizerFast"
}
)";

// config.json comes last: a folder that has it is complete.
Status make_model(const fs::path& folder, const Size& size) {
  PJ_TRY(make_directories(folder));
  PJ_TRY(remove_file_if_present(folder / "config.json"));
  PJ_TRY(write_weights(folder / "model.safetensors", size));
  PJ_TRY(write_file_atomic(folder / "tokenizer.json", tokenizer_json()));
  PJ_TRY(write_file_atomic(folder / "tokenizer_config.json", kTokenizerConfig));
  return write_file_atomic(folder / "config.json", config_json(size));
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  pajamas::Size size;
  bool is_usable = arguments.size() % 2 == 1;
  for (std::size_t at = 1; at + 1 < arguments.size(); at += 2) {
    const int number = std::atoi(arguments[at + 1].c_str());
    is_usable = is_usable && number >= 1;
    if (arguments[at] == "--layers") {
      size.layers = number;
    } else if (arguments[at] == "--experts") {
      size = {.layers = 4, .experts = number};
    } else {
      is_usable = false;
    }
  }
  if (!is_usable) {
    fmt::print(stderr, "usage: make_bench_model OUT_DIR [--experts N] [--layers N]\n");
    return 2;
  }
  const pajamas::Status status = pajamas::make_model(arguments[0], size);
  if (!status) {
    fmt::print(stderr, "make_bench_model: {}\n", status.error().message);
    return static_cast<int>(status.error().code);
  }
  return 0;
}
