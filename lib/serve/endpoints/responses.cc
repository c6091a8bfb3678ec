// SPDX-License-Identifier: Apache-2.0
// POST /v1/responses, without memory between requests.
#include <chrono>
#include <utility>

#include "serve/answer_run.h"
#include "serve/api/responses_body.h"
#include "serve/chat_plan.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

// The response object as it stands before the answer. What the client sent comes back in it.
Json new_response(const std::string& model, const Json& body) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto echo = [&](const char* key, Json otherwise) {
    const Json* value = find_member(body, key);
    return value != nullptr ? *value : std::move(otherwise);
  };
  return {{"id", make_answer_id("resp_")},
          {"object", "response"},
          {"created_at", std::chrono::duration_cast<std::chrono::seconds>(now).count()},
          {"status", "in_progress"},
          {"background", false},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", echo("instructions", nullptr)},
          {"max_output_tokens", echo("max_output_tokens", nullptr)},
          {"model", model},
          {"output", Json::array()},
          {"parallel_tool_calls", echo("parallel_tool_calls", true)},
          {"previous_response_id", nullptr},
          {"reasoning", echo("reasoning", {{"effort", nullptr}, {"summary", nullptr}})},
          {"store", false},
          {"temperature", echo("temperature", 1.0)},
          {"text", echo("text", {{"format", {{"type", "text"}}}})},
          {"tool_choice", echo("tool_choice", "auto")},
          {"tools", echo("tools", Json::array())},
          {"top_p", echo("top_p", 1.0)},
          {"truncation", "disabled"},
          {"usage", nullptr},
          {"user", nullptr},
          {"metadata", echo("metadata", Json::object())}};
}

Json text_part(const std::string& text) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", Json::array()},
          {"logprobs", Json::array()}};
}

// Builds the output items and, when there is a reply, says so as it goes.
class ResponseSink : public AnswerSink {
 public:
  ResponseSink(Json response, http::Reply* reply) : response_(std::move(response)), reply_(reply) {}

  [[nodiscard]] const Json& response() const { return response_; }

  Status begin() override {
    if (reply_ == nullptr) return {};
    PJ_TRY(reply_->begin_events());
    PJ_TRY(send("response.created", {{"response", response_}}));
    return send("response.in_progress", {{"response", response_}});
  }

  Status add(std::size_t, const std::vector<AnswerPart>& parts, const GenerationStep&) override {
    for (const AnswerPart& part : parts) {
      if (part.kind == AnswerPart::Kind::kCall) {
        PJ_TRY(open_item(item_of(part)));
        continue;
      }
      const bool is_arguments = part.kind == AnswerPart::Kind::kArguments;
      const char* type = part.kind == AnswerPart::Kind::kThought ? "reasoning" : "message";
      if (!is_arguments && (item_.is_null() || item_["type"] != type)) {
        PJ_TRY(open_item(item_of(part)));
      }
      text_ += part.text;
      PJ_TRY(send_delta(part.text));
    }
    return {};
  }

  Status end(std::size_t, const std::string& finish_reason, const std::string&) override {
    if (finish_reason == "length") {
      response_["incomplete_details"] = {{"reason", "max_output_tokens"}};
    }
    return close_item();
  }

  Status finish(const Usage& usage) override {
    const bool is_whole = response_["incomplete_details"].is_null();
    response_["status"] = is_whole ? "completed" : "incomplete";
    response_["usage"] = {{"input_tokens", usage.prompt_tokens},
                          {"input_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
                          {"output_tokens", usage.completion_tokens},
                          {"output_tokens_details", {{"reasoning_tokens", usage.thought_tokens}}},
                          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
    return send(is_whole ? "response.completed" : "response.incomplete", {{"response", response_}});
  }

  Status fail(const http::ErrorBody& error) {
    response_["status"] = "failed";
    response_["error"] = {{"code", "server_error"}, {"message", error.message}};
    return send("response.failed", {{"response", response_}});
  }

 private:
  Status send(const std::string& type, Json event) {
    if (reply_ == nullptr) return {};
    Json whole{{"type", type}, {"sequence_number", sequence_++}};
    whole.update(event);
    return reply_->write_event(http::dump_json(whole), type);
  }
  [[nodiscard]] std::size_t index() const { return response_["output"].size(); }
  // Where a part of the open item stands.
  [[nodiscard]] Json place(Json more) const {
    Json result{{"item_id", item_["id"]}, {"output_index", index()}};
    if (item_["type"] != "function_call") result["content_index"] = 0;
    result.update(more);
    return result;
  }

  // The item that a part begins, still empty.
  static Json item_of(const AnswerPart& part) {
    if (part.kind == AnswerPart::Kind::kCall) {
      return {{"type", "function_call"}, {"id", make_answer_id("fc_")},
              {"call_id", part.call_id}, {"name", part.tool},
              {"arguments", ""},         {"status", "in_progress"}};
    }
    if (part.kind == AnswerPart::Kind::kThought) {
      return {{"type", "reasoning"},
              {"id", make_answer_id("rs_")},
              {"summary", Json::array()},
              {"content", Json::array()},
              {"status", "in_progress"}};
    }
    return {{"type", "message"},
            {"id", make_answer_id("msg_")},
            {"status", "in_progress"},
            {"role", "assistant"},
            {"content", Json::array()}};
  }

  // What the text of the open item goes into; null: a call's arguments have no part.
  [[nodiscard]] Json part_of(const std::string& text) const {
    if (item_["type"] == "message") return text_part(text);
    if (item_["type"] == "reasoning") return {{"type", "reasoning_text"}, {"text", text}};
    return {};
  }

  Status open_item(Json item) {
    PJ_TRY(close_item());
    item_ = std::move(item);
    text_.clear();
    PJ_TRY(send("response.output_item.added", {{"output_index", index()}, {"item", item_}}));
    if (item_["type"] == "function_call") return {};
    return send("response.content_part.added", place({{"part", part_of("")}}));
  }

  Status send_delta(const std::string& text) {
    if (item_["type"] == "function_call") {
      return send("response.function_call_arguments.delta", place({{"delta", text}}));
    }
    if (item_["type"] == "reasoning") {
      return send("response.reasoning_text.delta", place({{"delta", text}}));
    }
    return send("response.output_text.delta",
                place({{"delta", text}, {"logprobs", Json::array()}}));
  }

  Status close_item() {
    if (item_.is_null()) return {};
    item_["status"] = "completed";
    if (item_["type"] == "function_call") {
      item_["arguments"] = text_;
      PJ_TRY(send("response.function_call_arguments.done",
                  place({{"name", item_["name"]}, {"arguments", text_}})));
    } else {
      const bool is_message = item_["type"] == "message";
      Json done{{"text", text_}};
      if (is_message) done["logprobs"] = Json::array();
      PJ_TRY(send(is_message ? "response.output_text.done" : "response.reasoning_text.done",
                  place(std::move(done))));
      PJ_TRY(send("response.content_part.done", place({{"part", part_of(text_)}})));
      item_["content"].push_back(part_of(text_));
    }
    const std::size_t at = index();
    Json item = std::exchange(item_, nullptr);
    response_["output"].push_back(item);
    return send("response.output_item.done", {{"output_index", at}, {"item", std::move(item)}});
  }

  Json response_;
  http::Reply* reply_;  // null: only the whole response is wanted
  std::int64_t sequence_ = 0;
  Json item_{};       // the one that is open; null: none
  std::string text_;  // its text or arguments so far
};

ApiResult<Json> respond(const ApiContext& context, const http::Request& request,
                        http::Reply& reply) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const Json chat_body = PJ_TRY(chat_body_of_response(body));
  const ChatRequest chat = PJ_TRY(read_chat_request(chat_body, model->info()));
  const AnswerPlan plan = PJ_TRY(plan_chat(*model, chat, context.reasoning_format));
  ResponseSink sink(new_response(model->info().id, body), chat.stream.stream ? &reply : nullptr);
  const auto usage = run_answer(*model, plan, sink, context.metrics, reply.cancel());
  if (!usage && !reply.has_begun()) return std::unexpected(usage.error());
  if (!usage) static_cast<void>(sink.fail(usage.error()));
  return sink.response();
}

}  // namespace

void add_response_routes(http::Router& router, const ApiContext& context) {
  for (const char* pattern : {"/v1/responses", "/responses"}) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = json_handler([context](const auto& request, auto& reply) {
                  return respond(context, request, reply);
                })});
  }
}

}  // namespace pajamas
