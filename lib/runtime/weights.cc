// SPDX-License-Identifier: Apache-2.0
#include "runtime/weights.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
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
  std::uint64_t offset = 0;  // in the memory of its group
};

// Matrices that lie in memory together: those of a layer, or those outside the layers.
struct MatrixGroup {
  std::vector<MatrixJob> jobs = {};
  std::uint64_t bytes = 0;         // in memory
  std::uint64_t stored_bytes = 0;  // in the file
};

struct Chunk {
  const MatrixJob* job = nullptr;
  std::int64_t first_row = 0;  // in the matrix
  std::int64_t row_count = 0;
};

std::vector<Chunk> make_chunks(const MatrixGroup& group) {
  std::vector<Chunk> chunks;
  for (const MatrixJob& job : group.jobs) {
    const std::uint64_t row_size = std::max<std::uint64_t>(1, row_bytes(job.type, job.cols));
    const auto groups = static_cast<std::int64_t>(kChunkBytes / row_size) / kPackRows;
    const std::int64_t step = std::max<std::int64_t>(1, groups) * kPackRows;
    for (std::int64_t row = 0; row < job.rows; row += step) {
      chunks.push_back({&job, row, std::min(step, job.rows - row)});
    }
  }
  return chunks;
}

// Reads and packs a chunk; `memory` is that of its group.
Status load_chunk(const OutputRows& rows, const KernelTable* kernels, const Chunk& chunk,
                  std::byte* memory, std::vector<std::byte>& buffer) {
  const MatrixJob& job = *chunk.job;
  const std::uint64_t row_size = row_bytes(job.type, job.cols);
  const std::size_t bytes = row_size * static_cast<std::uint64_t>(chunk.row_count);
  std::byte* target = memory + job.offset;
  const std::int64_t tensor_row = job.first_row + chunk.first_row;
  if (job.target == nullptr) {
    const std::size_t offset = row_size * static_cast<std::uint64_t>(chunk.first_row);
    return rows.read_stored(*job.tensor, tensor_row, chunk.row_count, {target + offset, bytes});
  }
  buffer.resize(bytes);
  PJ_TRY(rows.read_stored(*job.tensor, tensor_row, chunk.row_count, buffer));
  pack_rows(kernels, job.type, job.rows, job.cols, buffer.data(), chunk.first_row, chunk.row_count,
            target);
  return {};
}

// Lets the weights point at where their group is.
void place_group(const MatrixGroup& group, const KernelTable* kernels, std::byte* memory) {
  for (const MatrixJob& job : group.jobs) {
    if (job.target == nullptr) continue;
    *job.target = {.type = job.type,
                   .rows = job.rows,
                   .cols = job.cols,
                   .table = kernels,
                   .data = memory + job.offset};
  }
}

class MatrixLayers final : public LayerSource {
 public:
  MatrixLayers(const OpenedModel& model, const KernelTable* kernels,
               std::vector<MatrixGroup> groups)
      : kernels_(kernels), rows_(model, kernels), groups_(std::move(groups)) {
    for (const MatrixGroup& group : groups_) chunks_.push_back(make_chunks(group));
  }
  [[nodiscard]] std::int64_t layers() const override {
    return static_cast<std::int64_t>(groups_.size());
  }
  [[nodiscard]] std::uint64_t bytes(std::int64_t layer) const override {
    return groups_[static_cast<std::size_t>(layer)].bytes;
  }
  [[nodiscard]] std::int64_t parts(std::int64_t layer) const override {
    return static_cast<std::int64_t>(chunks_[static_cast<std::size_t>(layer)].size());
  }
  Status load_part(std::int64_t layer, std::int64_t part, std::byte* memory,
                   std::vector<std::byte>& scratch) const override {
    const Chunk& chunk = chunks_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(part)];
    return load_chunk(rows_, kernels_, chunk, memory, scratch);
  }
  void place(std::int64_t layer, std::byte* memory) override {
    place_group(groups_[static_cast<std::size_t>(layer)], kernels_, memory);
  }

 private:
  const KernelTable* kernels_;
  OutputRows rows_;
  std::vector<MatrixGroup> groups_;
  std::vector<std::vector<Chunk>> chunks_;  // by layer
};

}  // namespace

struct WeightLoader::State {
  State(const OpenedModel& of, const HyperParameters& read, TensorTable checked,
        const KernelTable* chosen)
      : model(of),
        parameters(read),
        table(std::move(checked)),
        kernels(chosen),
        reader(of, chosen) {}

  Status plan() {
    weights.layers.resize(static_cast<std::size_t>(parameters.layers));
    layers.resize(weights.layers.size());
    PJ_TRY(plan_outer());
    for (std::int64_t layer = 0; layer < parameters.layers; ++layer) {
      group = &layers[static_cast<std::size_t>(layer)];
      PJ_TRY(plan_layer(layer));
      sizes.all_layers += group->bytes;
      sizes.largest_layer = std::max(sizes.largest_layer, group->bytes);
    }
    sizes.outside_layers = outer.bytes;
    return {};
  }

  Status plan_matrix(const OutputTensor& tensor, std::int64_t first_row, std::int64_t rows,
                     PackedMatrix* target) {
    MatrixJob job{.tensor = &tensor,
                  .target = target,
                  .type = stored_type(model, tensor),
                  .first_row = first_row,
                  .rows = rows,
                  .cols = tensor.shape.cols(),
                  .offset = group->bytes};
    PJ_TRY(reader.check(tensor));
    if (!job.type.is_mlx() && has_mlx_pieces(tensor)) {
      weights.warnings.push_back(fmt::format(
          "'{}' is made of tensors of several MLX types, so it is held as F32", tensor.name));
    }
    if (tensor.pieces.empty() || !can_pack(kernels, job.type)) {
      return make_error(ErrorCode::kUnsupported, "tensor '{}' is {}, which cannot be multiplied",
                        tensor.name, job.type.name());
    }
    const std::uint64_t bytes =
        target == nullptr ? row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(rows)
                          : packed_bytes(kernels, job.type, rows, job.cols);
    group->bytes += align_up(bytes);
    group->stored_bytes += row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(rows);
    group->jobs.push_back(job);
    return {};
  }

  bool has_mlx_pieces(const OutputTensor& tensor) const {
    return model.mlx != nullptr && std::ranges::any_of(tensor.pieces, [&](const Piece& piece) {
             const MlxTensor* source = model.mlx->find(piece.source);
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
    return load_vector(table.find(bias_name), linear.bias);
  }

  // Those of `names` that the layer has.
  Status plan_linears(std::int64_t layer, std::initializer_list<std::string_view> names,
                      std::vector<Linear>& linears) {
    linears.reserve(names.size());  // jobs point into it
    for (const std::string_view name : names) {
      const OutputTensor* tensor = table.find_in_layer(layer, name);
      if (tensor != nullptr) PJ_TRY(plan_linear(*tensor, linears.emplace_back()));
    }
    return {};
  }

  Status plan_linear(std::int64_t layer, std::string_view name, Linear& linear) {
    const OutputTensor* tensor = table.find_in_layer(layer, name);
    return tensor == nullptr ? Status{} : plan_linear(*tensor, linear);
  }

  Status plan_experts(std::int64_t layer, std::string_view name, ExpertLinear& stack) {
    const OutputTensor* tensor = table.find_in_layer(layer, name);
    if (tensor == nullptr) return {};
    stack.name = tensor->name;
    const std::int64_t rows = tensor->shape.dims[1];
    stack.experts.resize(static_cast<std::size_t>(parameters.experts));
    for (std::int64_t expert = 0; expert < parameters.experts; ++expert) {
      PJ_TRY(plan_matrix(*tensor, expert * rows, rows,
                         &stack.experts[static_cast<std::size_t>(expert)]));
    }
    return {};
  }

  Status load_vector(const OutputTensor* tensor, std::vector<float>& values) {
    if (tensor == nullptr) return {};
    PJ_TRY(reader.check(*tensor));
    values = PJ_TRY(reader.read_vector(*tensor));
    return {};
  }

  Status plan_outer() {
    const OutputTensor& embedding = *table.find("token_embd.weight");
    const OutputTensor* head = table.find("output.weight");
    weights.embedding.cols = embedding.shape.cols();
    if (head != nullptr) {
      weights.embedding.type = stored_type(model, embedding);
      embedding_offset = outer.bytes;
      PJ_TRY(plan_matrix(embedding, 0, embedding.shape.rows(), nullptr));
    }
    PJ_TRY(plan_linear(head == nullptr ? embedding : *head, weights.output));
    has_own_head = head != nullptr;
    PJ_TRY(load_vector(table.find("output_norm.weight"), weights.output_norm));
    PJ_TRY(load_vector(table.find("rope_freqs.weight"), weights.rope_factors));
    PJ_TRY(load_vector(table.find("rope_factors_long.weight"), weights.rope_factors_long));
    PJ_TRY(load_vector(table.find("rope_factors_short.weight"), weights.rope_factors_short));
    return {};
  }

  Status plan_layer(std::int64_t index) {
    LayerWeights& layer = weights.layers[static_cast<std::size_t>(index)];
    const auto vector = [&](std::string_view name, std::vector<float>& values) {
      return load_vector(table.find_in_layer(index, name), values);
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

  // Reads groups into Weights::memory, one behind the other.
  Status fill(std::span<const MatrixGroup* const> groups, int threads, const CancelToken& cancel,
              Progress& progress) {
    std::uint64_t bytes = 0;
    std::uint64_t stored_bytes = 0;
    for (const MatrixGroup* each : groups) {
      bytes += each->bytes;
      stored_bytes += each->stored_bytes;
    }
    weights.memory = PJ_TRY(MemoryPages::allocate(bytes));
    std::vector<std::pair<Chunk, std::byte*>> chunks;
    std::byte* memory = weights.memory.data();
    for (const MatrixGroup* each : groups) {
      for (const Chunk& chunk : make_chunks(*each)) chunks.emplace_back(chunk, memory);
      place_group(*each, kernels, memory);
      memory += each->bytes;
    }
    ThreadPool pool(threads);
    std::vector<std::vector<std::byte>> buffers(static_cast<std::size_t>(pool.thread_count()));
    std::atomic<std::uint64_t> done{0};
    PJ_TRY(pool.run(
        static_cast<std::int64_t>(chunks.size()), [&](std::int64_t index, int thread) -> Status {
          PJ_TRY(cancel.check());
          const auto& [chunk, start] = chunks[static_cast<std::size_t>(index)];
          PJ_TRY(
              load_chunk(reader, kernels, chunk, start, buffers[static_cast<std::size_t>(thread)]));
          const MatrixJob& job = *chunk.job;
          const std::uint64_t read =
              row_bytes(job.type, job.cols) * static_cast<std::uint64_t>(chunk.row_count);
          progress.update({.stage = "load",
                           .item = job.tensor->name,
                           .done_bytes = done.fetch_add(read) + read,
                           .total_bytes = stored_bytes});
          return {};
        }));
    if (has_own_head) weights.embedding.rows = weights.memory.data() + embedding_offset;
    return {};
  }

  const OpenedModel& model;
  const HyperParameters& parameters;
  TensorTable table;
  const KernelTable* kernels;
  OutputRows reader;
  Weights weights;
  MatrixGroup outer;
  std::vector<MatrixGroup> layers;
  MatrixGroup* group = &outer;  // that is being planned
  WeightSizes sizes;
  std::uint64_t embedding_offset = 0;  // in outer
  bool has_own_head = false;
};

WeightLoader::WeightLoader(std::unique_ptr<State> state) : state_(std::move(state)) {}
WeightLoader::WeightLoader(WeightLoader&&) noexcept = default;
WeightLoader::~WeightLoader() = default;

const WeightSizes& WeightLoader::sizes() const { return state_->sizes; }

Result<WeightLoader> WeightLoader::plan(const OpenedModel& model, const HyperParameters& parameters,
                                        const KernelTable* kernels) {
  TensorTable table = PJ_TRY(TensorTable::check(model, parameters));
  if (kernels == nullptr) kernels = PJ_TRY(select_kernels());
  auto state = std::make_unique<State>(model, parameters, std::move(table), kernels);
  PJ_TRY(state->plan());
  return WeightLoader(std::move(state));
}

Result<Weights> WeightLoader::load(int threads, const CancelToken& cancel, Progress& progress) {
  std::vector<const MatrixGroup*> groups = {&state_->outer};
  for (const MatrixGroup& layer : state_->layers) groups.push_back(&layer);
  PJ_TRY(state_->fill(groups, threads, cancel, progress));
  return std::move(state_->weights);
}

Result<Weights> WeightLoader::load_streamed(int layer_buffers, int threads,
                                            const CancelToken& cancel, Progress& progress) {
  const std::vector<const MatrixGroup*> groups = {&state_->outer};
  PJ_TRY(state_->fill(groups, threads, cancel, progress));
  state_->weights.stream = PJ_TRY(LayerStream::create(
      std::make_unique<MatrixLayers>(state_->model, state_->kernels, std::move(state_->layers)),
      layer_buffers));
  return std::move(state_->weights);
}

}  // namespace pajamas
