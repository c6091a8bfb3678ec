// SPDX-License-Identifier: Apache-2.0
// A ServedModel without a model: every byte is a token, and what it says is scripted.
//
// The answer to a prompt is `answer`, byte by byte, until max_tokens or a stop string; an empty
// answer repeats the prompt. Set the members before the server starts.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sampling/stop_strings.h"
#include "serve/served_model.h"

namespace pajamas::testing_support {

class ScriptedModel : public ServedModel {
 public:
  std::string answer = "Hello there";
  std::string prompt_end = "<assistant>";  // of rendered chats
  std::chrono::milliseconds pause{0};      // before each token
  std::optional<Error> failure{};          // instead of the first token
  std::optional<Error> late_failure{};     // instead of the second token

  // What the last request asked for.
  [[nodiscard]] std::vector<GenerationJob> last_jobs() const {
    const std::lock_guard lock(mutex_);
    return last_jobs_;
  }
  // What the last prompt was rendered from.
  [[nodiscard]] Json last_messages() const {
    const std::lock_guard lock(mutex_);
    return last_messages_;
  }
  [[nodiscard]] PromptOptions last_prompt_options() const {
    const std::lock_guard lock(mutex_);
    return last_prompt_options_;
  }
  [[nodiscard]] int tokens_given() const { return tokens_given_; }
  [[nodiscard]] bool was_cancelled() const { return was_cancelled_; }

  [[nodiscard]] const ServedModelInfo& info() const override { return info_; }

  Result<std::vector<std::int32_t>> tokenize(std::string_view text,
                                             const TokenizeOptions&) const override {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string detokenize(std::span<const std::int32_t> ids) const override {
    std::string text;
    for (const std::int32_t id : ids) text += static_cast<char>(id);
    return text;
  }
  Result<std::string> render(const Json& messages, const PromptOptions& options) const override {
    {
      const std::lock_guard lock(mutex_);
      last_messages_ = messages;
      last_prompt_options_ = options;
    }
    std::string prompt;
    for (const Json& message : messages) {
      if (message["content"] == "refuse me") {
        return make_error(ErrorCode::kInvalidArgument, "the template refuses it");
      }
      prompt +=
          "<" + message["role"].get<std::string>() + ">" + message["content"].get<std::string>();
    }
    if (!options.tools.is_null()) prompt += "<tools>" + options.tools.dump();
    return prompt + prompt_end;
  }

  Status generate(std::span<const GenerationJob> jobs, const StepSink& sink,
                  const CancelToken& cancel) override {
    {
      const std::lock_guard lock(mutex_);
      last_jobs_.assign(jobs.begin(), jobs.end());
    }
    if (failure) return std::unexpected(*failure);
    for (std::size_t job = 0; job < jobs.size(); ++job) PJ_TRY(sink({.job = job}));
    for (std::size_t job = 0; job < jobs.size(); ++job) PJ_TRY(say(jobs[job], job, sink, cancel));
    return {};
  }

  [[nodiscard]] ModelLoad load() const override { return {.running = 1, .max_blocks = 4}; }

  Result<std::vector<std::vector<float>>> embed(std::span<const std::vector<std::int32_t>> prompts,
                                                const CancelToken&) override {
    std::vector<std::vector<float>> vectors;
    for (const auto& prompt : prompts) {
      vectors.push_back({0.6F, 0.8F, static_cast<float>(prompt.size()) * 0.0F});
    }
    return vectors;
  }

 private:
  Status say(const GenerationJob& job, std::size_t index, const StepSink& sink,
             const CancelToken& cancel) {
    const std::string text = answer.empty() ? detokenize(job.prompt) : answer;
    StopStrings stops = PJ_TRY(StopStrings::create(job.stop));
    std::int64_t count = 0;
    for (const char c : text) {
      std::this_thread::sleep_for(pause);
      if (cancel.is_cancelled()) was_cancelled_ = true;
      PJ_TRY(cancel.check());
      if (count == 1 && late_failure) return std::unexpected(*late_failure);
      ++tokens_given_;
      ++count;
      StopStrings::Output shown = stops.push(std::string_view(&c, 1));
      GenerationStep step{.job = index,
                          .text = std::move(shown.text),
                          .token = TokenChoice{static_cast<unsigned char>(c), {c}, -0.5F}};
      for (int top = 0; top < job.sampling.top_logprobs.value_or(0); ++top) {
        step.top.push_back({top, std::string(1, static_cast<char>('a' + top)), -1.0F});
      }
      if (shown.stop) {
        step.end = GenerationStep::End::kStop;
        step.stop_text = job.stop[*shown.stop];
        return sink(step);
      }
      if (count == job.max_tokens) {
        step.text += stops.finish();
        step.end = GenerationStep::End::kLength;
        return sink(step);
      }
      PJ_TRY(sink(step));
    }
    return sink({.job = index, .text = stops.finish(), .end = GenerationStep::End::kStop});
  }

  ServedModelInfo info_{.id = "scripted", .created_s = 1, .context = 4096, .vocab_size = 256};
  mutable std::mutex mutex_;
  std::vector<GenerationJob> last_jobs_;
  mutable Json last_messages_;
  mutable PromptOptions last_prompt_options_;
  std::atomic<int> tokens_given_{0};
  std::atomic<bool> was_cancelled_{false};
};

}  // namespace pajamas::testing_support
