// SPDX-License-Identifier: Apache-2.0
// From jobs to the answer of a request, whole or as a stream of events; the same for all endpoints
// that generate.
//
// Runs on the handler's thread and blocks it until the answer is complete or the client is gone.
#pragma once

#include <string>
#include <vector>

#include "http/reply.h"
#include "serve/answer_part.h"
#include "serve/api/answer_json.h"
#include "serve/api/api_result.h"
#include "serve/api/chat_request.h"
#include "serve/metrics.h"
#include "serve/served_model.h"
#include "serve/thinking/thought_splitter.h"

namespace pajamas {

// Who turns the progress of the choices into what the endpoint sends. All calls come from one
// thread, in order.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual Status begin() = 0;  // the jobs were accepted
  // What a step brought, often nothing; `step` has a token when log probabilities are of use.
  virtual Status add(std::size_t choice, const std::vector<AnswerPart>& parts,
                     const GenerationStep& step) = 0;
  // `stop_text`: the stop string that ended it, or "".
  virtual Status end(std::size_t choice, const std::string& finish_reason,
                     const std::string& stop_text) = 0;
  virtual Status finish(const Usage& usage) = 0;
};

struct AnswerPlan {
  std::vector<GenerationJob> jobs;
  Json tools{};                                      // whose calls are looked for; null: none
  ThoughtSplitter thoughts{ReasoningFormat::kNone};  // as each answer begins
  std::int64_t prompts = 1;  // jobs of one prompt stand together; its tokens count once
};

// The error is for the client, unless the sink has begun.
ApiResult<Usage> run_answer(ServedModel& model, const AnswerPlan& plan, AnswerSink& sink,
                            Metrics& metrics, const CancelToken& cancel);

// Chat and completions: the whole answer, or null when it went out as a stream.
struct AnswerOptions {
  AnswerShape shape = AnswerShape::kChat;
  bool with_logprobs = false;
  StreamFields stream{};
  std::vector<std::string> echo{};  // stands before the text of each choice
};
ApiResult<Json> answer_request(ServedModel& model, const AnswerPlan& plan,
                               const AnswerOptions& options, Metrics& metrics, http::Reply& reply);

}  // namespace pajamas
