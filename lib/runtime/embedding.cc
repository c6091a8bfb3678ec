// SPDX-License-Identifier: Apache-2.0
#include "runtime/embedding.h"

#include <array>
#include <cmath>

namespace pajamas {
namespace {

struct PoolingName {
  std::string_view name;
  Pooling pooling;
};
constexpr auto kPoolings = std::to_array<PoolingName>(
    {{"mean", Pooling::kMean}, {"cls", Pooling::kFirst}, {"last", Pooling::kLast}});

}  // namespace

Result<Pooling> parse_pooling(std::string_view name) {
  for (const PoolingName& known : kPoolings) {
    if (known.name == name) return known.pooling;
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "pooling '{}' is not known, expected mean, cls or last", name);
}

Result<std::vector<float>> embed_tokens(Engine& engine, std::span<const std::int32_t> tokens,
                                        const EmbedOptions& options, const CancelToken& cancel) {
  if (tokens.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "there are no tokens to embed; give a text");
  }
  Sequence sequence = engine.new_sequence();
  std::vector<BatchToken> batch;
  for (const std::int32_t token : tokens) batch.push_back({&sequence, token});
  if (options.pooling == Pooling::kMean) {
    for (BatchToken& item : batch) item.output = TokenOutput::kHidden;
  } else {
    BatchToken& item = options.pooling == Pooling::kFirst ? batch.front() : batch.back();
    item.output = TokenOutput::kHidden;
  }
  // Summed in the order of the text, in F64: the same for any micro-batch.
  std::vector<double> sum(static_cast<std::size_t>(engine.parameters().hidden));
  std::int64_t count = 0;
  const OutputSink add = [&](std::size_t, std::span<const float> values) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(values[i]);
    ++count;
  };
  PJ_TRY(engine.forward(batch, add, cancel));
  double squares = 0;
  for (double& value : sum) {
    value /= static_cast<double>(count);
    squares += value * value;
  }
  const double scale = options.normalize && squares > 0 ? 1.0 / std::sqrt(squares) : 1.0;
  std::vector<float> result;
  for (const double value : sum) result.push_back(static_cast<float>(value * scale));
  return result;
}

}  // namespace pajamas
