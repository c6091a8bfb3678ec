// SPDX-License-Identifier: Apache-2.0
#include "runtime/weights.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "base/check.h"
#include "base/human_units.h"
#include "base/thread_pool.h"
#include "models/output_rows.h"
#include "runtime/tensor_table.h"

namespace pajamas {
namespace {

// Read and packed at a time: fits a core's second-level cache, and makes enough tasks to share.
constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;

constexpr std::uint64_t align_up(std::uint64_t bytes) {
  return (bytes + kMatmulAlignment - 1) / kMatmulAlignment * kMatmulAlignment;
}

// One matrix (of a stack, one expert's) and where it goes.
struct MatrixJob {
  const OutputTensor* tensor = nullptr;
  PackedMatrix* target = nullptr;  // nullptr: the rows are kept as they are stored
  WeightType type = DType::kF32;
  std::int64_t first_row = 0;  // in the tensor
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::uint64_t offset = 0;  // in Weights::memory
};

struct Chunk {
  const MatrixJob* job = nullptr;
  std::int64_t first_row = 0;  // in the matrix
  std::int64_t row_count = 0;
};

class Loader {
 public:
  Loader(const OpenedModel& model, const HyperParameters& parameters, const TensorTable& table,
         const LoadOptions& options)
      : model_(model),
        parameters_(parameters),
        table_(table),
        options_(options),
        rows_(model, options.kernels) {}

  Result<Weights> run(const CancelToken& cancel, Progress& progress) {
    weights_.layers.resize(static_cast<std::size_t>(parameters_.layers));
    PJ_TRY(plan_outer());
    for (std::int64_t layer = 0; layer < parameters_.layers; ++layer) PJ_TRY(plan_layer(layer));
    PJ_TRY(check_memory());
    weights_.memory = PJ_TRY(MemoryPages::allocate(total_bytes_));
    PJ_TRY(fill(cancel, progress));
    return std::move(weights_);
  }

 private:
  Status plan_matrix(const OutputTensor& tensor, std::int64_t first_row, std::int64_t rows,
                     PackedMatrix* target) {
    MatrixJob job{.tensor = &tensor,
                  .target = target,
                  .type = stored_type(model_, tensor),
                  .first_row = first_row,
                  .rows = rows,
                  .cols = tensor.shape.cols(),
                  .offset = total_bytes_};
    PJ_TRY(rows_.check(tensor));
    if (!job.type.is_mlx() && has_mlx_pieces(tensor)) {
      weights_.warnings.push_back(fmt::format(
          "'{}' is made of tensors of several MLX types, so it is held as F32", tensor.name));
    }
    if (tensor.pieces.empty() || !can_pack(options_.kernels, job.type)) {
      return make_error(ErrorCode::kUnsupported, "tensor '{}' is {}, which cannot be multiplied",
                        tensor.name, job.type.name());
    }
    const std::uint64_t bytes =
        target == nullptr ? row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(rows)
                          : packed_bytes(options_.kernels, job.type, rows, job.cols);
    total_bytes_ += align_up(bytes);
    stored_bytes_ += row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(rows);
    jobs_.push_back(job);
    return {};
  }

  bool has_mlx_pieces(const OutputTensor& tensor) const {
    return model_.mlx != nullptr && std::ranges::any_of(tensor.pieces, [&](const Piece& piece) {
             const MlxTensor* source = model_.mlx->find(piece.source);
             return source != nullptr && source->quantization.has_value();
           });
  }

  Status plan_linear(const OutputTensor& weight, Linear& linear) {
    linear.name = weight.name;
    PJ_TRY(plan_matrix(weight, 0, weight.shape.rows(), &linear.matrix));
    std::string bias_name = weight.name;
    const std::size_t suffix = bias_name.rfind(".weight");
    PJ_CHECK(suffix != std::string::npos);
    bias_name.replace(suffix, std::string::npos, ".bias");
    return load_vector(table_.find(bias_name), linear.bias);
  }

  // Those of `names` that the layer has.
  Status plan_linears(std::int64_t layer, std::initializer_list<std::string_view> names,
                      std::vector<Linear>& linears) {
    linears.reserve(names.size());  // jobs point into it
    for (const std::string_view name : names) {
      const OutputTensor* tensor = table_.find_in_layer(layer, name);
      if (tensor != nullptr) PJ_TRY(plan_linear(*tensor, linears.emplace_back()));
    }
    return {};
  }

  Status plan_linear(std::int64_t layer, std::string_view name, Linear& linear) {
    const OutputTensor* tensor = table_.find_in_layer(layer, name);
    return tensor == nullptr ? Status{} : plan_linear(*tensor, linear);
  }

  Status plan_experts(std::int64_t layer, std::string_view name, ExpertLinear& stack) {
    const OutputTensor* tensor = table_.find_in_layer(layer, name);
    if (tensor == nullptr) return {};
    stack.name = tensor->name;
    const std::int64_t rows = tensor->shape.dims[1];
    stack.experts.resize(static_cast<std::size_t>(parameters_.experts));
    for (std::int64_t expert = 0; expert < parameters_.experts; ++expert) {
      PJ_TRY(plan_matrix(*tensor, expert * rows, rows,
                         &stack.experts[static_cast<std::size_t>(expert)]));
    }
    return {};
  }

  Status load_vector(const OutputTensor* tensor, std::vector<float>& values) {
    if (tensor == nullptr) return {};
    PJ_TRY(rows_.check(*tensor));
    values = PJ_TRY(rows_.read_vector(*tensor));
    return {};
  }

  Status plan_outer() {
    const OutputTensor& embedding = *table_.find("token_embd.weight");
    const OutputTensor* head = table_.find("output.weight");
    weights_.embedding.cols = embedding.shape.cols();
    if (head != nullptr) {
      weights_.embedding.type = stored_type(model_, embedding);
      embedding_offset_ = total_bytes_;
      PJ_TRY(plan_matrix(embedding, 0, embedding.shape.rows(), nullptr));
    }
    PJ_TRY(plan_linear(head == nullptr ? embedding : *head, weights_.output));
    has_own_head_ = head != nullptr;
    PJ_TRY(load_vector(table_.find("output_norm.weight"), weights_.output_norm));
    PJ_TRY(load_vector(table_.find("rope_freqs.weight"), weights_.rope_factors));
    PJ_TRY(load_vector(table_.find("rope_factors_long.weight"), weights_.rope_factors_long));
    PJ_TRY(load_vector(table_.find("rope_factors_short.weight"), weights_.rope_factors_short));
    return {};
  }

  Status plan_layer(std::int64_t index) {
    LayerWeights& layer = weights_.layers[static_cast<std::size_t>(index)];
    const auto vector = [&](std::string_view name, std::vector<float>& values) {
      return load_vector(table_.find_in_layer(index, name), values);
    };
    AttentionWeights& attention = layer.attention;
    PJ_TRY(vector("attn_norm.weight", attention.norm));
    PJ_TRY(vector("post_attention_norm.weight", attention.post_norm));
    PJ_TRY(vector("attn_q_norm.weight", attention.query_norm));
    PJ_TRY(vector("attn_k_norm.weight", attention.key_norm));
    PJ_TRY(plan_linears(index,
                        {"attn_qkv.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight"},
                        attention.qkv));
    PJ_TRY(plan_linear(index, "attn_output.weight", attention.output));
    PJ_TRY(vector("ffn_norm.weight", layer.ffn_norm));
    PJ_TRY(vector("post_ffw_norm.weight", layer.ffn_post_norm));
    PJ_TRY(plan_linears(index, {"ffn_gate.weight", "ffn_up.weight"}, layer.ffn.gate_up));
    PJ_TRY(plan_linear(index, "ffn_down.weight", layer.ffn.down));
    return plan_moe(index, layer.moe);
  }

  Status plan_moe(std::int64_t index, MoeWeights& moe) {
    PJ_TRY(plan_linear(index, "ffn_gate_inp.weight", moe.router));
    PJ_TRY(plan_experts(index, "ffn_gate_exps.weight", moe.gate));
    PJ_TRY(plan_experts(index, "ffn_up_exps.weight", moe.up));
    PJ_TRY(plan_experts(index, "ffn_down_exps.weight", moe.down));
    PJ_TRY(
        plan_linears(index, {"ffn_gate_shexp.weight", "ffn_up_shexp.weight"}, moe.shared.gate_up));
    PJ_TRY(plan_linear(index, "ffn_down_shexp.weight", moe.shared.down));
    return plan_linear(index, "ffn_gate_inp_shexp.weight", moe.shared_router);
  }

  Status check_memory() const {
    const std::uint64_t limit =
        options_.limit_bytes > 0 ? options_.limit_bytes : available_memory_bytes();
    const std::uint64_t needed = total_bytes_ + options_.extra_bytes;
    if (needed <= limit) return {};
    return make_error(
        ErrorCode::kNoSpace,
        "'{}' needs {} of memory ({} for weights, {} for the context), but only {} "
        "can be used; take a file of fewer bits per weight, or make --context smaller",
        model_.source.path, format_bytes(needed), format_bytes(total_bytes_),
        format_bytes(options_.extra_bytes), format_bytes(limit));
  }

  std::vector<Chunk> make_chunks() const {
    std::vector<Chunk> chunks;
    for (const MatrixJob& job : jobs_) {
      const std::uint64_t row_size = std::max<std::uint64_t>(1, row_bytes(job.type, job.cols));
      const auto groups = static_cast<std::int64_t>(kChunkBytes / row_size) / kPackRows;
      const std::int64_t step = std::max<std::int64_t>(1, groups) * kPackRows;
      for (std::int64_t row = 0; row < job.rows; row += step) {
        chunks.push_back({&job, row, std::min(step, job.rows - row)});
      }
    }
    return chunks;
  }

  Status fill(const CancelToken& cancel, Progress& progress) {
    const std::vector<Chunk> chunks = make_chunks();
    ThreadPool pool(options_.threads);
    std::vector<std::vector<std::byte>> buffers(static_cast<std::size_t>(pool.thread_count()));
    std::atomic<std::uint64_t> done{0};
    const auto load_chunk = [&](std::int64_t index, int thread) -> Status {
      PJ_TRY(cancel.check());
      const Chunk& chunk = chunks[static_cast<std::size_t>(index)];
      PJ_TRY(load(chunk, buffers[static_cast<std::size_t>(thread)]));
      const MatrixJob& job = *chunk.job;
      const std::uint64_t bytes =
          row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(chunk.row_count);
      progress.update({.stage = "load",
                       .item = job.tensor->name,
                       .done_bytes = done.fetch_add(bytes) + bytes,
                       .total_bytes = stored_bytes_});
      return {};
    };
    PJ_TRY(pool.run(static_cast<std::int64_t>(chunks.size()), load_chunk));
    for (const MatrixJob& job : jobs_) {
      if (job.target == nullptr) continue;
      *job.target = {.type = job.type,
                     .rows = job.rows,
                     .cols = job.cols,
                     .table = options_.kernels,
                     .data = weights_.memory.data() + job.offset};
    }
    if (has_own_head_) weights_.embedding.rows = weights_.memory.data() + embedding_offset_;
    return {};
  }

  Status load(const Chunk& chunk, std::vector<std::byte>& buffer) const {
    const MatrixJob& job = *chunk.job;
    const std::uint64_t row_size = row_bytes(job.type, job.cols);
    const std::size_t bytes = row_size * static_cast<std::uint64_t>(chunk.row_count);
    std::byte* target = weights_.memory.data() + job.offset;
    const std::int64_t tensor_row = job.first_row + chunk.first_row;
    if (job.target == nullptr) {
      const std::size_t offset = row_size * static_cast<std::uint64_t>(chunk.first_row);
      return rows_.read_stored(*job.tensor, tensor_row, chunk.row_count, {target + offset, bytes});
    }
    buffer.resize(bytes);
    PJ_TRY(rows_.read_stored(*job.tensor, tensor_row, chunk.row_count, buffer));
    pack_rows(options_.kernels, job.type, job.rows, job.cols, buffer.data(), chunk.first_row,
              chunk.row_count, target);
    return {};
  }

  const OpenedModel& model_;
  const HyperParameters& parameters_;
  const TensorTable& table_;
  const LoadOptions& options_;
  OutputRows rows_;
  Weights weights_;
  std::vector<MatrixJob> jobs_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t stored_bytes_ = 0;
  std::uint64_t embedding_offset_ = 0;
  bool has_own_head_ = false;
};

}  // namespace

Result<Weights> load_weights(const OpenedModel& model, const HyperParameters& parameters,
                             const LoadOptions& options, const CancelToken& cancel,
                             Progress& progress) {
  const TensorTable table = PJ_TRY(TensorTable::check(model, parameters));
  LoadOptions complete = options;
  if (complete.kernels == nullptr) complete.kernels = PJ_TRY(select_kernels());
  return Loader(model, parameters, table, complete).run(cancel, progress);
}

}  // namespace pajamas
