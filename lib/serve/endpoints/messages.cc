// SPDX-License-Identifier: Apache-2.0
// POST /v1/messages and /v1/messages/count_tokens, Anthropic's API.
#include <optional>
#include <utility>

#include "serve/answer_run.h"
#include "serve/api/messages_body.h"
#include "serve/chat_plan.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

Json error_body(const http::ErrorBody& error) {
  Json json{{"type", "error"}};
  json.update(http::error_json(error));
  return json;
}

std::string stop_reason_of(const std::string& finish_reason, const std::string& stop_text) {
  if (finish_reason == "length") return "max_tokens";
  if (finish_reason == "tool_calls") return "tool_use";
  return stop_text.empty() ? "end_turn" : "stop_sequence";
}

Json tool_use_json(const ToolCall& call) {
  // What a model wrote as arguments may be no JSON; the API knows objects only.
  auto input = parse_json(call.arguments, "arguments", {});
  return {{"type", "tool_use"},
          {"id", call.id},
          {"name", call.name},
          {"input", input && input->is_object() ? std::move(*input) : Json::object()}};
}

// There is nobody to check a signature; clients want one to be there.
Json thinking_json(const std::string& text) {
  return {{"type", "thinking"}, {"thinking", text}, {"signature", ""}};
}

Json usage_of_message(const Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens - usage.cached_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.cached_tokens},
          {"output_tokens", usage.completion_tokens}};
}

Json message_json(const std::string& model) {
  return {{"id", make_answer_id("msg_")}, {"type", "message"},
          {"role", "assistant"},          {"model", model},
          {"content", Json::array()},     {"stop_reason", nullptr},
          {"stop_sequence", nullptr},     {"usage", usage_of_message({})}};
}

class WholeMessage : public AnswerSink {
 public:
  explicit WholeMessage(const std::string& model) : message_(message_json(model)) {}
  Status begin() override { return {}; }
  Status add(std::size_t, const std::vector<AnswerPart>& parts, const GenerationStep&) override {
    for (const AnswerPart& part : parts) result_.add(part);
    return {};
  }
  Status end(std::size_t, const std::string& finish_reason, const std::string& stop) override {
    message_["stop_reason"] = stop_reason_of(finish_reason, stop);
    if (!stop.empty()) message_["stop_sequence"] = stop;
    return {};
  }
  Status finish(const Usage& usage) override {
    Json& content = message_["content"];
    if (!result_.thought.empty()) content.push_back(thinking_json(result_.thought));
    if (!result_.text.empty()) content.push_back({{"type", "text"}, {"text", result_.text}});
    for (const ToolCall& call : result_.tool_calls) content.push_back(tool_use_json(call));
    message_["usage"] = usage_of_message(usage);
    return {};
  }
  [[nodiscard]] const Json& message() const { return message_; }

 private:
  Json message_;
  ChoiceResult result_;
};

class StreamedMessage : public AnswerSink {
 public:
  StreamedMessage(const std::string& model, std::int64_t prompt_tokens, http::Reply& reply)
      : message_(message_json(model)), reply_(reply) {
    message_["usage"] = usage_of_message({.prompt_tokens = prompt_tokens});
  }
  Status begin() override {
    PJ_TRY(reply_.begin_events());
    PJ_TRY(send({{"type", "message_start"}, {"message", message_}}));
    return send({{"type", "ping"}});
  }
  Status add(std::size_t, const std::vector<AnswerPart>& parts, const GenerationStep&) override {
    for (const AnswerPart& part : parts) PJ_TRY(add_part(part));
    return {};
  }
  Status end(std::size_t, const std::string& finish_reason, const std::string& stop) override {
    stop_reason_ = stop_reason_of(finish_reason, stop);
    stop_ = stop;
    return close_block();
  }
  Status finish(const Usage& usage) override {
    PJ_TRY(send(
        {{"type", "message_delta"},
         {"delta",
          {{"stop_reason", stop_reason_}, {"stop_sequence", stop_.empty() ? Json() : Json(stop_)}}},
         {"usage", usage_of_message(usage)}}));
    return send({{"type", "message_stop"}});
  }

 private:
  Status send(const Json& event) {
    return reply_.write_event(http::dump_json(event), event["type"].get<std::string>());
  }
  Status add_part(const AnswerPart& part) {
    switch (part.kind) {
      case AnswerPart::Kind::kText:
        PJ_TRY(open_block(part.kind, {{"type", "text"}, {"text", ""}}));
        return send_delta({{"type", "text_delta"}, {"text", part.text}});
      case AnswerPart::Kind::kThought:
        PJ_TRY(open_block(part.kind, thinking_json("")));
        return send_delta({{"type", "thinking_delta"}, {"thinking", part.text}});
      case AnswerPart::Kind::kCall:
        return open_block(part.kind, tool_use_json({part.call_id, part.tool, "{}"}));
      case AnswerPart::Kind::kArguments:
        return send_delta({{"type", "input_json_delta"}, {"partial_json", part.text}});
    }
    return {};
  }
  Status send_delta(Json delta) {
    return send({{"type", "content_block_delta"}, {"index", block_}, {"delta", std::move(delta)}});
  }
  // Each call of a tool has a block of its own; other kinds go on with the one that is open.
  Status open_block(AnswerPart::Kind kind, Json block) {
    if (open_ == kind && kind != AnswerPart::Kind::kCall) return {};
    PJ_TRY(close_block());
    open_ = kind;
    return send(
        {{"type", "content_block_start"}, {"index", block_}, {"content_block", std::move(block)}});
  }
  Status close_block() {
    if (!std::exchange(open_, std::nullopt)) return {};
    return send({{"type", "content_block_stop"}, {"index", block_++}});
  }

  Json message_;
  http::Reply& reply_;
  std::int64_t block_ = 0;
  std::optional<AnswerPart::Kind> open_{};  // of the block
  std::string stop_reason_;
  std::string stop_;
};

ApiResult<Json> answer(const ApiContext& context, const http::Request& request,
                       http::Reply& reply) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const Json chat_body = PJ_TRY(chat_body_of_messages(body));
  const ChatRequest chat = PJ_TRY(read_chat_request(chat_body, model->info()));
  if (chat.sampling.max_tokens == 0) return bad_request("max_tokens", "'max_tokens' is missing");
  const AnswerPlan plan = PJ_TRY(plan_chat(*model, chat, context.reasoning_format));
  if (!chat.stream.stream) {
    WholeMessage message(model->info().id);
    PJ_TRY(run_answer(*model, plan, message, context.metrics, reply.cancel()));
    return message.message();
  }
  const auto prompt_tokens = static_cast<std::int64_t>(plan.jobs.front().prompt.size());
  StreamedMessage message(model->info().id, prompt_tokens, reply);
  const auto usage = run_answer(*model, plan, message, context.metrics, reply.cancel());
  if (!usage && !reply.has_begun()) return std::unexpected(usage.error());
  if (!usage) {
    static_cast<void>(reply.write_event(http::dump_json(error_body(usage.error())), "error"));
  }
  return Json();
}

ApiResult<Json> count_tokens(const ApiContext& context, const http::Request& request) {
  const Json body = PJ_TRY(parse_body(request.body));
  const SharedModel model = PJ_TRY(model_of(context, body));
  const Json chat_body = PJ_TRY(chat_body_of_messages(body));
  const ChatRequest chat = PJ_TRY(read_chat_request(chat_body, model->info()));
  const auto tokens = PJ_TRY(tokenize_chat(*model, PJ_TRY(render_chat(*model, chat))));
  return Json{{"input_tokens", tokens.size()}};
}

// Errors have this API's shape, which is the other one inside {"type": "error"}.
http::Handler messages_handler(JsonWork work) {
  return [work = std::move(work)](const http::Request& request, http::Reply& reply) {
    const ApiResult<Json> result = work(request, reply);
    if (reply.has_begun()) return;
    if (result) return reply.send(http::json_response(200, *result));
    http::Response response = http::error_response(result.error());
    response.body = http::dump_json(error_body(result.error()));
    reply.send(std::move(response));
  };
}

}  // namespace

void add_message_routes(http::Router& router, const ApiContext& context) {
  router.add({.method = "POST",
              .pattern = "/v1/messages",
              .handler = messages_handler([context](const auto& request, auto& reply) {
                return answer(context, request, reply);
              })});
  router.add({.method = "POST",
              .pattern = "/v1/messages/count_tokens",
              .handler = messages_handler([context](const auto& request, auto&) {
                return count_tokens(context, request);
              })});
}

}  // namespace pajamas
