// SPDX-License-Identifier: Apache-2.0
// The measuring part of `validate`: runs the models one after another over the same windows.
//
// Borrows everything it is given. Not for use from several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/progress.h"
#include "evaluate/reference/reference_logits.h"
#include "evaluate/result_journal.h"
#include "evaluate/samples.h"
#include "evaluate/scoring_pass.h"
#include "evaluate/tasks/task_runner.h"
#include "evaluate/validation.h"
#include "pipeline/validate.h"
#include "pipeline/validation_targets.h"

namespace pajamas {

struct MetricSet {
  bool perplexity = false;
  bool perplexity_hf = false;
  bool kl = false;
  bool tensors = false;  // the error of each tensor
  bool samples = false;  // greedy continuations of both models
  std::vector<TaskRequest> tasks;

  [[nodiscard]] bool needs_windows() const { return perplexity || kl; }
};

// The text that is read, however it came.
struct ValidationText {
  std::string text;  // empty when only a logits file gave the tokens
  std::string name;
  std::string sha256;
};

// What all models of a validation are measured with.
struct ValidationSetup {
  MetricSet metrics;
  ValidationText corpus;
  std::optional<WindowPlan> windows;           // of perplexity and kl
  std::optional<WindowPlan> windows_hf;        // of perplexity-hf
  std::unique_ptr<ReferenceReader> reference;  // read from a file, or made by run_original()
  std::vector<std::string> prompts;            // of samples
  // Of the original, made by run_original(); nothing when it made none.
  std::optional<std::vector<Continuation>> continuations;
};

class ValidationRun {
 public:
  ValidationRun(const ValidateOptions& options, ValidationSetup& setup,
                std::filesystem::path work_folder, const CancelToken& cancel, Progress& progress);

  // Measures the original and, where kl is wanted, makes setup.reference.
  Result<ModelQuality> run_original(const ValidationTarget& target, const OpenedModel& model);
  // What a logits file alone says of the original.
  Result<ModelQuality> describe_reference();
  // original: for the errors of tensors; nullptr when there is only a logits file.
  Result<ModelQuality> run_quantized(const ValidationTarget& target, const OpenedModel* original);

  // Which models will run, for the progress.
  void expect_models(bool has_original, std::size_t quantized);
  [[nodiscard]] std::int64_t windows_done() const { return windows_before_ + windows_now_; }
  [[nodiscard]] std::int64_t windows_expected() const { return windows_expected_; }

 private:
  // A model that is opened when a window has to be run.
  class LazyEngine;

  Result<ResultJournal> open_journal(const OpenedModel& model, std::string_view role);
  Result<std::vector<WindowScore>> run_pass(ScoringPass pass, const std::string& name,
                                            LazyEngine& engine, ResultJournal& journal);
  Result<std::vector<WindowScore>> keep_distributions(const ValidationTarget& target,
                                                      const OpenedModel& model, LazyEngine& engine,
                                                      ResultJournal& journal);
  Status measure_hf(const std::string& name, LazyEngine& engine, ResultJournal& journal,
                    ModelQuality& quality);
  // Nothing when samples are not wanted, or the model's layers are streamed.
  Result<std::optional<std::vector<Continuation>>> continue_samples(const std::string& name,
                                                                    LazyEngine& opener);
  // Opens an engine of its own; that for windows must be closed.
  Status measure_tasks(const OpenedModel& model, LazyEngine& opener, ModelQuality& quality);
  [[nodiscard]] std::filesystem::path logits_path(const ReferenceHeader& header) const;
  // That a logits file is this original's.
  [[nodiscard]] Status check_reference(const OpenedModel& model) const;
  void check_tokenizer(const ValidationTarget& target, const OpenedModel& model);

  const ValidateOptions& options_;
  ValidationSetup& setup_;
  std::filesystem::path work_folder_;
  const CancelToken& cancel_;
  Progress& progress_;
  ThreadPool pool_;
  std::string reference_id_;
  std::int64_t windows_before_ = 0;  // of passes that are finished
  std::int64_t windows_now_ = 0;
  std::int64_t windows_expected_ = 0;
};

}  // namespace pajamas
