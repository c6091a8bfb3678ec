// SPDX-License-Identifier: Apache-2.0
// What a validation found out: the numbers that the terminal table, validation.json, report.html
// and the manifest show.
//
// Plain data, made by the measuring functions of this layer and read by its reports. A part that
// was not asked for is empty, never zero.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pajamas {

// Mean negative log-likelihood of a text, in windows.
struct PerplexityResult {
  std::string method;        // "llama.cpp": second half of disjoint windows; "hf": strided windows
  std::int64_t context = 0;  // tokens of a window
  std::int64_t stride = 0;   // tokens from one window to the next
  std::int64_t windows = 0;
  std::int64_t scored_tokens = 0;
  double mean_nll = 0;        // nats a token
  double perplexity = 0;      // exp(mean_nll)
  double standard_error = 0;  // of the perplexity
};

// Distribution of a quantity over positions.
struct Quantiles {
  double mean = 0;
  double standard_error = 0;  // of the mean
  double minimum = 0;
  double median = 0;
  double p90 = 0;
  double p99 = 0;
  double p99_9 = 0;
  double maximum = 0;
};

// Bins of log10(KL): bin i counts positions with KL in [10^(-8 + i/4), 10^(-8 + (i+1)/4)); the
// first also holds what is smaller, the last what is larger.
inline constexpr std::size_t kDivergenceBins = 44;

// How the next-token distributions of a quantized model differ from the original's, over all scored
// positions. KL is that of the quantized from the original distribution, in nats.
struct DivergenceResult {
  std::int64_t positions = 0;
  Quantiles kl;
  std::array<std::int64_t, kDivergenceBins> histogram{};
  double top1_agreement = 0;  // share of positions with the same most likely token
  double top1_standard_error = 0;
  // Change of the probability of the token that follows in the text, quantized minus original.
  double mean_probability_change = 0;
  double rms_probability_change = 0;
};

// One score of one task: "acc" or "acc_norm", with the standard error of the mean.
struct TaskScore {
  std::string task;
  std::string metric;
  double value = 0;
  double standard_error = 0;
  std::int64_t questions = 0;
  int few_shot = 0;
};

// What storing one tensor cost, against the same tensor of the original.
struct TensorError {
  std::string name;  // GGUF name
  int layer = -1;    // -1 outside the layers
  std::string type;  // as stored: "Q4_K", "affine 4-bit g64"
  std::int64_t elements = 0;
  double relative_mse = 0;  // sum (w - q)^2 / sum w^2
  double snr_db = 0;        // -10 log10(relative_mse); infinite for an exact copy
  double max_error = 0;     // largest |w - q|
};

// Greedy continuation of one prompt by both models.
struct SampleText {
  std::string prompt;
  std::string original;
  std::string quantized;
  std::int64_t tokens_in_common = 0;  // from the start
};

// One model of a validation. The original has no divergence, tensor errors or samples.
struct ModelQuality {
  std::string name;  // of the file or folder
  std::string path;
  std::string format;  // "gguf", "mlx", "safetensors"
  std::string method;  // recipe or precision: "Q4_K_M", "4bit", "BF16"
  std::uint64_t size_bytes = 0;
  double bits_per_weight = 0;
  double tokens_per_second = 0;  // of the scoring passes
  std::vector<PerplexityResult> perplexity;
  std::optional<DivergenceResult> divergence;
  std::vector<TaskScore> tasks;
  std::vector<TensorError> tensors;
  std::vector<SampleText> samples;
};

struct Validation {
  ModelQuality original;
  std::vector<ModelQuality> quantized;
  std::string corpus;  // name or path of the text
  std::string corpus_sha256;
  std::int64_t corpus_tokens = 0;  // that were used
  std::string measured_at;         // UTC, ISO 8601
};

}  // namespace pajamas
