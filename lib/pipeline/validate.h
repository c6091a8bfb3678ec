// SPDX-License-Identifier: Apache-2.0
// The verb `validate`: what quantizations cost, measured against their original. `convert
// --validate` ends with it.
//
// The original is run once over the text and its distributions are kept in a file; then each
// quantization is run and compared with that, one model in memory at a time. What is measured is
// journaled below the output folder, so that the same command goes on after an interruption.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "evaluate/validation.h"

namespace pajamas {

struct ValidateOptions {
  std::string original;           // folder, file or repo id; empty: none, or what `logits` holds
  std::string revision = "main";  // of a repo id
  std::vector<std::filesystem::path> quantized;  // files, folders, artifact folders
  std::vector<std::string> metrics;        // none: perplexity, and with an original all but tasks
  std::filesystem::path dataset;           // text, JSONL, CSV; empty: the corpus that is built in
  std::string dataset_field = "text";      // of rows
  std::vector<std::string> task_data;      // TASK=PATH, for metrics that are tasks
  std::vector<std::string> task_examples;  // TASK=FILE; none: beside the questions
  int few_shot = 0;                        // examples before each question of a task
  std::int64_t task_limit = 0;             // questions of a task; 0: all
  std::int64_t context = 0;  // tokens of a window; 0: 512, or what the model was trained for
  std::int64_t stride = 0;   // of perplexity-hf; 0: half the context
  std::int64_t chunks = 0;   // windows; 0: all of the text
  int threads = 0;           // 0: one per CPU this process may use
  std::uint64_t max_memory_bytes = 0;     // 0: what the system has available
  std::filesystem::path save_logits;      // where to keep the original's distributions
  std::string logits_format = "pajamas";  // of save_logits; or "llama.cpp"
  std::filesystem::path logits;           // kept by an earlier run; instead of running the original
  std::filesystem::path output;  // for validation.json, report.html and the journal; empty: the
                                 // artifact folder when there is exactly one, else nothing is
                                 // written
  double checkpoint_seconds = 2.0;
};

// What must not be exceeded; nothing: not looked at.
struct QualityLimits {
  std::optional<double> max_ppl_increase_pct;
  std::optional<double> max_kl;         // mean, in nats
  std::optional<double> min_agreement;  // share of equal most likely tokens, 0 to 1
};

// Names the metrics, one word each: those of texts and weights, and the tasks.
std::vector<std::string> known_metrics();

// Writes validation.json, report.html and the manifests of artifact folders, too. Errors: nothing
// to validate, a metric that is not known or cannot be measured with what was given, models and
// texts that do not fit each other; kCancelled says what is kept and how to go on.
Result<Validation> validate(const ValidateOptions& options, const CancelToken& cancel,
                            Progress& progress);

// kInvalidArgument when a limit is for something that the options do not measure.
Status check_limits_are_measured(const QualityLimits& limits, const ValidateOptions& options);
// kQualityGate with a line for each model that is over a limit.
Status check_limits(const QualityLimits& limits, const Validation& validation);

// The folder that `options` writes to; empty: none.
Result<std::filesystem::path> validation_output(const ValidateOptions& options);

}  // namespace pajamas
