// SPDX-License-Identifier: Apache-2.0
#include "serve/engine_model.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "generation/model_text.h"
#include "serve/thinking/thought_splitter.h"
#include "serve/token_stream.h"
#include "serve/unix_time.h"

namespace pajamas {
namespace {

// What Engine::open takes at most when it is given no context.
constexpr std::int64_t kContext = 4096;

constexpr std::size_t kEmbeddedTogether = 16;
constexpr std::int64_t kMaxCachePositions = 1 << 18;

// Steps of the jobs of one request, from the scheduler's thread to the handler's.
class StepQueue {
 public:
  explicit StepQueue(std::size_t jobs) : running_(jobs) {}

  // Both wake the handler while they hold the lock: once it may go on, the queue may be gone.
  void push(GenerationStep step) {
    const std::lock_guard lock(mutex_);
    steps_.push_back(std::move(step));
    news_.notify_one();
  }
  // A job has ended; the first error is kept.
  void end(const Status& status) {
    const std::lock_guard lock(mutex_);
    --running_;
    if (!status && status_) status_ = status;
    news_.notify_one();
  }
  // What has come; empty when all jobs have ended and everything was taken.
  std::deque<GenerationStep> wait() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return !steps_.empty() || running_ == 0 || !status_; });
    return std::exchange(steps_, {});
  }
  // The handler may go on when this returns: no job refers to the queue any more.
  Status wait_for_all() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return running_ == 0; });
    return status_;
  }
  [[nodiscard]] bool has_failed() const {
    const std::lock_guard lock(mutex_);
    return !status_;
  }

 private:
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable news_;
  std::deque<GenerationStep> steps_;
  std::size_t running_;
  Status status_{};
};

class EngineModel : public ServedModel {
 public:
  EngineModel(ServedModelInfo info, std::unique_ptr<Engine> engine, ModelText text,
              const SchedulerOptions& options)
      : info_(std::move(info)),
        engine_(std::move(engine)),
        text_(std::move(text)),
        scheduler_({.new_sequence = [this] { return engine_->new_sequence(); },
                    .forward =
                        [this](std::span<const BatchToken> batch, const OutputSink& sink,
                               const CancelToken& cancel) {
                          return engine_->forward(batch, sink, cancel);
                        },
                    .context = engine_->context()},
                   options) {}

  [[nodiscard]] const ServedModelInfo& info() const override { return info_; }

  Result<std::vector<std::int32_t>> tokenize(std::string_view text,
                                             const TokenizeOptions& options) const override {
    if (options.is_rendered_chat) return text_.encode_chat(text);
    return text_.tokenizer().encode(
        text, {.add_special = options.add_special, .parse_special = options.parse_special});
  }
  std::string detokenize(std::span<const std::int32_t> ids) const override {
    return text_.tokenizer().decode({ids.begin(), ids.end()}, {.skip_special = false});
  }
  Result<std::string> render(const Json& messages, const PromptOptions& options) const override {
    return text_.render_chat({.messages = messages,
                              .tools = options.tools,
                              .add_generation_prompt = options.add_generation_prompt,
                              .extra = options.variables});
  }
  Status generate(std::span<const GenerationJob> jobs, const StepSink& sink,
                  const CancelToken& cancel) override;
  [[nodiscard]] ModelLoad load() const override { return scheduler_.load(); }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::vector<std::int32_t>> prompts,
                                                const CancelToken& cancel) override;

 private:
  Result<BatchJob> prepare(const GenerationJob& job, std::size_t index, StepQueue& queue,
                           std::function<bool()> is_cancelled);

  Result<std::vector<std::vector<float>>> embed_some(
      std::span<const std::vector<std::int32_t>> prompts, const CancelToken& cancel);

  ServedModelInfo info_;
  std::unique_ptr<Engine> engine_;
  ModelText text_;
  Scheduler scheduler_;  // last: its thread uses the others
};

Result<BatchJob> EngineModel::prepare(const GenerationJob& job, std::size_t index, StepQueue& queue,
                                      std::function<bool()> is_cancelled) {
  const auto length = static_cast<std::int64_t>(job.prompt.size());
  const std::int64_t room = engine_->context() - length;
  if (room < 1) {
    return make_error(ErrorCode::kInvalidArgument, "the prompt has {} tokens, the context holds {}",
                      length, engine_->context());
  }
  const std::int64_t most = job.max_tokens > 0 ? std::min(job.max_tokens, room) : room;
  // std::function wants what it holds to be copyable; the scheduler and nobody else uses it.
  auto stream = std::make_shared<TokenStream>(PJ_TRY(TokenStream::create(job, most, text_)));
  // The end comes with the counts of the scheduler, so the last step waits for on_end.
  auto last = std::make_shared<std::optional<GenerationStep>>();
  return BatchJob{
      .prompt = job.prompt,
      .max_new_tokens = most,
      .on_logits = [=,
                    &queue](std::span<const float> logits) -> Result<std::optional<std::int32_t>> {
        GenerationStep step = PJ_TRY(stream->next(logits));
        step.job = index;
        if (step.end != GenerationStep::End::kNo) {
          *last = std::move(step);
          return std::nullopt;
        }
        const std::int32_t id = step.token->id;
        queue.push(std::move(step));
        return id;
      },
      .on_end =
          [=, &queue](const Status& status, std::int64_t cached_tokens) {
            if (status && *last) {
              (*last)->cached_tokens = cached_tokens;
              queue.push(std::move(**last));
            }
            queue.end(status);
          },
      .is_cancelled = std::move(is_cancelled)};
}

Status EngineModel::generate(std::span<const GenerationJob> jobs, const StepSink& sink,
                             const CancelToken& cancel) {
  StepQueue queue(jobs.size());
  CancelToken own;  // for when the sink has failed
  const auto is_cancelled = [&] { return cancel.is_cancelled() || own.is_cancelled(); };
  std::vector<BatchJob> batch;
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    batch.push_back(PJ_TRY(prepare(jobs[index], index, queue, is_cancelled)));
  }
  PJ_TRY(scheduler_.submit(std::move(batch)));
  Status status;
  for (std::size_t index = 0; index < jobs.size() && status; ++index) status = sink({.job = index});
  while (status && !queue.has_failed()) {
    const std::deque<GenerationStep> steps = queue.wait();
    if (steps.empty()) break;
    for (const GenerationStep& step : steps) {
      if (status) status = sink(step);
    }
  }
  if (!status || queue.has_failed()) own.cancel();  // for the other jobs
  const Status ended = queue.wait_for_all();
  return status ? ended : status;
}

Result<std::vector<std::vector<float>>> EngineModel::embed(
    std::span<const std::vector<std::int32_t>> prompts, const CancelToken& cancel) {
  std::vector<std::vector<float>> vectors;
  // In parts, so that a long list neither fills the queue nor keeps others from it.
  for (std::size_t at = 0; at < prompts.size(); at += kEmbeddedTogether) {
    const std::size_t count = std::min(kEmbeddedTogether, prompts.size() - at);
    auto some = PJ_TRY(embed_some(prompts.subspan(at, count), cancel));
    std::ranges::move(some, std::back_inserter(vectors));
  }
  return vectors;
}

Result<std::vector<std::vector<float>>> EngineModel::embed_some(
    std::span<const std::vector<std::int32_t>> prompts, const CancelToken& cancel) {
  StepQueue queue(prompts.size());
  std::vector<std::vector<double>> sums(prompts.size());
  std::vector<BatchJob> batch;
  for (std::size_t index = 0; index < prompts.size(); ++index) {
    batch.push_back({.prompt = prompts[index],
                     .on_hidden =
                         [&sum = sums[index]](std::span<const float> hidden) {
                           sum.resize(hidden.size());
                           for (std::size_t at = 0; at < hidden.size(); ++at) {
                             sum[at] += static_cast<double>(hidden[at]);
                           }
                         },
                     .on_end = [&queue](const Status& status, std::int64_t) { queue.end(status); },
                     .is_cancelled = [&cancel] { return cancel.is_cancelled(); }});
  }
  PJ_TRY(scheduler_.submit(std::move(batch)));
  PJ_TRY(queue.wait_for_all());
  // The mean of all tokens, scaled to length 1.
  std::vector<std::vector<float>> vectors;
  for (const std::vector<double>& sum : sums) {
    double square = 0.0;
    for (const double value : sum) square += value * value;
    const double scale = square > 0.0 ? 1.0 / std::sqrt(square) : 0.0;
    std::vector<float>& vector = vectors.emplace_back();
    for (const double value : sum) vector.push_back(static_cast<float>(value * scale));
  }
  return vectors;
}

// With a cache for a whole context at each place, or for one in all where that does not fit.
Result<std::unique_ptr<Engine>> open_engine(const std::filesystem::path& path,
                                            const EngineModelOptions& options,
                                            const CancelToken& cancel, Progress& progress) {
  EngineOptions engine_options = options.engine;
  if (engine_options.cache_positions == 0) {
    const std::int64_t context = engine_options.context > 0 ? engine_options.context : kContext;
    engine_options.cache_positions =
        std::min(options.scheduler.parallel * context, std::max(context, kMaxCachePositions));
  }
  auto engine = Engine::open(path, engine_options, cancel, progress);
  const bool may_be_less = options.engine.cache_positions == 0 && options.scheduler.parallel > 1;
  if (engine || engine.error().code != ErrorCode::kNoSpace || !may_be_less) return engine;
  engine_options.cache_positions = 0;
  engine = PJ_TRY(Engine::open(path, engine_options, cancel, progress));
  progress.warn(
      fmt::format("there is memory for {} tokens of cache only, which {} texts share; a "
                  "smaller --context or --kv-type q8_0 lets more of them run at once",
                  (*engine)->context(), options.scheduler.parallel));
  return engine;
}

bool is_control_token(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text, {.add_special = false, .parse_special = true});
  return ids && ids->size() == 1 && tokenizer.is_control(ids->front());
}

bool has_control_thoughts(const Tokenizer& tokenizer) {
  return std::ranges::any_of(known_thought_tags(), [&](const ThoughtTags& tags) {
    return is_control_token(tokenizer, tags.open);
  });
}

}  // namespace

Result<std::unique_ptr<ServedModel>> open_engine_model(const std::filesystem::path& path,
                                                       const EngineModelOptions& options,
                                                       const CancelToken& cancel,
                                                       Progress& progress) {
  std::unique_ptr<Engine> engine = PJ_TRY(open_engine(path, options, cancel, progress));
  for (const std::string& warning : engine->warnings()) progress.warn(warning);
  ModelText text = PJ_TRY(ModelText::open(engine->model()));
  if (!options.chat_template.empty()) PJ_TRY(text.set_chat_template(options.chat_template));
  ServedModelInfo info{.id = options.id.empty() ? engine->model().name : options.id,
                       .created_s = unix_time_s(),
                       .context = engine->context(),
                       .vocab_size = static_cast<std::int32_t>(engine->parameters().vocab),
                       .parameters = engine->model().params_total,
                       .weight_bytes = engine->weight_bytes(),
                       .has_chat_template = text.has_chat_template(),
                       .has_control_thoughts = has_control_thoughts(text.tokenizer()),
                       .has_named_calls = is_control_token(text.tokenizer(), "[ARGS]")};
  return std::make_unique<EngineModel>(std::move(info), std::move(engine), std::move(text),
                                       options.scheduler);
}

}  // namespace pajamas
