// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validation_run.h"

#include <algorithm>

#include "base/sha256.h"
#include "evaluate/tensor_errors.h"
#include "evaluate/window_runner.h"
#include "generation/model_text.h"
#include "kernels/kernel_table.h"
#include "pipeline/manifest.h"
#include "runtime/hyper_parameters.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

// Tokens that go through the model together.
constexpr std::int64_t kBatchTokens = 2048;
// Questions of a task lose what is longer; and the cache for questions that begin alike.
constexpr std::int64_t kMaxTaskContext = 4096;
constexpr std::int64_t kTaskCachePositions = 8192;
constexpr std::string_view kWindowsKey = "windows";
constexpr std::string_view kHfKey = "hf";

std::string describe_plan(const std::optional<WindowPlan>& plan) {
  if (!plan) return "-";
  const std::string tokens = sha256_hex(std::as_bytes(std::span(plan->tokens)));
  return fmt::format("{} {} {} {} {} {}", plan->method, plan->context, plan->stride,
                     plan->windows.size(), plan->bos.value_or(-1), tokens);
}

ReferenceHeader header_of(const WindowPlan& plan, std::int64_t vocab) {
  return {.context = plan.context,
          .vocab = vocab,
          .windows = static_cast<std::int64_t>(plan.windows.size()),
          .tokens = plan.tokens,
          .bos = plan.bos};
}

bool fits(const ReferenceReader& reader, const ReferenceHeader& header) {
  const ReferenceHeader& found = reader.header();
  return found.context == header.context && found.vocab == header.vocab &&
         found.windows == header.windows && found.tokens == header.tokens;
}

}  // namespace

class ValidationRun::LazyEngine {
 public:
  LazyEngine(const fs::path& path, const ValidationRun& run) : path_(path), run_(run) {}

  // For windows and samples. Where the weights do not fit in memory they are read layer by layer,
  // for as many windows at once as there is room for.
  Result<Engine*> get() {
    if (engine_ != nullptr) return engine_.get();
    EngineOptions options = base_options();
    for (const auto* plan : {&run_.setup_.windows, &run_.setup_.windows_hf}) {
      if (!*plan) continue;
      const std::int64_t together = windows_per_batch(**plan, kBatchTokens);
      options.context = std::max(options.context, (*plan)->context);
      options.cache_positions =
          std::max(options.cache_positions, cache_positions_of(**plan, together));
    }
    const auto prompts = static_cast<std::int64_t>(run_.setup_.prompts.size());
    options.cache_positions = std::max(options.cache_positions, prompts * options.context);
    auto resident = Engine::open(path_, options, run_.cancel_, run_.progress_);
    if (!resident && resident.error().code != ErrorCode::kNoSpace) {
      return std::unexpected(resident.error());
    }
    if (resident) {
      engine_ = std::move(*resident);
    } else {
      options.layer_streaming = LayerStreaming::kOn;
      options.cache_life = CacheLife::kOneCall;
      options.cache_positions = 0;
      engine_ = PJ_TRY(Engine::open(path_, options, run_.cancel_, run_.progress_));
      run_.progress_.warn(
          fmt::format("{} does not fit in memory; its layers are read from disk once for every {} "
                      "tokens",
                      engine_->model().name, engine_->tokens_per_pass()));
    }
    for (const std::string& warning : engine_->warnings()) run_.progress_.warn(warning);
    return engine_.get();
  }

  // For the questions of tasks, with a smaller cache where the usual one does not fit.
  Result<Engine*> get_for_tasks(const OpenedModel& model) {
    EngineOptions options = base_options();
    options.layer_streaming = LayerStreaming::kAuto;
    options.context =
        std::min(kMaxTaskContext, PJ_TRY(read_hyper_parameters(model)).context_length);
    options.cache_positions = std::max(options.context, kTaskCachePositions);
    auto engine = Engine::open(path_, options, run_.cancel_, run_.progress_);
    if (!engine && engine.error().code == ErrorCode::kNoSpace) {
      options.cache_positions = options.context;
      engine = Engine::open(path_, options, run_.cancel_, run_.progress_);
    }
    engine_ = PJ_TRY(std::move(engine));
    return engine_.get();
  }

  void close() { engine_.reset(); }

 private:
  [[nodiscard]] EngineOptions base_options() const {
    return {.threads = run_.options_.threads, .memory_limit_bytes = run_.options_.max_memory_bytes};
  }

  fs::path path_;
  const ValidationRun& run_;
  std::unique_ptr<Engine> engine_;
};

ValidationRun::ValidationRun(const ValidateOptions& options, ValidationSetup& setup,
                             fs::path work_folder, const CancelToken& cancel, Progress& progress)
    : options_(options),
      setup_(setup),
      work_folder_(std::move(work_folder)),
      cancel_(cancel),
      progress_(progress),
      pool_(options.threads) {
  if (setup_.reference != nullptr) {
    const ReferenceHeader& header = setup_.reference->header();
    reference_id_ = fmt::format("{} {} {}", setup_.reference->format(), header.model_fingerprint,
                                options.logits.string());
  }
}

void ValidationRun::expect_models(bool has_original, std::size_t quantized) {
  const auto expect = [&](const std::optional<WindowPlan>& plan, bool runs_original) {
    if (!plan) return;
    const std::size_t models = quantized + (runs_original ? 1 : 0);
    windows_expected_ += static_cast<std::int64_t>(plan->windows.size() * models);
  };
  expect(setup_.windows, has_original && setup_.reference == nullptr);
  expect(setup_.windows_hf, has_original);
}

Result<ResultJournal> ValidationRun::open_journal(const OpenedModel& model, std::string_view role) {
  // Everything that the values depend on: other kernels round otherwise.
  const KernelTable* kernels = PJ_TRY(select_kernels());
  const std::string key =
      fmt::format("{}|{}|{}|{}|{}|{}|{}", kPipelineVersion, role, static_cast<int>(kernels->isa),
                  PJ_TRY(files_fingerprint(model)), describe_plan(setup_.windows),
                  describe_plan(setup_.windows_hf), reference_id_);
  const std::string hash = sha256_hex(std::as_bytes(std::span(key)));
  return ResultJournal::open(work_folder_, std::string_view(hash).substr(0, 32),
                             options_.checkpoint_seconds);
}

Result<std::vector<WindowScore>> ValidationRun::run_pass(ScoringPass pass, const std::string& name,
                                                         LazyEngine& engine,
                                                         ResultJournal& journal) {
  const auto windows = static_cast<std::int64_t>(pass.plan.windows.size());
  pass.batch_tokens = kBatchTokens;
  pass.on_progress = [&](std::int64_t done) {
    windows_now_ = done;
    const auto context = static_cast<std::uint64_t>(pass.plan.context);
    progress_.update({.stage = "validate",
                      .item = fmt::format("{}: window {} of {}", name, done, windows),
                      .done_bytes = static_cast<std::uint64_t>(windows_done()) * context,
                      .total_bytes = static_cast<std::uint64_t>(windows_expected_) * context,
                      .unit = "tokens"});
  };
  auto scores = run_scoring_pass(pass, [&] { return engine.get(); }, pool_, journal, cancel_);
  if (scores) windows_before_ += std::exchange(windows_now_, 0);
  return scores;
}

fs::path ValidationRun::logits_path(const ReferenceHeader& header) const {
  if (!options_.save_logits.empty()) return options_.save_logits;
  return work_folder_ / fmt::format("{}.logits", header.model_fingerprint.substr(0, 16));
}

Result<std::vector<WindowScore>> ValidationRun::keep_distributions(const ValidationTarget& target,
                                                                   const OpenedModel& model,
                                                                   LazyEngine& engine,
                                                                   ResultJournal& journal) {
  const WindowPlan& plan = *setup_.windows;
  const HyperParameters parameters = PJ_TRY(read_hyper_parameters(model));
  ReferenceHeader header = header_of(plan, parameters.vocab);
  header.model = target.name;
  header.model_fingerprint = PJ_TRY(model_fingerprint(model));
  header.corpus = setup_.corpus.name;
  header.corpus_sha256 = setup_.corpus.sha256;
  const fs::path path = logits_path(header);
  const std::string key(kWindowsKey);

  std::vector<ReferenceMark> marks = journaled_marks(journal, plan, key);
  if (marks.size() == plan.windows.size()) {
    auto finished = open_reference(path);
    if (finished && fits(**finished, header)) {
      setup_.reference = std::move(*finished);
      return run_pass({.plan = plan, .key = key}, target.name, engine, journal);
    }
  }
  auto writer = create_reference(options_.logits_format, path, header, marks);
  if (!writer && writer.error().code == ErrorCode::kNotFound && !marks.empty()) {
    journal.forget(key);
    writer = create_reference(options_.logits_format, path, header, {});
  }
  if (!writer) return std::unexpected(writer.error());
  auto scores = PJ_TRY(
      run_pass({.plan = plan, .key = key, .writer = writer->get()}, target.name, engine, journal));
  PJ_TRY((*writer)->publish());
  setup_.reference = PJ_TRY(open_reference(path));
  return scores;
}

Status ValidationRun::measure_hf(const std::string& name, LazyEngine& engine,
                                 ResultJournal& journal, ModelQuality& quality) {
  if (!setup_.windows_hf) return {};
  const WindowPlan& plan = *setup_.windows_hf;
  const auto scores =
      PJ_TRY(run_pass({.plan = plan, .key = std::string(kHfKey)}, name, engine, journal));
  quality.perplexity.push_back(summarize_perplexity(plan, scores));
  if (quality.tokens_per_second == 0) quality.tokens_per_second = tokens_per_second(plan, scores);
  return {};
}

Result<std::optional<std::vector<Continuation>>> ValidationRun::continue_samples(
    const std::string& name, LazyEngine& opener) {
  if (!setup_.metrics.samples) return std::nullopt;
  Engine& engine = *PJ_TRY(opener.get());
  if (engine.has_streamed_layers()) {
    // Every token would read the whole model.
    progress_.warn(fmt::format("{}: no sample texts, because it does not fit in memory", name));
    return std::nullopt;
  }
  const ModelText text = PJ_TRY(ModelText::open(engine.model()));
  return PJ_TRY(continue_prompts(engine, text, setup_.prompts, {}, cancel_));
}

Status ValidationRun::measure_tasks(const OpenedModel& model, LazyEngine& opener,
                                    ModelQuality& quality) {
  if (setup_.metrics.tasks.empty()) return {};
  Engine& engine = *PJ_TRY(opener.get_for_tasks(model));
  const ModelText text = PJ_TRY(ModelText::open(engine.model()));
  const std::string key = PJ_TRY(files_fingerprint(model));
  const std::string file = sha256_hex(std::as_bytes(std::span(key))).substr(0, 16);
  for (TaskRequest request : setup_.metrics.tasks) {
    request.results =
        work_folder_ / fmt::format("{}-{}-{}.jsonl", file, request.name, request.few_shot);
    const auto run = run_task(engine, text, request, cancel_, progress_);
    if (!run) return std::unexpected(run.error().with_context(quality.name));
    quality.tasks.insert(quality.tasks.end(), run->scores.begin(), run->scores.end());
  }
  return {};
}

Result<ModelQuality> ValidationRun::run_original(const ValidationTarget& target,
                                                 const OpenedModel& model) {
  ModelQuality quality = PJ_TRY(describe_quality(target, model));
  const bool keeps = setup_.metrics.kl || !options_.save_logits.empty();
  ResultJournal journal =
      PJ_TRY(open_journal(model, keeps ? fmt::format("original {} {}", options_.logits_format,
                                                     options_.save_logits.string())
                                       : "original"));
  LazyEngine engine(target.path, *this);
  if (setup_.reference != nullptr) {
    PJ_TRY(check_reference(model));
    quality.perplexity = PJ_TRY(describe_reference()).perplexity;
  } else if (setup_.windows) {
    const WindowPlan& plan = *setup_.windows;
    const auto scores = keeps ? PJ_TRY(keep_distributions(target, model, engine, journal))
                              : PJ_TRY(run_pass({.plan = plan, .key = std::string(kWindowsKey)},
                                                target.name, engine, journal));
    quality.perplexity.push_back(summarize_perplexity(plan, scores));
    quality.tokens_per_second = tokens_per_second(plan, scores);
    reference_id_ = fmt::format("{} {}", keeps ? options_.logits_format : "none",
                                PJ_TRY(files_fingerprint(model)));
  }
  PJ_TRY(measure_hf(target.name, engine, journal, quality));
  setup_.continuations = PJ_TRY(continue_samples(target.name, engine));
  engine.close();
  PJ_TRY(measure_tasks(model, engine, quality));
  return quality;
}

Result<ModelQuality> ValidationRun::describe_reference() {
  const ReferenceReader& reference = *setup_.reference;
  ModelQuality quality{.name = reference.header().model, .path = options_.logits.string()};
  if (quality.name.empty()) quality.name = options_.logits.filename().string();
  const auto scores = PJ_TRY(scores_of_reference(reference, *setup_.windows, cancel_));
  quality.perplexity.push_back(summarize_perplexity(*setup_.windows, scores));
  return quality;
}

Status ValidationRun::check_reference(const OpenedModel& model) const {
  const ReferenceHeader& header = setup_.reference->header();
  if (header.model_fingerprint.empty()) return {};  // llama-perplexity's says nothing of its model
  if (header.model_fingerprint == PJ_TRY(model_fingerprint(model))) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    "'{}' holds the logits of another model than --original, of '{}'; give that "
                    "one, leave --original out, or make the file anew with --save-logits",
                    options_.logits.string(), header.model);
}

void ValidationRun::check_tokenizer(const ValidationTarget& target, const OpenedModel& model) {
  if (setup_.corpus.text.empty() || !(setup_.windows || setup_.windows_hf)) return;
  const auto text = ModelText::open(model);
  const auto tokens = text ? tokenize_corpus(text->tokenizer(), setup_.corpus.text)
                           : Result<std::vector<std::int32_t>>(std::unexpected(text.error()));
  if (!tokens) {
    progress_.warn(fmt::format("{}: its tokenizer cannot be compared with the original's: {}",
                               target.name, tokens.error().message));
    return;
  }
  const WindowPlan& plan = setup_.windows ? *setup_.windows : *setup_.windows_hf;
  const auto [theirs, ours] = std::ranges::mismatch(*tokens, plan.tokens);
  if (ours == plan.tokens.end()) return;
  progress_.warn(
      fmt::format("{}: its tokenizer reads the text differently from token {} on; it is measured "
                  "on the original's tokens",
                  target.name, ours - plan.tokens.begin()));
}

Result<ModelQuality> ValidationRun::run_quantized(const ValidationTarget& target,
                                                  const OpenedModel* original) {
  const OpenedModel model = PJ_TRY(open_model_path(target.path));
  ModelQuality quality = PJ_TRY(describe_quality(target, model));
  check_tokenizer(target, model);
  ResultJournal journal = PJ_TRY(open_journal(model, "quantized"));
  LazyEngine engine(target.path, *this);
  if (setup_.windows) {
    const WindowPlan& plan = *setup_.windows;
    const ScoringPass pass{.plan = plan,
                           .key = std::string(kWindowsKey),
                           .reference = setup_.metrics.kl ? setup_.reference.get() : nullptr};
    const auto scores = PJ_TRY(run_pass(pass, target.name, engine, journal));
    if (setup_.metrics.perplexity) quality.perplexity.push_back(summarize_perplexity(plan, scores));
    if (setup_.metrics.kl) quality.divergence = summarize_divergence(scores);
    quality.tokens_per_second = tokens_per_second(plan, scores);
  }
  PJ_TRY(measure_hf(target.name, engine, journal, quality));
  if (setup_.continuations) {
    const auto continuations = PJ_TRY(continue_samples(target.name, engine));
    if (continuations) {
      quality.samples = compare_continuations(*setup_.continuations, *continuations);
    }
  }
  engine.close();
  PJ_TRY(measure_tasks(model, engine, quality));
  if (setup_.metrics.tensors && original != nullptr) {
    quality.tensors = PJ_TRY(
        measure_tensor_errors(*original, model, {.threads = options_.threads}, cancel_, progress_));
  }
  return quality;
}

}  // namespace pajamas
