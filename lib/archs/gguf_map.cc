// SPDX-License-Identifier: Apache-2.0
#include "archs/gguf_map.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "archs/gguf_keys.h"
#include "archs/model_config.h"
#include "archs/rope_config.h"
#include "archs/source_names.h"
#include "base/check.h"

namespace pajamas {
namespace {

constexpr std::string_view kEmbeddingName = "model.embed_tokens.weight";
constexpr std::string_view kHeadName = "lm_head.weight";

// The block of "blk.N.…", or -1 outside blocks.
std::int64_t block_of(std::string_view gguf_name) {
  std::int64_t block = -1;
  if (gguf_name.starts_with("blk.")) {
    std::from_chars(gguf_name.data() + 4, gguf_name.data() + gguf_name.size(), block);
  }
  return block;
}

// What stays F32 in every GGUF file: vectors, norms, routers, and all that is not a weight.
bool stays_f32(std::string_view name, const Shape& shape) {
  return shape.rank() < 2 || name.ends_with("_norm.weight") || !name.ends_with(".weight") ||
         name.ends_with(".ffn_gate_inp.weight") || name.ends_with(".ffn_gate_inp_shexp.weight");
}

class Mapper {
 public:
  Mapper(const ModelConfig& model, std::span<const TensorInfo> source)
      : model_(model), names_(*model.arch, source) {}

  Result<GgufMap> run() {
    PJ_TRY(find_vocab_rows());
    for (const TensorGroup group : model_.arch->tensors) PJ_TRY(add_group(group));
    add_rope_tensors();
    GgufMap map;
    map.arch = model_.arch;
    map.inside_multimodal = model_.inside_multimodal;
    map.keys = gguf_keys(model_, vocab_rows_);
    std::ranges::sort(outputs_, {}, [](const OutputTensor& output) {
      return std::tuple(block_of(output.name), std::string_view(output.name));
    });
    map.tensors = std::move(outputs_);
    for (const std::string& name : names_.unused()) {
      map.warnings.push_back(
          fmt::format("tensor '{}' is not part of {} and is left out", name, model_.arch->name));
    }
    return map;
  }

 private:
  Status find_vocab_rows() {
    tied_ = model_.arch->tied == Tied::kAlways ||
            model_.tied.value_or(names_.find(kHeadName) == nullptr);
    const TensorInfo* embedding = names_.find(kEmbeddingName);
    if (embedding == nullptr && tied_) {
      embedding_name_ = kHeadName;
      embedding = names_.find(kHeadName);
    }
    if (embedding == nullptr) return missing(kEmbeddingName);
    const std::int64_t rows = embedding->shape.rank() == 2 ? embedding->shape.dims[0] : 0;
    if (model_.vocab == 0 && (rows < 1 || rows > kMaxVocab)) {
      return make_error(ErrorCode::kInvalidData, "tensor '{}' has shape {}, expected 1 to {} rows",
                        embedding->name, embedding->shape.to_string(), kMaxVocab);
    }
    vocab_rows_ = model_.vocab == 0 ? rows : model_.vocab;
    source_vocab_rows_ = vocab_rows_;
    if (model_.arch->cut_embedding_to_vocab && rows > vocab_rows_) source_vocab_rows_ = rows;
    return {};
  }

  static std::unexpected<Error> missing(std::string_view name) {
    return make_error(ErrorCode::kInvalidData,
                      "the model has no tensor '{}', which its architecture needs", name);
  }

  std::int64_t value_of(Dim dim) const {
    const std::int64_t query = model_.heads * model_.head_dim;
    const std::int64_t key_value = model_.kv_heads * model_.head_dim;
    switch (dim) {
      case Dim::kNone:
        return 0;
      case Dim::kHidden:
        return model_.hidden;
      case Dim::kVocab:
        return vocab_rows_;
      case Dim::kHeadDim:
        return model_.head_dim;
      case Dim::kQuery:
        return query;
      case Dim::kKeyValue:
        return key_value;
      case Dim::kQkv:
        return query + 2 * key_value;
      case Dim::kFfn:
        return model_.ffn;
      case Dim::kTwoFfn:
        return 2 * model_.ffn;
      case Dim::kExperts:
        return model_.experts;
      case Dim::kExpertFfn:
        return model_.expert_ffn;
      case Dim::kSharedFfn:
        return model_.shared_ffn;
    }
    PJ_CHECK(false);
    return 0;
  }

  Shape output_shape(const TensorRule& rule) const {
    Shape shape;
    for (const Dim dim : rule.dims) {
      if (dim != Dim::kNone) shape.dims.push_back(value_of(dim));
    }
    return shape;
  }

  // What one source tensor of the rule has to look like.
  Shape source_shape(const TensorRule& rule) const {
    Shape shape = output_shape(rule);
    if (rule.dims[0] == Dim::kVocab) shape.dims[0] = source_vocab_rows_;
    switch (rule.transform) {
      case Transform::kCopy:
      case Transform::kRopeQuery:
      case Transform::kRopeKey:
        break;
      case Transform::kStackExperts:
        shape.dims.erase(shape.dims.begin());
        break;
      case Transform::kFirstHalfRows:
      case Transform::kSecondHalfRows:
        shape.dims[1] *= 2;
        break;
      case Transform::kFlatten:
        shape.dims.insert(shape.dims.begin(), 1);
        break;
    }
    return shape;
  }

  Status check_source(const TensorInfo& tensor, const Shape& expected) const {
    if (!is_plain_float(tensor.dtype)) {
      return make_error(ErrorCode::kUnsupported,
                        "tensor '{}' is {}, expected floating-point weights", tensor.name,
                        dtype_name(tensor.dtype));
    }
    if (tensor.shape == expected) return {};
    return make_error(ErrorCode::kInvalidData,
                      "tensor '{}' has shape {}, expected {} by config.json", tensor.name,
                      tensor.shape.to_string(), expected.to_string());
  }

  bool has_source(const TensorRule& rule, std::int64_t block) const {
    return names_.find(fill_name(rule.hf, block)) != nullptr;
  }

  bool has_mlx_source(const TensorRule& rule, std::int64_t block) const {
    return !rule.mlx.empty() && names_.find(fill_name(rule.mlx, block)) != nullptr;
  }

  // Rules with the same GGUF name are alternatives; the first stands for all in messages.
  Status add_group(TensorGroup group) {
    for (std::size_t first = 0; first < group.size();) {
      std::size_t end = first + 1;
      while (end < group.size() && group[end].gguf == group[first].gguf) ++end;
      const TensorGroup alternatives = group.subspan(first, end - first);
      const bool in_blocks = alternatives.front().gguf.find("{}") != std::string_view::npos;
      for (std::int64_t block = 0; block < (in_blocks ? model_.layers : 1); ++block) {
        PJ_TRY(add_one(alternatives, block));
      }
      first = end;
    }
    return {};
  }

  Status add_one(TensorGroup alternatives, std::int64_t block) {
    TensorRule chosen = alternatives.front();
    for (const TensorRule& rule : alternatives) {
      const bool is_there = has_source(rule, block);
      if (!is_there && !has_mlx_source(rule, block)) continue;
      chosen = rule;
      if (!is_there) {  // as an MLX folder has it: whole already
        chosen.hf = rule.mlx;
        chosen.transform = Transform::kCopy;
      }
      break;
    }
    if (chosen.presence == Presence::kOptional && !has_source(chosen, block)) return {};
    if (chosen.presence == Presence::kUnlessTied && tied_) {
      if (!model_.arch->gguf_needs_output) return {};
      PJ_TRY(add_output(chosen, embedding_name_, block));
      if (!model_.arch->mlx.head_when_tied) outputs_.back().mlx_name.clear();
      return {};
    }
    return add_output(chosen, chosen.hf, block);
  }

  Status add_output(const TensorRule& rule, std::string_view source_pattern, std::int64_t block) {
    OutputTensor output{.name = fill_name(rule.gguf, block), .shape = output_shape(rule)};
    const Shape expected = source_shape(rule);
    const bool stacked = rule.transform == Transform::kStackExperts;
    for (std::int64_t expert = 0; expert < (stacked ? model_.experts : 1); ++expert) {
      const std::string name = fill_name(source_pattern, block, expert);
      const TensorInfo* tensor = names_.use(name);
      if (tensor == nullptr) return missing(name);
      PJ_TRY(check_source(*tensor, expected));
      add_pieces(rule, *tensor, output);
    }
    output.keep_f32 = stays_f32(output.name, output.shape);
    output.mlx_name = model_.inside_multimodal ? "language_model." : "";
    output.mlx_name += fill_name(rule.mlx.empty() ? rule.hf : rule.mlx, block);
    output.mlx_shape = rule.transform == Transform::kFlatten ? expected : output.shape;
    if (model_.arch->norm.stored_minus_one && output.name.ends_with("norm.weight")) {
      output.op = ElementOp::kAddOne;
    }
    outputs_.push_back(std::move(output));
    return {};
  }

  void add_pieces(const TensorRule& rule, const TensorInfo& tensor, OutputTensor& output) const {
    const bool is_half =
        rule.transform == Transform::kFirstHalfRows || rule.transform == Transform::kSecondHalfRows;
    if (is_half) {
      const std::int64_t rows = output.shape.dims[1];
      const std::int64_t skip = rule.transform == Transform::kSecondHalfRows ? rows : 0;
      for (std::int64_t expert = 0; expert < output.shape.dims[0]; ++expert) {
        output.pieces.push_back(
            {.source = tensor.name, .first_row = expert * 2 * rows + skip, .row_count = rows});
      }
      return;
    }
    Piece piece{.source = tensor.name, .row_count = tensor.shape.rows()};
    if (rule.dims[0] == Dim::kVocab) piece.row_count = vocab_rows_;
    if (rule.transform == Transform::kRopeQuery || rule.transform == Transform::kRopeKey) {
      piece.order = RowOrder::kRopeInterleave;
      piece.heads = rule.transform == Transform::kRopeQuery ? model_.heads : model_.kv_heads;
      if (output.shape.rank() == 1) piece.row_count = output.shape.dims[0];
    }
    output.pieces.push_back(std::move(piece));
  }

  void add_rope_tensors() {
    if (model_.arch->keys.rope_freqs_tensor && model_.rope.scaling == RopeScaling::kLlama3) {
      add_constant("rope_freqs.weight", llama3_rope_factors(model_));
    }
    if (!model_.rope.long_factors.empty()) {
      add_constant("rope_factors_long.weight", model_.rope.long_factors);
      add_constant("rope_factors_short.weight", model_.rope.short_factors);
    }
  }

  void add_constant(std::string_view name, std::vector<float> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    outputs_.push_back({.name = std::string(name),
                        .shape = {count},
                        .constant = std::move(values),
                        .keep_f32 = true});
  }

  const ModelConfig& model_;
  SourceNames names_;
  std::vector<OutputTensor> outputs_;
  std::int64_t vocab_rows_ = 0;         // of the output
  std::int64_t source_vocab_rows_ = 0;  // more when the source's embedding is padded
  bool tied_ = false;
  std::string_view embedding_name_ = kEmbeddingName;
};

}  // namespace

Result<GgufMap> map_to_gguf(const Json& config, std::span<const TensorInfo> source) {
  const ModelConfig model = PJ_TRY(parse_model_config(config));
  return Mapper(model, source).run();
}

}  // namespace pajamas
