// SPDX-License-Identifier: Apache-2.0
// A model as the endpoints see it: text to tokens, messages to a prompt, prompts to answers.
//
// The seam between the HTTP API and the engine: EngineModel is the real one, and
// testing/scripted_model.h a fake with a script. All functions may be called from any number
// of threads; generate() and embed() block their caller until the work is done or cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "sampling/sampler_options.h"

namespace pajamas {

class Grammar;

struct ServedModelInfo {
  std::string id;
  std::int64_t created_s = 0;  // since 1970
  std::int64_t context = 0;
  std::int32_t vocab_size = 0;
  std::int64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
  bool has_chat_template = false;
  bool has_control_thoughts = false;  // the tags of its thoughts are control tokens
  bool has_named_calls = false;       // it writes calls as a name and arguments
};

struct GenerationJob {
  std::vector<std::int32_t> prompt;
  SamplerOptions sampling{};
  std::vector<std::string> stop{};
  std::int64_t max_tokens = 0;  // 0: as many as the context holds
  // Shared with the other jobs of the same request; null: anything may be said.
  std::shared_ptr<const Grammar> grammar{};
  // Followed only from where a call of a tool begins to its end, see CallWatch. Shared likewise.
  std::shared_ptr<const Grammar> call_grammar{};
  // By tool: of calls that are written as a name and arguments.
  std::map<std::string, std::shared_ptr<const Grammar>> argument_grammars{};
  // All of them count only behind this text, the end of a thought that the prompt began; "": at
  // once.
  std::string grammar_after{};
  bool ignore_end = false;    // goes on behind end-of-generation tokens
  bool show_control = false;  // the text shows control tokens, as calls and thoughts have some
};

// What a model is busy with.
struct ModelLoad {
  int running = 0;  // texts
  int waiting = 0;
  std::int64_t used_blocks = 0;  // of the cache, those kept for later texts too
  std::int64_t max_blocks = 0;
};

struct TokenChoice {
  std::int32_t id = 0;
  std::string piece{};  // its bytes, perhaps a part of a character
  float logprob = 0.0F;
};

// What a job gives, step by step. The first step has neither text nor token: the job was accepted.
struct GenerationStep {
  std::size_t job = 0;
  std::string text{};  // valid UTF-8 that may be shown now; often empty
  // The token behind this step; absent for text that was only held back.
  std::optional<TokenChoice> token{};
  std::vector<TokenChoice> top{};  // when asked for by the sampling options
  enum class End : std::uint8_t { kNo, kStop, kLength } end = End::kNo;
  std::string stop_text{};         // the stop string that ended it, if one did
  std::int64_t cached_tokens = 0;  // of the prompt, on the last step
};

using StepSink = std::function<Status(const GenerationStep&)>;

struct PromptOptions {
  Json tools{};                     // null: none
  Json variables = Json::object();  // chat_template_kwargs
  bool add_generation_prompt = true;
};

struct TokenizeOptions {
  bool add_special = true;
  bool parse_special = true;
  // What render() gave: it says all special tokens itself, but for the one that begins a text.
  bool is_rendered_chat = false;
};

class ServedModel {
 public:
  virtual ~ServedModel() = default;

  [[nodiscard]] virtual const ServedModelInfo& info() const = 0;
  virtual Result<std::vector<std::int32_t>> tokenize(std::string_view text,
                                                     const TokenizeOptions& options) const = 0;
  virtual std::string detokenize(std::span<const std::int32_t> ids) const = 0;
  // kInvalidArgument: the template refuses these messages.
  virtual Result<std::string> render(const Json& messages, const PromptOptions& options) const = 0;

  // Runs all jobs, side by side as far as there is room, and calls `sink` on this thread. Ends
  // early with the sink's error, or with kCancelled. Prompts are checked against the context
  // (kInvalidArgument); kNoSpace: more waits already than may.
  virtual Status generate(std::span<const GenerationJob> jobs, const StepSink& sink,
                          const CancelToken& cancel) = 0;

  // Now. For the metrics.
  [[nodiscard]] virtual ModelLoad load() const = 0;

  // One vector of length 1 per prompt.
  virtual Result<std::vector<std::vector<float>>> embed(
      std::span<const std::vector<std::int32_t>> prompts, const CancelToken& cancel) = 0;
};

}  // namespace pajamas
