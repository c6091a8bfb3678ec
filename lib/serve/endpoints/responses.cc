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

  Status add(std::size_t, const std::string& text, const std::vector<ToolCall>& calls,
             const GenerationStep&) override {
    if (!text.empty()) {
      if (!in_message_) PJ_TRY(open_message());
      text_ += text;
      PJ_TRY(send("response.output_text.delta",
                  place({{"delta", text}, {"logprobs", Json::array()}})));
    }
    for (const ToolCall& call : calls) {
      PJ_TRY(close_message());
      PJ_TRY(add_call(call));
    }
    return {};
  }

  Status end(std::size_t, const std::string& finish_reason, const std::string&) override {
    if (finish_reason == "length") {
      response_["incomplete_details"] = {{"reason", "max_output_tokens"}};
    }
    return close_message();
  }

  Status finish(const Usage& usage) override {
    const bool is_whole = response_["incomplete_details"].is_null();
    response_["status"] = is_whole ? "completed" : "incomplete";
    response_["usage"] = {{"input_tokens", usage.prompt_tokens},
                          {"input_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
                          {"output_tokens", usage.completion_tokens},
                          {"output_tokens_details", {{"reasoning_tokens", 0}}},
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
  // Where a part of the open message stands.
  [[nodiscard]] Json place(Json more) const {
    Json result{{"item_id", message_id_}, {"output_index", index()}, {"content_index", 0}};
    result.update(more);
    return result;
  }

  Json message_item(const char* status, Json content) const {
    return {{"type", "message"},
            {"id", message_id_},
            {"status", status},
            {"role", "assistant"},
            {"content", std::move(content)}};
  }

  Status open_message() {
    in_message_ = true;
    message_id_ = make_answer_id("msg_");
    text_.clear();
    PJ_TRY(send("response.output_item.added",
                {{"output_index", index()}, {"item", message_item("in_progress", Json::array())}}));
    return send("response.content_part.added", place({{"part", text_part("")}}));
  }

  Status close_message() {
    if (!std::exchange(in_message_, false)) return {};
    PJ_TRY(
        send("response.output_text.done", place({{"text", text_}, {"logprobs", Json::array()}})));
    PJ_TRY(send("response.content_part.done", place({{"part", text_part(text_)}})));
    return finish_item(message_item("completed", Json::array({text_part(text_)})));
  }

  Status add_call(const ToolCall& call) {
    Json item{{"type", "function_call"}, {"id", make_answer_id("fc_")},
              {"call_id", call.id},      {"name", call.name},
              {"arguments", ""},         {"status", "in_progress"}};
    PJ_TRY(send("response.output_item.added", {{"output_index", index()}, {"item", item}}));
    PJ_TRY(send("response.function_call_arguments.delta",
                {{"item_id", item["id"]}, {"output_index", index()}, {"delta", call.arguments}}));
    PJ_TRY(send("response.function_call_arguments.done", {{"item_id", item["id"]},
                                                          {"output_index", index()},
                                                          {"name", call.name},
                                                          {"arguments", call.arguments}}));
    item["arguments"] = call.arguments;
    item["status"] = "completed";
    return finish_item(std::move(item));
  }

  Status finish_item(Json item) {
    const std::size_t at = index();
    response_["output"].push_back(item);
    return send("response.output_item.done", {{"output_index", at}, {"item", std::move(item)}});
  }

  Json response_;
  http::Reply* reply_;  // null: only the whole response is wanted
  std::int64_t sequence_ = 0;
  bool in_message_ = false;
  std::string message_id_;
  std::string text_;
};

ApiResult<Json> respond(const ApiContext& context, const http::Request& request,
                        http::Reply& reply) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const Json chat_body = PJ_TRY(chat_body_of_response(body));
  const ChatRequest chat = PJ_TRY(read_chat_request(chat_body, model->info()));
  const AnswerPlan plan = PJ_TRY(plan_chat(*model, chat));
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
