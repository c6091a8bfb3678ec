// SPDX-License-Identifier: Apache-2.0
// From a chat request to the jobs that answer it; shared by the endpoints that take messages.
#pragma once

#include "serve/answer_run.h"
#include "serve/api/api_result.h"
#include "serve/api/chat_request.h"
#include "serve/served_model.h"

namespace pajamas {

// The prompt's text and tokens.
ApiResult<std::string> render_chat(const ServedModel& model, const ChatRequest& request);
ApiResult<std::vector<std::int32_t>> tokenize_chat(const ServedModel& model,
                                                   const std::string& prompt);

// `format`: where the request names none.
ApiResult<AnswerPlan> plan_chat(const ServedModel& model, const ChatRequest& request,
                                ReasoningFormat format);

}  // namespace pajamas
