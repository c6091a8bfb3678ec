// SPDX-License-Identifier: Apache-2.0
#include "generation/text_embedder.h"

#include <array>
#include <cmath>

namespace pajamas {
namespace {

struct PoolingName {
  std::string_view name;
  Pooling pooling;
};
constexpr auto kPoolings = std::to_array<PoolingName>(
    {{"mean", Pooling::kMean}, {"cls", Pooling::kCls}, {"last", Pooling::kLast}});

}  // namespace

Result<Pooling> parse_pooling(std::string_view name) {
  for (const PoolingName& known : kPoolings) {
    if (known.name == name) return known.pooling;
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "pooling '{}' is not known, expected mean, cls or last", name);
}

Result<std::vector<float>> embed_tokens(Engine& engine, std::span<const std::int32_t> tokens,
                                        const EmbeddingOptions& options,
                                        const CancelToken& cancel) {
  if (tokens.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "a text without tokens has no embedding");
  }
  const std::size_t last = tokens.size() - 1;
  const auto counts = [&](std::size_t index) {
    return options.pooling == Pooling::kMean ||
           index == (options.pooling == Pooling::kCls ? 0 : last);
  };
  Sequence sequence = engine.new_sequence();
  std::vector<BatchToken> batch;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    batch.push_back(
        {&sequence, tokens[index], counts(index) ? TokenOutput::kHidden : TokenOutput::kNothing});
  }
  std::vector<double> sums(static_cast<std::size_t>(engine.parameters().hidden));
  const OutputSink add = [&](std::size_t, std::span<const float> values) {
    for (std::size_t dim = 0; dim < sums.size(); ++dim) sums[dim] += values[dim];
  };
  PJ_TRY(engine.forward(batch, add, cancel));
  const double used = options.pooling == Pooling::kMean ? static_cast<double>(tokens.size()) : 1.0;
  double squares = 0;
  for (double& sum : sums) {
    sum /= used;
    squares += sum * sum;
  }
  const double scale = options.normalize && squares > 0 ? 1.0 / std::sqrt(squares) : 1.0;
  std::vector<float> vector(sums.size());
  for (std::size_t dim = 0; dim < sums.size(); ++dim) {
    vector[dim] = static_cast<float>(sums[dim] * scale);
  }
  return vector;
}

}  // namespace pajamas
