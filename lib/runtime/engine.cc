// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine.h"

#include <algorithm>
#include <utility>

#include "base/memory_pages.h"
#include "runtime/artifact.h"
#include "runtime/backend.h"
#include "runtime/sequence_file.h"
#include "runtime/weights.h"
#include "runtime/worker_team.h"

namespace pajamas {
namespace {

// More is rarely wanted and costs memory; --context asks for it.
constexpr std::int64_t kDefaultContext = 4096;
constexpr std::int64_t kMaxOptionPositions = std::int64_t{1} << 24;
constexpr std::int64_t kMaxMicroBatch = 8192;

KvShape kv_shape(const HyperParameters& parameters, const EngineOptions& options) {
  const bool has_one_layer = options.cache_life == CacheLife::kOneCall;
  return {.type = options.kv_type,
          .layers = has_one_layer ? 1 : parameters.layers,
          .is_one_page_for_all_layers = has_one_layer,
          .kv_heads = parameters.kv_heads,
          .head_dim = parameters.head_dim};
}

MemoryNeeds memory_needs(const HyperParameters& parameters, const EngineOptions& options,
                         std::int64_t context, const WeightSizes& weights, std::uint64_t limit) {
  return {.weights = weights,
          .scratch_bytes = ForwardPass::scratch_bytes(parameters, options.micro_batch),
          .cache_block_bytes = kv_shape(parameters, options).block_bytes(),
          .pass_token_bytes = ForwardPass::bytes_per_pass_token(parameters),
          .micro_batch = options.micro_batch,
          .context = context,
          .cache_positions = options.cache_positions,
          .has_cache_of_one_call = options.cache_life == CacheLife::kOneCall,
          .streaming = options.layer_streaming,
          .limit_bytes = limit};
}

Status check_options(const EngineOptions& options) {
  if (options.context < 0 || options.context > kMaxOptionPositions) {
    return make_error(ErrorCode::kInvalidArgument, "--context is {}, expected 1 to {}",
                      options.context, kMaxOptionPositions);
  }
  if (options.cache_positions < 0 || options.cache_positions > kMaxOptionPositions) {
    return make_error(ErrorCode::kInvalidArgument, "the cache has {} positions, expected 1 to {}",
                      options.cache_positions, kMaxOptionPositions);
  }
  if (options.micro_batch < 1 || options.micro_batch > kMaxMicroBatch) {
    return make_error(ErrorCode::kInvalidArgument, "the micro-batch is {} tokens, expected 1 to {}",
                      options.micro_batch, kMaxMicroBatch);
  }
  if (options.threads < 0 || options.threads > 1024) {
    return make_error(ErrorCode::kInvalidArgument, "--threads is {}, expected 1 to 1024",
                      options.threads);
  }
  return {};
}

// What a sequence keeps; next to nothing where a backend keeps keys and values.
KvShape kv_shape(const EngineOptions& options, const HyperParameters& parameters) {
  if (!options.backend.empty()) return {.layers = 1, .kv_heads = 1, .head_dim = 32};
  return {.type = options.kv_type,
          .layers = parameters.layers,
          .kv_heads = parameters.kv_heads,
          .head_dim = parameters.head_dim};
}

std::unexpected<Error> no_saved_sequences() {
  return make_error(ErrorCode::kUnsupported,
                    "a backend keeps keys and values to itself, so sequences are neither saved nor "
                    "restored; use --backend cpu");
}

}  // namespace

struct Engine::State {
  State(std::unique_ptr<OpenedModel> opened, HyperParameters read, Weights loaded,
        const EngineOptions& options, const KernelTable* kernels, std::int64_t positions,
        const MemoryPlan& memory)
      : model(std::move(opened)),
        parameters(std::move(read)),
        weights(std::move(loaded)),
        context(positions),
        plan(memory),
        team(options.threads),
        pool(kv_shape(options, parameters), memory.cache_positions / kKvPagePositions),
        pass(parameters, weights, kernels, team,
             {.context = positions,
              .micro_batch = options.micro_batch,
              .pass_tokens = memory.pass_tokens,
              .has_cache_of_one_layer = options.cache_life == CacheLife::kOneCall}) {}

  std::unique_ptr<OpenedModel> model;  // streamed weights point to it
  HyperParameters parameters;
  Weights weights;
  std::int64_t context;
  MemoryPlan plan;
  WorkerTeam team;
  KvPool pool;
  ForwardPass pass;
  std::unique_ptr<Backend> backend;  // computes instead of `pass`, which then has no weights
  std::vector<float> logits;         // of the last call
  std::string fingerprint;           // made when it is first asked for
  std::vector<std::string> warnings;
};

Result<std::unique_ptr<Engine>> Engine::open(const std::filesystem::path& path,
                                             const EngineOptions& options,
                                             const CancelToken& cancel, Progress& progress) {
  PJ_TRY(check_options(options));
  const KernelTable* kernels =
      options.kernels == nullptr ? PJ_TRY(select_kernels()) : options.kernels;
  const std::uint64_t memory =
      options.memory_limit_bytes > 0 ? options.memory_limit_bytes : available_memory_bytes();
  const ArtifactChoice choice = PJ_TRY(choose_artifact(path, options.gguf_type, memory));
  auto model = std::make_unique<OpenedModel>(PJ_TRY(open_model_path(choice.path)));
  HyperParameters parameters = PJ_TRY(read_hyper_parameters(*model));
  const std::int64_t context =
      options.context > 0 ? options.context : std::min(parameters.context_length, kDefaultContext);
  WeightLoader loader = PJ_TRY(WeightLoader::plan(*model, parameters, kernels));
  const MemoryPlan plan = PJ_TRY(plan_memory(
      memory_needs(parameters, options, context, loader.sizes(), memory), model->source.path));
  Weights weights;
  if (options.backend.empty()) {
    weights =
        PJ_TRY(plan.layer_buffers == 0
                   ? loader.load(options.threads, cancel, progress)
                   : loader.load_streamed(plan.layer_buffers, options.threads, cancel, progress));
  }
  auto state = std::make_unique<State>(std::move(model), std::move(parameters), std::move(weights),
                                       options, kernels, context, plan);
  if (!options.backend.empty()) {
    state->backend = PJ_TRY(Backend::open(options.backend, *state->model, state->parameters,
                                          context, cancel, progress));
  }
  state->warnings = state->model->warnings;
  if (context > state->parameters.context_length) {
    state->warnings.push_back(
        fmt::format("the context of {} is more than the {} the model was trained for; long texts "
                    "may get worse",
                    context, state->parameters.context_length));
  }
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

const HyperParameters& Engine::parameters() const { return state_->parameters; }
const OpenedModel& Engine::model() const { return *state_->model; }
std::int64_t Engine::context() const { return state_->context; }
int Engine::threads() const { return state_->team.thread_count(); }
std::string Engine::backend() const {
  return state_->backend ? state_->backend->description() : "cpu";
}
std::uint64_t Engine::weight_bytes() const {
  return state_->backend ? state_->backend->weight_bytes() : state_->weights.memory_bytes();
}
bool Engine::has_streamed_layers() const { return state_->weights.stream != nullptr; }
std::int64_t Engine::tokens_per_pass() const { return state_->plan.pass_tokens; }
std::int64_t Engine::layers_read() const {
  return has_streamed_layers() ? state_->weights.stream->layers_begun() : 0;
}
TokenCost Engine::cost_of_token() const {
  return pajamas::cost_of_token(state_->parameters, state_->weights);
}
const std::vector<std::string>& Engine::warnings() const { return state_->warnings; }
Sequence Engine::new_sequence() { return Sequence(state_->pool); }

void Engine::set_observer(LinearObserver observer) {
  state_->pass.set_observer(std::move(observer));
}

Status Engine::forward(std::span<const BatchToken> batch, const OutputSink& sink,
                       const CancelToken& cancel) {
  return state_->backend ? state_->backend->run(batch, sink, cancel)
                         : state_->pass.run(batch, sink, cancel);
}

Result<std::span<const float>> Engine::prefill(Sequence& sequence,
                                               std::span<const std::int32_t> tokens,
                                               const CancelToken& cancel) {
  if (tokens.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "there are no tokens to start from; give a prompt");
  }
  std::vector<BatchToken> batch;
  for (const std::int32_t token : tokens) batch.push_back({&sequence, token});
  batch.back().output = TokenOutput::kLogits;
  const OutputSink keep = [this](std::size_t, std::span<const float> values) {
    state_->logits.assign(values.begin(), values.end());
  };
  PJ_TRY(forward(batch, keep, cancel));
  return state_->logits;
}

Result<std::span<const float>> Engine::prefill_from_common_start(
    Sequence& sequence, std::span<const std::int32_t> tokens, const CancelToken& cancel) {
  const auto known = sequence.tokens();
  const auto differ = std::ranges::mismatch(known, tokens);
  // The last token is always computed: its logits are wanted.
  const auto common = std::min<std::int64_t>(differ.in1 - known.begin(),
                                             static_cast<std::int64_t>(tokens.size()) - 1);
  if (tokens.empty()) return prefill(sequence, tokens, cancel);
  sequence.truncate(common);
  return prefill(sequence, tokens.subspan(static_cast<std::size_t>(common)), cancel);
}

Result<std::span<const float>> Engine::decode(std::span<const NextToken> next,
                                              const CancelToken& cancel) {
  std::vector<BatchToken> batch;
  for (const auto& [sequence, token] : next) {
    batch.push_back({sequence, token, TokenOutput::kLogits});
  }
  const auto vocab = static_cast<std::size_t>(state_->parameters.vocab);
  state_->logits.resize(next.size() * vocab);
  const OutputSink keep = [&](std::size_t index, std::span<const float> values) {
    std::ranges::copy(values, state_->logits.begin() + static_cast<std::ptrdiff_t>(index * vocab));
  };
  PJ_TRY(forward(batch, keep, cancel));
  return state_->logits;
}

Status Engine::shift_context(Sequence& sequence, std::int64_t keep, const CancelToken& cancel) {
  const std::int64_t old = sequence.length() - keep;
  if (keep < 0 || old < 2) {
    return make_error(
        ErrorCode::kInvalidArgument,
        "the context of {} tokens cannot be shifted while {} are kept; keep fewer, or "
        "give a larger --context",
        sequence.length(), keep);
  }
  const auto later = sequence.tokens().subspan(static_cast<std::size_t>(keep + old / 2));
  const std::vector<std::int32_t> again(later.begin(), later.end());
  sequence.truncate(keep);
  std::vector<BatchToken> batch;
  for (const std::int32_t token : again) batch.push_back({&sequence, token});
  return forward(batch, [](std::size_t, std::span<const float>) {}, cancel);
}

Status Engine::save(const Sequence& sequence, const std::filesystem::path& path) {
  if (state_->backend) return no_saved_sequences();
  if (state_->fingerprint.empty()) {
    state_->fingerprint = PJ_TRY(fingerprint_of(*state_->model, state_->pool.shape()));
  }
  return save_sequence(sequence, state_->fingerprint, path);
}

Result<Sequence> Engine::restore(const std::filesystem::path& path) {
  if (state_->backend) return no_saved_sequences();
  if (state_->fingerprint.empty()) {
    state_->fingerprint = PJ_TRY(fingerprint_of(*state_->model, state_->pool.shape()));
  }
  return restore_sequence(state_->pool, state_->fingerprint, state_->context,
                          state_->parameters.vocab, path);
}

}  // namespace pajamas
