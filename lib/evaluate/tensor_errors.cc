// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tensor_errors.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "base/check.h"
#include "base/thread_pool.h"
#include "formats/mlx/mlx_folder.h"
#include "models/output_rows.h"

namespace pajamas {
namespace {

// Of each model, in memory per thread: a megabyte as F32.
constexpr std::int64_t kChunkElems = std::int64_t{1} << 18;

struct ErrorSums {
  double squared_error = 0;
  double squared_sum = 0;
  double max_error = 0;
};

struct Pair {
  const OutputTensor* original = nullptr;
  const OutputTensor* quantized = nullptr;
};

// Rows of a pair that are read together; a vector is always whole.
struct Chunk {
  std::size_t pair = 0;
  std::int64_t first_row = 0;
  std::int64_t row_count = 0;
};

// Buffers of one thread.
struct Rows {
  std::vector<float> original;
  std::vector<float> quantized;
};

// Eight partial sums: one would wait for itself at every element. Their order does not depend on
// anything but the chunk.
ErrorSums add_up(std::span<const float> original, std::span<const float> quantized) {
  PJ_CHECK(original.size() == quantized.size());
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> squared_error{};
  std::array<double, kLanes> squared_sum{};
  std::array<double, kLanes> largest{};
  const auto add = [&](std::size_t lane, std::size_t at) {
    const auto value = static_cast<double>(original[at]);
    const double error = std::abs(value - static_cast<double>(quantized[at]));
    squared_error[lane] += error * error;
    squared_sum[lane] += value * value;
    largest[lane] = error > largest[lane] ? error : largest[lane];
  };
  std::size_t at = 0;
  for (; at + kLanes <= original.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) add(lane, at + lane);
  }
  for (; at < original.size(); ++at) add(at % kLanes, at);
  ErrorSums sums;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sums.squared_error += squared_error[lane];
    sums.squared_sum += squared_sum[lane];
    sums.max_error = std::max(sums.max_error, largest[lane]);
  }
  return sums;
}

// Dimensions of 1 in front say nothing: files differ in whether they keep them.
std::span<const std::int64_t> significant_dims(const Shape& shape) {
  std::span<const std::int64_t> dims(shape.dims);
  while (dims.size() > 1 && dims.front() == 1) dims = dims.subspan(1);
  return dims;
}

bool is_vector(const OutputTensor& tensor) { return tensor.shape.rank() < 2; }

int layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  int layer = -1;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  }
  return layer;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// How the tensors of a model are stored. An opened MLX folder shows F32 where it is quantized, so
// its own description is asked.
class StoredTypes {
 public:
  static Result<StoredTypes> open(const OpenedModel& model) {
    StoredTypes types(model);
    if (model.source.format == "mlx") types.mlx_ = PJ_TRY(open_mlx_folder(model.source.path));
    return types;
  }

  [[nodiscard]] std::string name_of(const OutputTensor& tensor) const {
    if (tensor.pieces.empty()) return upper_case(dtype_name(DType::kF32));
    const std::string& source = tensor.pieces.front().source;
    const MlxTensor* mlx = mlx_ == nullptr ? nullptr : mlx_->find(source);
    if (mlx != nullptr && mlx->quantization) {
      const MlxQuantization& stored = *mlx->quantization;
      const std::string_view mode = mlx_mode_name(stored.mode);
      if (stored.mode != MlxMode::kAffine) return std::string(mode);
      return fmt::format("{} {}-bit g{}", mode, stored.bits, stored.group_size);
    }
    if (mlx != nullptr) return upper_case(dtype_name(mlx->dtype));
    return upper_case(dtype_name(model_->tensors->find(source)->dtype));
  }

 private:
  explicit StoredTypes(const OpenedModel& model) : model_(&model) {}

  const OpenedModel* model_;
  std::unique_ptr<MlxFolder> mlx_;
};

class Measurement {
 public:
  Measurement(const OpenedModel& original, const OpenedModel& quantized, const KernelTable* kernels)
      : original_(original),
        quantized_(quantized),
        original_rows_(original, kernels),
        quantized_rows_(quantized, kernels) {}

  Status plan() {
    std::unordered_map<std::string_view, const OutputTensor*> originals;
    for (const OutputTensor& tensor : original_.outputs) originals.emplace(tensor.name, &tensor);
    for (const OutputTensor& tensor : quantized_.outputs) {
      const auto found = originals.find(tensor.name);
      if (found == originals.end()) continue;
      PJ_TRY(add({.original = found->second, .quantized = &tensor}));
    }
    return {};
  }

  Result<std::vector<TensorError>> run(int threads, const CancelToken& cancel, Progress& progress) {
    const StoredTypes types = PJ_TRY(StoredTypes::open(quantized_));
    ThreadPool pool(threads);
    std::vector<Rows> buffers(static_cast<std::size_t>(pool.thread_count()));
    std::vector<ErrorSums> sums(chunks_.size());
    std::atomic<std::uint64_t> done_bytes{0};
    const auto measure_chunk = [&](std::int64_t index, int thread) -> Status {
      PJ_TRY(cancel.check());
      const Chunk& chunk = chunks_[static_cast<std::size_t>(index)];
      Rows& rows = buffers[static_cast<std::size_t>(thread)];
      PJ_TRY(read(chunk, rows));
      sums[static_cast<std::size_t>(index)] = add_up(rows.original, rows.quantized);
      const std::uint64_t bytes = rows.original.size() * sizeof(float);
      progress.update({.stage = "tensor errors",
                       .item = pairs_[chunk.pair].quantized->name,
                       .done_bytes = done_bytes.fetch_add(bytes) + bytes,
                       .total_bytes = total_bytes_});
      return {};
    };
    PJ_TRY(pool.run(static_cast<std::int64_t>(chunks_.size()), measure_chunk));
    std::vector<ErrorSums> totals(pairs_.size());
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      ErrorSums& total = totals[chunks_[i].pair];
      total.squared_error += sums[i].squared_error;
      total.squared_sum += sums[i].squared_sum;
      total.max_error = std::max(total.max_error, sums[i].max_error);
    }
    std::vector<TensorError> errors;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      errors.push_back(describe(*pairs_[i].quantized, types, totals[i]));
    }
    return errors;
  }

 private:
  Status add(const Pair& pair) {
    PJ_TRY(original_rows_.check(*pair.original));
    PJ_TRY(quantized_rows_.check(*pair.quantized));
    const Shape& shape = pair.original->shape;
    if (!std::ranges::equal(significant_dims(shape), significant_dims(pair.quantized->shape))) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}' is {} in '{}', but {} in '{}'; they are not the same model",
                        pair.original->name, shape.to_string(), original_.source.path,
                        pair.quantized->shape.to_string(), quantized_.source.path);
    }
    const bool is_whole = is_vector(*pair.original) || is_vector(*pair.quantized);
    const std::int64_t rows = shape.rows();
    const std::int64_t step =
        is_whole ? rows
                 : std::max<std::int64_t>(1, kChunkElems / std::max<std::int64_t>(1, shape.cols()));
    for (std::int64_t row = 0; row < rows; row += step) {
      chunks_.push_back({pairs_.size(), row, std::min(step, rows - row)});
    }
    total_bytes_ += static_cast<std::uint64_t>(shape.elems()) * sizeof(float);
    pairs_.push_back(pair);
    return {};
  }

  static Status read(const OutputRows& source, const OutputTensor& tensor, const Chunk& chunk,
                     std::vector<float>& rows) {
    if (is_vector(tensor)) {
      rows = PJ_TRY(source.read_vector(tensor));
      return {};
    }
    rows.resize(static_cast<std::size_t>(chunk.row_count * tensor.shape.cols()));
    return source.read_floats(tensor, chunk.first_row, chunk.row_count, rows);
  }
  Status read(const Chunk& chunk, Rows& rows) const {
    const Pair& pair = pairs_[chunk.pair];
    PJ_TRY(read(original_rows_, *pair.original, chunk, rows.original));
    PJ_TRY(read(quantized_rows_, *pair.quantized, chunk, rows.quantized));
    return {};
  }

  static TensorError describe(const OutputTensor& tensor, const StoredTypes& types,
                              const ErrorSums& sums) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const bool is_exact = sums.squared_error == 0;
    double relative = 0;
    if (!is_exact) {
      relative = sums.squared_sum == 0 ? kInfinity : sums.squared_error / sums.squared_sum;
    }
    const bool is_number = !std::isnan(relative);
    return {.name = tensor.name,
            .layer = layer_of(tensor.name),
            .type = types.name_of(tensor),
            .elements = tensor.shape.elems(),
            .relative_mse = relative,
            .snr_db = is_exact ? kInfinity : -10.0 * std::log10(relative),
            .max_error = is_number ? sums.max_error : std::numeric_limits<double>::quiet_NaN()};
  }

  const OpenedModel& original_;
  const OpenedModel& quantized_;
  OutputRows original_rows_;
  OutputRows quantized_rows_;
  std::vector<Pair> pairs_;
  std::vector<Chunk> chunks_;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Result<std::vector<TensorError>> measure_tensor_errors(const OpenedModel& original,
                                                       const OpenedModel& quantized,
                                                       const TensorErrorOptions& options,
                                                       const CancelToken& cancel,
                                                       Progress& progress) {
  const KernelTable* kernels =
      options.kernels == nullptr ? PJ_TRY(select_kernels()) : options.kernels;
  Measurement measurement(original, quantized, kernels);
  PJ_TRY(measurement.plan());
  return measurement.run(options.threads, cancel, progress);
}

}  // namespace pajamas
