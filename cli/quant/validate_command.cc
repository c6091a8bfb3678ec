// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include <fmt/format.h>

#include "../flags.h"
#include "../progress_printer.h"
#include "base/human_units.h"
#include "commands.h"
#include "validation_printer.h"

namespace pajamas::cli {
namespace {

struct ValidateFlags {
  std::string original;
  std::vector<std::string> quantized;
  std::vector<std::string> metrics;
  std::string dataset;
  std::string dataset_field = "text";
  std::vector<std::string> task_data;
  std::vector<std::string> task_examples;
  int few_shot = 0;
  int task_limit = 0;
  std::string revision = "main";
  int context = 0;
  int stride = 0;
  int chunks = 0;
  int threads = 0;
  std::string max_memory;
  std::string save_logits;
  std::string logits_format = "pajamas";
  std::string logits;
  std::string output;
  double max_ppl_increase = -1;
  double max_kl = -1;
  double min_agreement = -1;
  double checkpoint_seconds = 2.0;
  bool json = false;
  bool quiet = false;
};

constexpr auto kValidateFlags = std::to_array<Flag<ValidateFlags>>({
    {"--original", &ValidateFlags::original, "MODEL",
     "what the others are compared with: a model folder, a .gguf file, or a repo id in the local "
     "Hugging Face cache"},
    {"--quantized", &ValidateFlags::quantized, "PATH",
     "a .gguf file, a model folder, or a folder that `convert` made, which means all its outputs; "
     "repeatable"},
    {"--metrics", &ValidateFlags::metrics, "LIST",
     "perplexity (windows as llama-perplexity has them), perplexity-hf (strided windows), kl, "
     "tensors (the error of each), samples (texts of both models), or tasks, like mmlu or "
     "hellaswag "
     "(default: perplexity,kl,tensors,samples)"},
    {"--dataset", &ValidateFlags::dataset, "FILE",
     "text, JSON lines, CSV or JSON rows to read (default: a text that is built in)"},
    {"--dataset-field", &ValidateFlags::dataset_field, "NAME",
     "the field of rows that is the text"},
    {"--task-data", &ValidateFlags::task_data, "TASK=PATH",
     "the questions of a task, a file or a folder (docs/tasks.md); repeatable"},
    {"--task-examples", &ValidateFlags::task_examples, "TASK=FILE",
     "examples for --few-shot (default: from beside the questions); repeatable"},
    {"--few-shot", &ValidateFlags::few_shot, "N", "examples before each question of a task"},
    {"--task-limit", &ValidateFlags::task_limit, "N", "only the first N questions of a task"},
    {"--revision", &ValidateFlags::revision, "REV", "branch, tag or commit of a repo id"},
    {"-c,--context", &ValidateFlags::context, "N",
     "tokens of a window (default: 512, or what the model was trained for)"},
    {"--stride", &ValidateFlags::stride, "N",
     "tokens from one window of perplexity-hf to the next (default: half the context)"},
    {"--chunks", &ValidateFlags::chunks, "N", "only the first N windows"},
    {"-t,--threads", &ValidateFlags::threads, "N", "threads (default: all CPUs)"},
    {"--max-memory", &ValidateFlags::max_memory, "SIZE",
     "limit for weights and cache, like 8G (default: what the system has available)"},
    {"--save-logits", &ValidateFlags::save_logits, "FILE",
     "keep the original's log-probabilities, so that later runs need not run it"},
    {"--logits-format", &ValidateFlags::logits_format, "FORM",
     "of --save-logits: pajamas, or llama.cpp for llama-perplexity --kl-divergence-base"},
    {"--logits", &ValidateFlags::logits, "FILE",
     "log-probabilities that --save-logits or llama-perplexity wrote, instead of running the "
     "original"},
    {"-o,--output", &ValidateFlags::output, "DIR",
     "where validation.json and report.html go (default: the folder that `convert` made, if it is "
     "one)"},
    {"--max-ppl-increase", &ValidateFlags::max_ppl_increase, "PCT",
     "fail (exit code 3) when a perplexity is more than PCT % over the original's"},
    {"--max-kl", &ValidateFlags::max_kl, "X", "fail when a mean KL divergence is over X nats"},
    {"--min-agreement", &ValidateFlags::min_agreement, "X",
     "fail when fewer than X (0 to 1) of the positions have the original's most likely token"},
    {"--checkpoint-seconds", &ValidateFlags::checkpoint_seconds, "S",
     "time between saved resume points"},
    {"--json", &ValidateFlags::json, "", "print the result as JSON"},
    {"-q,--quiet", &ValidateFlags::quiet, "", "no progress"},
});

Result<ValidateOptions> to_options(const ValidateFlags& flags) {
  ValidateOptions options{.original = flags.original,
                          .revision = flags.revision,
                          .metrics = split_commas(flags.metrics),
                          .dataset = flags.dataset,
                          .dataset_field = flags.dataset_field,
                          .task_data = flags.task_data,
                          .task_examples = flags.task_examples,
                          .few_shot = flags.few_shot,
                          .task_limit = flags.task_limit,
                          .context = flags.context,
                          .stride = flags.stride,
                          .chunks = flags.chunks,
                          .threads = flags.threads,
                          .save_logits = flags.save_logits,
                          .logits_format = flags.logits_format,
                          .logits = flags.logits,
                          .output = flags.output,
                          .checkpoint_seconds = flags.checkpoint_seconds};
  options.quantized.assign(flags.quantized.begin(), flags.quantized.end());
  if (!flags.max_memory.empty()) options.max_memory_bytes = PJ_TRY(parse_bytes(flags.max_memory));
  return options;
}

Status run_validate(const ValidateFlags& flags, const CancelToken& cancel, bool& is_printed) {
  const ValidateOptions options = PJ_TRY(to_options(flags));
  const QualityLimits limits =
      make_limits(flags.max_ppl_increase, flags.max_kl, flags.min_agreement);
  PJ_TRY(check_limits_are_measured(limits, options));
  const Validation validation = PJ_TRY([&] {
    ProgressPrinter progress(flags.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
    return validate(options, cancel, progress);
  }());
  const Status verdict = check_limits(limits, validation);
  if (flags.json) {
    fmt::print("{}\n", printable_validation(validation, verdict).dump(2));
    is_printed = true;
  } else {
    print_validation(validation);
    if (const auto output = validation_output(options); output && !output->empty()) {
      fmt::print("\nwritten: {}\n         {}\n", (*output / "validation.json").string(),
                 (*output / "report.html").string());
    }
  }
  return verdict;
}

}  // namespace

Command add_validate(CLI::App& program) {
  CLI::App* app =
      add_command(program, "validate",
                  "Measure what quantization cost: perplexity, divergence from the original");
  auto flags = std::make_shared<ValidateFlags>();
  add_flags<ValidateFlags>(*app, *flags, kValidateFlags);
  // A verdict is part of what was printed: no second document for it.
  auto is_printed = std::make_shared<bool>(false);
  return {app,
          [flags, is_printed](const CancelToken& cancel) {
            return run_validate(*flags, cancel, *is_printed);
          },
          [flags, is_printed] { return flags->json && !*is_printed; }};
}

}  // namespace pajamas::cli
