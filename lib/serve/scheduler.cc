// SPDX-License-Identifier: Apache-2.0
#include "serve/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace pajamas {
namespace {

// Beginnings shorter than this are computed again: finding and copying them costs as much.
constexpr std::int64_t kMinSharedTokens = 8;
// A text waits for another one's prompt when that saves it at least this much.
constexpr std::int64_t kMinTokensToWaitFor = 32;

std::int64_t common_prefix(std::span<const std::int32_t> left,
                           std::span<const std::int32_t> right) {
  const auto ends = std::ranges::mismatch(left, right);
  return ends.in1 - left.begin();
}

std::int64_t blocks_of(std::int64_t tokens) {
  return (tokens + kKvPagePositions - 1) / kKvPagePositions;
}

}  // namespace

Scheduler::Scheduler(BatchModel model, const SchedulerOptions& options)
    : model_(std::move(model)), options_(options), pool_(&model_.new_sequence().pool()) {
  load_.max_blocks = pool_->max_blocks();
  thread_ = std::thread([this] { run(); });
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stop_.cancel();
  }
  wake_.notify_all();
  thread_.join();
}

Status Scheduler::submit(std::vector<BatchJob> jobs) {
  for (const BatchJob& job : jobs) {
    const auto length = static_cast<std::int64_t>(job.prompt.size());
    if (length == 0) return make_error(ErrorCode::kInvalidArgument, "the prompt has no tokens");
    const std::int64_t least = length + (job.on_hidden ? 0 : 1);
    if (least > model_.context || blocks_for(job) > pool_->max_blocks()) {
      return make_error(ErrorCode::kInvalidArgument,
                        "the prompt has {} tokens and the context holds {}", length,
                        std::min(model_.context, pool_->max_blocks() * kKvPagePositions));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (stop_.is_cancelled()) return make_error(ErrorCode::kCancelled, "the server is stopping");
    const std::size_t places = static_cast<std::size_t>(options_.max_waiting) +
                               static_cast<std::size_t>(options_.parallel - load_.running);
    if (waiting_.size() + jobs.size() > places) {
      return make_error(ErrorCode::kNoSpace,
                        "{} requests wait for the model already; try again later", waiting_.size());
    }
    std::ranges::move(jobs, std::back_inserter(waiting_));
    load_.waiting = static_cast<int>(waiting_.size());
  }
  wake_.notify_all();
  return {};
}

ModelLoad Scheduler::load() const {
  const std::lock_guard lock(mutex_);
  return load_;
}

void Scheduler::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock,
                 [&] { return stop_.is_cancelled() || !waiting_.empty() || !running_.empty(); });
      if (stop_.is_cancelled()) break;
    }
    admit();
    step();
    end_finished();
  }
  const auto cancelled = [] { return make_error(ErrorCode::kCancelled, "the server is stopping"); };
  for (Running& running : running_) running.ended = cancelled();
  end_finished();
  cached_.clear();
  const std::lock_guard lock(mutex_);
  for (BatchJob& job : waiting_) job.on_end(cancelled(), 0);
  waiting_.clear();
}

std::int64_t Scheduler::blocks_for(const BatchJob& job) const {
  const auto length = static_cast<std::int64_t>(job.prompt.size());
  return blocks_of(
      std::min(length + std::max<std::int64_t>(job.max_new_tokens, 0), model_.context));
}

void Scheduler::admit() {
  while (true) {
    std::optional<BatchJob> job;
    {
      const std::lock_guard lock(mutex_);
      // Those whose client has gone leave the line, wherever they stand.
      std::deque<BatchJob> gone;
      const auto left =
          std::stable_partition(waiting_.begin(), waiting_.end(),
                                [](const BatchJob& waiting) { return !waiting.is_cancelled(); });
      std::move(left, waiting_.end(), std::back_inserter(gone));
      waiting_.erase(left, waiting_.end());
      for (BatchJob& cancelled : gone) {
        cancelled.on_end(make_error(ErrorCode::kCancelled, "the client has gone"), 0);
      }
      const bool has_place = running_.size() < static_cast<std::size_t>(options_.parallel);
      const auto next = std::ranges::find_if(
          waiting_, [&](const BatchJob& waiting) { return !should_wait_for_prompt(waiting); });
      if (has_place && next != waiting_.end() &&
          reserved_blocks_ + blocks_for(*next) <= pool_->max_blocks()) {
        job = std::move(*next);
        waiting_.erase(next);
      }
      load_.waiting = static_cast<int>(waiting_.size());
      load_.running = static_cast<int>(running_.size()) + (job ? 1 : 0);
    }
    if (!job) return;
    start(std::move(*job));
  }
}

// Whether a running text is just reading what this one would read too. Choices of one request are
// such: the prompt is then computed once, and the others fork it.
bool Scheduler::should_wait_for_prompt(const BatchJob& job) const {
  if (job.on_hidden) return false;
  return std::ranges::any_of(running_, [&](const Running& running) {
    if (!running.is_reading_prompt() || running.job.on_hidden) return false;
    const std::int64_t shared = common_prefix(running.job.prompt, job.prompt);
    return shared - running.sequence.length() >= kMinTokensToWaitFor;
  });
}

void Scheduler::start(BatchJob job) {
  std::int64_t cached_tokens = 0;
  Sequence sequence = begin_sequence(job, cached_tokens);
  const std::int64_t blocks = blocks_for(job);
  reserved_blocks_ += blocks;
  running_.push_back({.job = std::move(job),
                      .sequence = std::move(sequence),
                      .cached_tokens = cached_tokens,
                      .blocks = blocks});
}

// A sequence that has as much of the prompt as another one knows already. The last token is always
// computed, because its output is wanted.
Sequence Scheduler::begin_sequence(const BatchJob& job, std::int64_t& cached_tokens) {
  if (job.on_hidden) return model_.new_sequence();
  const std::span<const std::int32_t> prompt(job.prompt.data(), job.prompt.size() - 1);
  const Sequence* best = nullptr;
  std::int64_t best_tokens = kMinSharedTokens - 1;
  std::list<Cached>::iterator owner = cached_.end();
  for (auto entry = cached_.begin(); entry != cached_.end(); ++entry) {
    const std::int64_t shared = common_prefix(entry->sequence.tokens(), prompt);
    if (shared <= best_tokens) continue;
    best_tokens = shared;
    best = &entry->sequence;
    owner = entry;
  }
  for (const Running& running : running_) {
    const std::int64_t shared = common_prefix(running.sequence.tokens(), prompt);
    if (shared <= best_tokens) continue;
    best_tokens = shared;
    best = &running.sequence;
    owner = cached_.end();
  }
  if (best == nullptr) return model_.new_sequence();
  if (owner != cached_.end()) owner->last_use = ++uses_;
  auto sequence = best->fork(best_tokens);
  if (!sequence) return model_.new_sequence();
  cached_tokens = best_tokens;
  return std::move(*sequence);
}

void Scheduler::step() {
  for (Running& running : running_) {
    if (running.job.is_cancelled()) {
      running.ended = make_error(ErrorCode::kCancelled, "the client has gone");
    }
  }
  std::vector<BatchToken> batch;
  std::vector<Running*> owners;
  compose(batch, owners);
  if (batch.empty()) return;
  make_room(batch);
  const auto sink = [&](std::size_t index, std::span<const float> values) {
    take_output(*owners[index], values);
  };
  const Status status = model_.forward(batch, sink, stop_);
  if (status) return;
  for (Running* running : owners) {
    if (!running->ended) running->ended = status;
  }
}

void Scheduler::compose(std::vector<BatchToken>& batch, std::vector<Running*>& owners) {
  std::vector<Running*> reading;
  for (Running& running : running_) {
    if (running.ended) continue;
    if (running.is_reading_prompt()) {
      reading.push_back(&running);
    } else {
      PJ_CHECK(running.pending);
      batch.push_back({&running.sequence, *running.pending, TokenOutput::kLogits});
      owners.push_back(&running);
      running.pending.reset();
    }
  }
  if (reading.empty()) return;
  const std::int64_t budget = batch.empty() ? options_.prompt_tokens : options_.shared_tokens;
  for (const auto& [running, share] : share_out(reading, budget)) {
    append_prompt(*running, share, batch, owners);
  }
}

// Half of the budget is for the prompt that came first, so that none waits for ever; the rest is
// for those that are soonest complete, so that a short prompt does not wait for long ones. What one
// does not need goes to the next.
std::vector<std::pair<Scheduler::Running*, std::int64_t>> Scheduler::share_out(
    std::vector<Running*> reading, std::int64_t budget) {
  const auto rest_of = [](const Running* running) {
    return static_cast<std::int64_t>(running->job.prompt.size()) - running->sequence.length();
  };
  Running* first = reading.front();
  const std::int64_t kept = std::min(rest_of(first), (budget + 1) / 2);
  std::ranges::stable_sort(reading, {}, rest_of);
  std::vector<std::pair<Running*, std::int64_t>> shares;
  std::int64_t left = budget - kept;
  std::int64_t of_first = kept;
  for (Running* running : reading) {
    const std::int64_t own = running == first ? kept : 0;
    const std::int64_t share = std::min(rest_of(running) - own, left);
    left -= share;
    if (running == first) {
      of_first += share;
    } else if (share > 0) {
      shares.emplace_back(running, share);
    }
  }
  if (of_first > 0) shares.emplace_back(first, of_first);
  return shares;
}

void Scheduler::append_prompt(Running& running, std::int64_t share, std::vector<BatchToken>& batch,
                              std::vector<Running*>& owners) {
  const std::vector<std::int32_t>& prompt = running.job.prompt;
  const auto begin = static_cast<std::size_t>(running.sequence.length());
  const std::size_t end = std::min(prompt.size(), begin + static_cast<std::size_t>(share));
  for (std::size_t at = begin; at < end; ++at) {
    TokenOutput output = running.job.on_hidden ? TokenOutput::kHidden : TokenOutput::kNothing;
    if (at + 1 == prompt.size() && !running.job.on_hidden) output = TokenOutput::kLogits;
    batch.push_back({&running.sequence, prompt[at], output});
    owners.push_back(&running);
  }
}

void Scheduler::take_output(Running& running, std::span<const float> values) {
  if (running.ended) return;
  if (running.job.on_hidden) {
    running.job.on_hidden(values);
    return;
  }
  auto next = running.job.on_logits(values);
  if (!next) {
    running.ended = std::unexpected(next.error());
  } else if (!*next) {
    running.ended = Status{};
  } else {
    running.pending = **next;
  }
}

void Scheduler::end_finished() {
  for (auto running = running_.begin(); running != running_.end();) {
    const bool is_embedded = running->job.on_hidden && !running->is_reading_prompt();
    if (is_embedded && !running->ended) running->ended = Status{};
    if (!running->ended) {
      ++running;
      continue;
    }
    reserved_blocks_ -= running->blocks;
    running->job.on_end(*running->ended, running->cached_tokens);
    if (!running->job.on_hidden) keep_for_others(std::move(running->sequence));
    running = running_.erase(running);
  }
  const std::lock_guard lock(mutex_);
  load_.running = static_cast<int>(running_.size());
  load_.used_blocks = pool_->used_blocks();
}

void Scheduler::keep_for_others(Sequence sequence) {
  if (sequence.length() < kMinSharedTokens) return;
  // What is the beginning of the new one would never be chosen before it.
  std::erase_if(cached_, [&](const Cached& entry) {
    return entry.sequence.length() <= sequence.length() &&
           common_prefix(entry.sequence.tokens(), sequence.tokens()) == entry.sequence.length();
  });
  cached_.push_back({std::move(sequence), ++uses_});
  if (cached_.size() <= options_.cached_sequences) return;
  cached_.erase(std::ranges::min_element(cached_, {}, &Cached::last_use));
}

void Scheduler::make_room(const std::vector<BatchToken>& batch) {
  // A block more than its tokens fill for each sequence: it may have to copy a shared one.
  std::int64_t needed = 0;
  const Sequence* last = nullptr;
  std::int64_t length = 0;
  for (const BatchToken& token : batch) {
    if (token.sequence != last) {
      last = token.sequence;
      length = token.sequence->length();
      ++needed;
    }
    if (length++ % kKvPagePositions == 0) ++needed;
  }
  while (!cached_.empty() && pool_->max_blocks() - pool_->used_blocks() < needed) {
    cached_.erase(std::ranges::min_element(cached_, {}, &Cached::last_use));
  }
}

}  // namespace pajamas
