// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validate.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/sha256.h"
#include "evaluate/corpus/default_corpus.h"
#include "evaluate/data/corpus.h"
#include "evaluate/report_html.h"
#include "evaluate/validation_json.h"
#include "evaluate/validation_summary.h"
#include "generation/model_text.h"
#include "pipeline/manifest.h"
#include "pipeline/validation_run.h"
#include "pipeline/validation_work.h"
#include "runtime/hyper_parameters.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

// llama-perplexity's, so that numbers compare.
constexpr std::int64_t kDefaultContext = 512;

struct MetricName {
  std::string_view name;
  bool MetricSet::* member;
};
constexpr auto kMetrics = std::to_array<MetricName>({
    {"perplexity", &MetricSet::perplexity},
    {"perplexity-hf", &MetricSet::perplexity_hf},
    {"kl", &MetricSet::kl},
    {"tensors", &MetricSet::tensors},
    {"samples", &MetricSet::samples},
});

// Prompts of samples, from places all over the text.
constexpr std::int64_t kSamplePrompts = 4;
constexpr std::int64_t kPromptTokens = 24;

bool has_original(const ValidateOptions& options) {
  return !options.original.empty() || !options.logits.empty();
}

// The questions of a task: what --task-data names for it.
Result<TaskRequest> task_request(const std::string& name, const ValidateOptions& options) {
  const auto path_of = [&](const std::vector<std::string>& entries) -> fs::path {
    for (const std::string& entry : entries) {
      if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    }
    return {};
  };
  TaskRequest request{.name = name,
                      .data = path_of(options.task_data),
                      .examples = path_of(options.task_examples),
                      .few_shot = options.few_shot,
                      .limit = options.task_limit};
  if (!request.data.empty()) return request;
  return make_error(ErrorCode::kInvalidArgument,
                    "the metric {} needs its questions: --task-data {}=PATH (docs/tasks.md says "
                    "which files, and where they come from)",
                    name, name);
}

bool is_task(std::string_view name) {
  return std::ranges::any_of(known_tasks(),
                             [&](const KnownTask& task) { return task.name == name; });
}

Result<MetricSet> parse_metrics(const ValidateOptions& options) {
  MetricSet metrics;
  if (options.metrics.empty()) {
    metrics.perplexity = true;
    metrics.kl = has_original(options);
    metrics.tensors = metrics.samples = !options.original.empty();
    return metrics;
  }
  for (const std::string& name : options.metrics) {
    const auto known = std::ranges::find(kMetrics, name, &MetricName::name);
    if (known != kMetrics.end()) {
      metrics.*(known->member) = true;
    } else if (is_task(name)) {
      metrics.tasks.push_back(PJ_TRY(task_request(name, options)));
    } else {
      return make_error(ErrorCode::kInvalidArgument, "'{}' is not a metric, expected some of {}",
                        name, fmt::join(known_metrics(), ", "));
    }
  }
  if ((metrics.tensors || metrics.samples) && options.original.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the metrics tensors and samples compare with an original; name it with "
                      "--original");
  }
  if (metrics.kl && !has_original(options)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the metric kl compares with an original; name it with --original, or its "
                      "logits with --logits");
  }
  return metrics;
}

Status check_options(const ValidateOptions& options) {
  if (options.quantized.empty() && options.save_logits.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "nothing to validate; name files or folders with --quantized");
  }
  if (options.context < 0 || options.stride < 0 || options.chunks < 0 || options.threads < 0 ||
      !(options.checkpoint_seconds >= 0)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--context, --stride, --chunks, --threads and --checkpoint-seconds cannot be "
                      "negative");
  }
  if (options.few_shot < 0 || options.task_limit < 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--few-shot and --task-limit cannot be negative");
  }
  for (const auto* entries : {&options.task_data, &options.task_examples}) {
    for (const std::string& entry : *entries) {
      const std::string name = entry.substr(0, entry.find('='));
      if (std::ranges::find(options.metrics, name) != options.metrics.end()) continue;
      return make_error(ErrorCode::kInvalidArgument,
                        "the files of a task, '{}', are for none of --metrics; they are named "
                        "TASK=PATH",
                        entry);
    }
  }
  if (!options.save_logits.empty() && options.original.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--save-logits keeps the original's logits; name it with --original");
  }
  if (!options.save_logits.empty() && !options.logits.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--logits is there instead of running the original, and --save-logits comes "
                      "from running it; give one of them");
  }
  if (options.logits_format != "pajamas" && options.logits_format != "llama.cpp") {
    return make_error(ErrorCode::kInvalidArgument,
                      "--logits-format '{}' is neither pajamas nor llama.cpp",
                      options.logits_format);
  }
  return {};
}

Result<ValidationText> read_text(const ValidateOptions& options) {
  ValidationText corpus;
  if (options.dataset.empty()) {
    corpus.text = kDefaultCorpus;
    corpus.name = kDefaultCorpusName;
  } else {
    corpus.text = PJ_TRY(read_corpus(options.dataset, {.field = options.dataset_field})).text;
    corpus.name = options.dataset.filename().string();
  }
  corpus.sha256 = sha256_hex(std::as_bytes(std::span(corpus.text)));
  return corpus;
}

// The models of a run, found before anything is measured.
struct Models {
  std::optional<ValidationTarget> original;
  std::optional<OpenedModel> opened_original;
  std::vector<ValidationTarget> quantized;
};

Result<Models> find_models(const ValidateOptions& options) {
  Models models;
  for (const fs::path& path : options.quantized) {
    for (ValidationTarget& target : PJ_TRY(find_validation_targets(path))) {
      const bool is_new = std::ranges::find(models.quantized, target.path,
                                            &ValidationTarget::path) == models.quantized.end();
      if (is_new) models.quantized.push_back(std::move(target));
    }
  }
  if (!options.original.empty()) {
    models.original = PJ_TRY(find_original(options.original, options.revision));
    models.opened_original = PJ_TRY(open_model_path(models.original->path));
  }
  return models;
}

// The model whose tokenizer reads the text: the original, or where there is none the first other.
Result<const OpenedModel*> reading_model(const Models& models, std::optional<OpenedModel>& opened) {
  if (models.opened_original) return &*models.opened_original;
  if (models.quantized.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "no model was named");
  }
  opened = PJ_TRY(open_model_path(models.quantized.front().path));
  return &*opened;
}

Result<std::int64_t> choose_context(const ValidateOptions& options, const OpenedModel& model) {
  if (options.context > 0) return options.context;
  return std::min(kDefaultContext, PJ_TRY(read_hyper_parameters(model)).context_length);
}

std::optional<std::int32_t> added_bos(const Tokenizer& tokenizer) {
  return tokenizer.adds_bos() ? tokenizer.bos_id() : std::nullopt;
}

Result<WindowPlan> plan_of_reference(const ReferenceReader& reference,
                                     const ValidateOptions& options, const Tokenizer& tokenizer) {
  const ReferenceHeader& header = reference.header();
  if (options.context > 0 && options.context != header.context) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--context is {}, but '{}' was made with {}; leave --context out",
                      options.context, options.logits.string(), header.context);
  }
  const bool says_bos = reference.format() == "pajamas";
  return plan_llama_windows(header.tokens, header.context,
                            says_bos ? header.bos : added_bos(tokenizer), options.chunks);
}

// Excerpts from all over the text, each a small part of a window.
std::vector<std::string> choose_prompts(const WindowPlan& plan, const Tokenizer& tokenizer) {
  const auto count = static_cast<std::int64_t>(plan.tokens.size());
  const std::int64_t longest = plan.context > 0
                                   ? std::clamp<std::int64_t>(plan.context / 4, 1, kPromptTokens)
                                   : kPromptTokens;
  std::vector<std::string> prompts;
  for (std::int64_t i = 0; i < kSamplePrompts; ++i) {
    const std::int64_t first = std::min(i * count / kSamplePrompts + 1, count);
    const std::int64_t length = std::min(longest, count - first);
    const auto begin = plan.tokens.begin() + first;
    if (length > 0) prompts.push_back(tokenizer.decode({begin, begin + length}));
  }
  return prompts;
}

Result<ValidationSetup> make_setup(const ValidateOptions& options, const Models& models) {
  ValidationSetup setup{.metrics = PJ_TRY(parse_metrics(options))};
  for (const TaskRequest& task : setup.metrics.tasks) PJ_TRY(check_task_data(task));
  if (!options.logits.empty()) setup.reference = PJ_TRY(open_reference(options.logits));
  std::optional<OpenedModel> opened;
  const OpenedModel& reader = *PJ_TRY(reading_model(models, opened));
  const ModelText text = PJ_TRY(ModelText::open(reader));
  std::vector<std::int32_t> tokens;
  if (setup.reference == nullptr || setup.metrics.perplexity_hf) {
    setup.corpus = PJ_TRY(read_text(options));
    tokens = PJ_TRY(tokenize_corpus(text.tokenizer(), setup.corpus.text));
  }
  const std::int64_t context = PJ_TRY(choose_context(options, reader));
  if (setup.metrics.perplexity_hf) {
    const std::int64_t stride = options.stride > 0 ? options.stride : std::max(context / 2, 1L);
    setup.windows_hf = PJ_TRY(plan_hf_windows(tokens, context, stride, options.chunks));
  }
  if (setup.reference != nullptr) {
    setup.windows = PJ_TRY(plan_of_reference(*setup.reference, options, text.tokenizer()));
    setup.corpus.name = setup.reference->header().corpus;
    setup.corpus.sha256 = setup.reference->header().corpus_sha256;
  } else if (setup.metrics.needs_windows() || !options.save_logits.empty()) {
    setup.windows =
        PJ_TRY(plan_llama_windows(tokens, context, added_bos(text.tokenizer()), options.chunks));
  }
  if (setup.metrics.samples) {
    WindowPlan whole;
    if (!setup.windows && !setup.windows_hf) whole.tokens = std::move(tokens);
    const WindowPlan& plan = setup.windows      ? *setup.windows
                             : setup.windows_hf ? *setup.windows_hf
                                                : whole;
    setup.prompts = choose_prompts(plan, text.tokenizer());
  }
  return setup;
}

Status measure(ValidationRun& run, const ValidateOptions& options, const Models& models,
               Validation& validation) {
  run.expect_models(models.original.has_value(), models.quantized.size());
  if (models.original) {
    validation.original = PJ_TRY(run.run_original(*models.original, *models.opened_original));
  } else if (!options.logits.empty()) {
    validation.original = PJ_TRY(run.describe_reference());
  }
  for (const ValidationTarget& target : models.quantized) {
    const OpenedModel* original = models.opened_original ? &*models.opened_original : nullptr;
    validation.quantized.push_back(PJ_TRY(run.run_quantized(target, original)));
  }
  return {};
}

Status update_manifest(const fs::path& folder, const std::vector<ValidationTarget>& targets,
                       const Validation& validation) {
  Json manifest = PJ_TRY(read_manifest(folder));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].artifact != folder) continue;
    put_validation(manifest, targets[i].manifest_path,
                   validation_summary(validation, validation.quantized[i]));
  }
  Json about = {{"measured_at", validation.measured_at},
                {"corpus", validation.corpus},
                {"corpus_sha256", validation.corpus_sha256},
                {"corpus_tokens", validation.corpus_tokens},
                {"original", validation.original.name},
                {"context", nullptr},
                {"perplexity_original", nullptr}};
  if (!validation.original.perplexity.empty()) {
    const PerplexityResult& result = validation.original.perplexity.front();
    about["context"] = result.context;
    about["perplexity_original"] = result.perplexity;
  }
  manifest["validation"] = std::move(about);
  return write_file_atomic(folder / kManifestName, manifest.dump(2) + "\n");
}

Status write_results(const fs::path& output, const std::vector<ValidationTarget>& targets,
                     const Validation& validation) {
  if (!output.empty()) {
    PJ_TRY(write_file_atomic(output / "validation.json", validation_json_text(validation)));
    PJ_TRY(write_file_atomic(output / "report.html", report_html(validation)));
  }
  std::vector<fs::path> folders;
  for (const ValidationTarget& target : targets) {
    const bool is_new = std::ranges::find(folders, target.artifact) == folders.end();
    if (!target.artifact.empty() && is_new) folders.push_back(target.artifact);
  }
  for (const fs::path& folder : folders) PJ_TRY(update_manifest(folder, targets, validation));
  return {};
}

Error interrupted(const ValidationRun& run, const ValidationWork& work) {
  std::string message =
      fmt::format("interrupted after {} of {} windows", run.windows_done(), run.windows_expected());
  message += work.is_kept()
                 ? fmt::format(
                       "; what is done is kept in '{}': run the same command again to go "
                       "on, or remove that folder",
                       work.folder().string())
                 : "; nothing is kept, because no --output was named";
  return {ErrorCode::kCancelled, std::move(message)};
}

}  // namespace

std::vector<std::string> known_metrics() {
  std::vector<std::string> names;
  names.reserve(std::size(kMetrics) + known_tasks().size());
  for (const MetricName& metric : kMetrics) names.emplace_back(metric.name);
  for (const KnownTask& task : known_tasks()) names.emplace_back(task.name);
  return names;
}

Result<fs::path> validation_output(const ValidateOptions& options) {
  if (!options.output.empty()) return options.output;
  fs::path only;
  for (const fs::path& path : options.quantized) {
    for (const ValidationTarget& target : PJ_TRY(find_validation_targets(path))) {
      std::error_code ignored;
      const bool is_other =
          !only.empty() && !fs::equivalent(only, target.artifact, ignored) && !ignored;
      if (target.artifact.empty() || is_other) return fs::path();
      if (only.empty()) only = target.artifact;
    }
  }
  return only;
}

Result<Validation> validate(const ValidateOptions& options, const CancelToken& cancel,
                            Progress& progress) {
  PJ_TRY(check_options(options));
  const Models models = PJ_TRY(find_models(options));
  ValidationSetup setup = PJ_TRY(make_setup(options, models));
  const fs::path output = PJ_TRY(validation_output(options));
  ValidationWork work = PJ_TRY(ValidationWork::open(output));
  Validation validation{
      .corpus = setup.corpus.name, .corpus_sha256 = setup.corpus.sha256, .measured_at = utc_now()};
  if (const auto& read = setup.windows ? setup.windows : setup.windows_hf) {
    validation.corpus_tokens = static_cast<std::int64_t>(read->tokens.size());
  }
  ValidationRun run(options, setup, work.folder(), cancel, progress);
  const Status measured = measure(run, options, models, validation);
  if (!measured) {
    if (measured.error().code != ErrorCode::kCancelled) return std::unexpected(measured.error());
    return std::unexpected(interrupted(run, work));
  }
  PJ_TRY(write_results(output, models.quantized, validation));
  setup.reference.reset();  // its file may be in the folder
  PJ_TRY(work.remove());
  return validation;
}

Status check_limits_are_measured(const QualityLimits& limits, const ValidateOptions& options) {
  const MetricSet metrics = PJ_TRY(parse_metrics(options));
  // A logits file tells the original's perplexity of the first kind of windows alone.
  const bool has_increase = (metrics.perplexity && has_original(options)) ||
                            (metrics.perplexity_hf && !options.original.empty());
  if (limits.max_ppl_increase_pct && !has_increase) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--max-ppl-increase needs the metric perplexity and an --original");
  }
  if ((limits.max_kl || limits.min_agreement) && !metrics.kl) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--max-kl and --min-agreement need the metric kl");
  }
  return {};
}

Status check_limits(const QualityLimits& limits, const Validation& validation) {
  std::vector<std::string> broken;
  for (const ModelQuality& model : validation.quantized) {
    const auto increase = perplexity_increase_pct(validation.original, model);
    if (limits.max_ppl_increase_pct && !(increase && *increase <= *limits.max_ppl_increase_pct)) {
      broken.push_back(
          fmt::format("{}: the perplexity is {:.3f} % over the original's, at most "
                      "{} % was asked for",
                      model.name, increase.value_or(0), *limits.max_ppl_increase_pct));
    }
    if (!model.divergence) continue;
    const double kl = model.divergence->kl.mean;
    if (limits.max_kl && !(kl <= *limits.max_kl)) {
      broken.push_back(fmt::format("{}: the mean KL divergence is {:.6f}, at most {} was asked for",
                                   model.name, kl, *limits.max_kl));
    }
    const double agreement = model.divergence->top1_agreement;
    if (limits.min_agreement && !(agreement >= *limits.min_agreement)) {
      broken.push_back(
          fmt::format("{}: the most likely token is the same in {:.3f} % of the "
                      "positions, at least {:.3f} % was asked for",
                      model.name, 100 * agreement, 100 * *limits.min_agreement));
    }
  }
  if (broken.empty()) return {};
  return make_error(ErrorCode::kQualityGate, "{}", fmt::join(broken, "\n"));
}

}  // namespace pajamas
