// SPDX-License-Identifier: Apache-2.0
// Runs many texts through one model at once: continuous batching with a prefix cache.
//
// One thread owns the model. At each step it appends one token to every text that is being
// generated and a share of the prompts that are still being read, so a long prompt delays the
// others by a bounded amount. Texts that begin alike share their cache, and what a finished text
// left in it serves later ones until the room is needed. A text starts only when its longest
// possible end fits into the cache, so nothing has to be thrown out half-way.
//
// submit() may be called from any thread. Callbacks of jobs run on the scheduler's thread and must
// not block. The result of a job does not depend on what runs beside it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "runtime/forward_pass.h"
#include "runtime/sequence.h"
#include "serve/served_model.h"

namespace pajamas {

// What the scheduler needs of an engine. Called on the scheduler's thread only.
struct BatchModel {
  std::function<Sequence()> new_sequence;
  std::function<Status(std::span<const BatchToken>, const OutputSink&, const CancelToken&)> forward;
  std::int64_t context = 0;  // positions of one text
};

struct SchedulerOptions {
  int parallel = 4;                   // texts at once
  int max_waiting = 512;              // texts that wait for a place
  std::int64_t prompt_tokens = 512;   // of all prompts per step when nothing else runs,
  std::int64_t shared_tokens = 64;    // and beside texts that are being generated
  std::size_t cached_sequences = 64;  // that are kept for their beginnings
};

struct BatchJob {
  std::vector<std::int32_t> prompt;  // not empty, shorter than the context
  std::int64_t max_new_tokens = 0;   // on_logits is called at most this often
  // The next token, or nothing when the text is complete. An error ends the job.
  std::function<Result<std::optional<std::int32_t>>(std::span<const float> logits)> on_logits{};
  // Instead of on_logits: gets the hidden state of each token of the prompt.
  std::function<void(std::span<const float> hidden)> on_hidden{};
  // Once, at the end. cached_tokens: of the prompt that did not have to be computed.
  std::function<void(const Status& status, std::int64_t cached_tokens)> on_end;
  std::function<bool()> is_cancelled;  // asked before each step, and while it waits
};

class Scheduler {
 public:
  Scheduler(BatchModel model, const SchedulerOptions& options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  // Ends what runs with kCancelled.
  ~Scheduler();

  // All of them or none. kInvalidArgument for a prompt that does not fit, kNoSpace when too many
  // wait already.
  Status submit(std::vector<BatchJob> jobs);

  [[nodiscard]] ModelLoad load() const;

 private:
  struct Running {
    BatchJob job;
    Sequence sequence;
    std::int64_t cached_tokens = 0;
    std::int64_t blocks = 0;                // of the cache, at its longest
    std::optional<std::int32_t> pending{};  // sampled and not yet appended
    std::optional<Status> ended{};
    [[nodiscard]] bool is_reading_prompt() const {
      return sequence.length() < static_cast<std::int64_t>(job.prompt.size());
    }
  };
  struct Cached {
    Sequence sequence;
    std::uint64_t last_use = 0;
  };

  void run();
  void admit();
  [[nodiscard]] bool should_wait_for_prompt(const BatchJob& job) const;
  void start(BatchJob job);
  Sequence begin_sequence(const BatchJob& job, std::int64_t& cached_tokens);
  void step();
  void compose(std::vector<BatchToken>& batch, std::vector<Running*>& owners);
  static std::vector<std::pair<Running*, std::int64_t>> share_out(std::vector<Running*> reading,
                                                                  std::int64_t budget);
  void append_prompt(Running& running, std::int64_t share, std::vector<BatchToken>& batch,
                     std::vector<Running*>& owners);
  void take_output(Running& running, std::span<const float> values);
  void end_finished();
  void keep_for_others(Sequence sequence);
  void make_room(const std::vector<BatchToken>& batch);
  [[nodiscard]] std::int64_t blocks_for(const BatchJob& job) const;

  BatchModel model_;
  SchedulerOptions options_;
  KvPool* pool_;

  // Of the scheduler's thread.
  std::list<Running> running_;
  std::list<Cached> cached_;
  std::int64_t reserved_blocks_ = 0;
  std::uint64_t uses_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<BatchJob> waiting_;
  ModelLoad load_;
  CancelToken stop_;
  std::thread thread_;
};

}  // namespace pajamas
