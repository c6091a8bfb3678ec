// SPDX-License-Identifier: Apache-2.0
#include "serve/api/answer_json.h"

#include <random>
#include <span>
#include <utility>

#include "serve/unix_time.h"

namespace pajamas {
namespace {

Json bytes_json(const std::string& piece) {
  Json bytes = Json::array();
  for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

Json token_json(const TokenChoice& choice) {
  return {
      {"token", choice.piece}, {"logprob", choice.logprob}, {"bytes", bytes_json(choice.piece)}};
}

Json tool_call_json(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json chat_message_json(const ChoiceResult& result) {
  Json message{{"role", "assistant"}, {"content", result.text}, {"refusal", nullptr}};
  if (!result.thought.empty()) message["reasoning_content"] = result.thought;
  if (result.tool_calls.empty()) return message;
  if (result.text.empty()) message["content"] = nullptr;
  message["tool_calls"] = Json::array();
  for (const ToolCall& call : result.tool_calls) {
    message["tool_calls"].push_back(tool_call_json(call));
  }
  return message;
}

}  // namespace

std::string make_answer_id(std::string_view prefix) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::string id(prefix);
  for (int count = 0; count < 24; ++count) id += kLetters[random() % kLetters.size()];
  return id;
}

Json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.thought_tokens}}}};
}

void ChoiceResult::add(const AnswerPart& part) {
  switch (part.kind) {
    case AnswerPart::Kind::kText:
      text += part.text;
      break;
    case AnswerPart::Kind::kThought:
      thought += part.text;
      break;
    case AnswerPart::Kind::kCall:
      tool_calls.push_back({part.call_id, part.tool, {}});
      break;
    case AnswerPart::Kind::kArguments:
      tool_calls.back().arguments += part.text;
      break;
  }
}

Json chat_logprobs_json(const std::vector<GenerationStep>& steps) {
  Json content = Json::array();
  for (const GenerationStep& step : steps) {
    if (!step.token) continue;
    Json entry = token_json(*step.token);
    entry["top_logprobs"] = Json::array();
    for (const TokenChoice& choice : step.top) entry["top_logprobs"].push_back(token_json(choice));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json completion_logprobs_json(const std::vector<GenerationStep>& steps, std::size_t text_offset) {
  Json result{{"tokens", Json::array()},
              {"token_logprobs", Json::array()},
              {"top_logprobs", Json::array()},
              {"text_offset", Json::array()}};
  for (const GenerationStep& step : steps) {
    if (!step.token) continue;
    result["tokens"].push_back(step.token->piece);
    result["token_logprobs"].push_back(step.token->logprob);
    Json top = Json::object();
    for (const TokenChoice& choice : step.top) top[choice.piece] = choice.logprob;
    result["top_logprobs"].push_back(std::move(top));
    result["text_offset"].push_back(text_offset);
    text_offset += step.token->piece.size();
  }
  return result;
}

AnswerWriter::AnswerWriter(AnswerShape shape, std::string model)
    : shape_(shape),
      model_(std::move(model)),
      id_(make_answer_id(shape == AnswerShape::kChat ? "chatcmpl-" : "cmpl-")),
      created_s_(unix_time_s()) {}

Json AnswerWriter::whole(const std::vector<ChoiceResult>& choices, const Usage& usage,
                         bool with_logprobs) const {
  const bool is_chat = shape_ == AnswerShape::kChat;
  Json list = Json::array();
  for (std::size_t index = 0; index < choices.size(); ++index) {
    const ChoiceResult& result = choices[index];
    Json choice{{"index", index}};
    if (is_chat) {
      choice["message"] = chat_message_json(result);
    } else {
      choice["text"] = result.text;
    }
    choice["logprobs"] = nullptr;
    if (with_logprobs) {
      choice["logprobs"] =
          is_chat ? chat_logprobs_json(result.steps) : completion_logprobs_json(result.steps, 0);
    }
    choice["finish_reason"] = result.finish_reason;
    list.push_back(std::move(choice));
  }
  return {{"id", id_},
          {"object", is_chat ? "chat.completion" : "text_completion"},
          {"created", created_s_},
          {"model", model_},
          {"choices", std::move(list)},
          {"usage", usage_json(usage)},
          {"system_fingerprint", nullptr}};
}

Json AnswerWriter::chunk(Json choices) const {
  Json result{
      {"id", id_},
      {"object", shape_ == AnswerShape::kChat ? "chat.completion.chunk" : "text_completion"},
      {"created", created_s_},
      {"model", model_},
      {"system_fingerprint", nullptr},
      {"choices", std::move(choices)}};
  if (announces_usage_) result["usage"] = nullptr;
  return result;
}

Json AnswerWriter::chat_chunk(std::size_t choice, Json delta, Json finish_reason) const {
  Json entry{{"index", choice},
             {"delta", std::move(delta)},
             {"logprobs", nullptr},
             {"finish_reason", std::move(finish_reason)}};
  return chunk(Json::array({std::move(entry)}));
}

Json AnswerWriter::first_chunk(std::size_t choice) const {
  return chat_chunk(choice, {{"role", "assistant"}, {"content", ""}}, nullptr);
}

Json AnswerWriter::text_chunk(std::size_t choice, const std::string& text,
                              const GenerationStep* logprobs_of) const {
  const bool is_chat = shape_ == AnswerShape::kChat;
  Json logprobs;
  if (logprobs_of != nullptr) {
    logprobs =
        is_chat ? chat_logprobs_json({*logprobs_of}) : completion_logprobs_json({*logprobs_of}, 0);
  }
  Json result;
  if (is_chat) {
    result = chat_chunk(choice, {{"content", text}}, nullptr);
  } else {
    Json entry{
        {"index", choice}, {"text", text}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
    result = chunk(Json::array({std::move(entry)}));
  }
  result["choices"][0]["logprobs"] = std::move(logprobs);
  return result;
}

Json AnswerWriter::part_chunk(std::size_t choice, const AnswerPart& part, std::size_t call,
                              const GenerationStep* logprobs_of) const {
  Json delta;
  switch (part.kind) {
    case AnswerPart::Kind::kText:
      return text_chunk(choice, part.text, logprobs_of);
    case AnswerPart::Kind::kThought:
      delta = {{"reasoning_content", part.text}};
      break;
    case AnswerPart::Kind::kCall: {
      Json entry = tool_call_json({part.call_id, part.tool, {}});
      entry["index"] = call;
      delta = {{"tool_calls", Json::array({std::move(entry)})}};
      break;
    }
    case AnswerPart::Kind::kArguments: {
      Json entry{{"index", call}, {"function", {{"arguments", part.text}}}};
      delta = {{"tool_calls", Json::array({std::move(entry)})}};
      break;
    }
  }
  Json result = chat_chunk(choice, std::move(delta), nullptr);
  if (logprobs_of != nullptr) {
    result["choices"][0]["logprobs"] = chat_logprobs_json({*logprobs_of});
  }
  return result;
}

Json AnswerWriter::last_chunk(std::size_t choice, const std::string& finish_reason) const {
  if (shape_ == AnswerShape::kChat) return chat_chunk(choice, Json::object(), finish_reason);
  // Clients of the older endpoint read `text` of every chunk.
  Json entry{
      {"index", choice}, {"text", ""}, {"logprobs", nullptr}, {"finish_reason", finish_reason}};
  return chunk(Json::array({std::move(entry)}));
}

Json AnswerWriter::usage_chunk(const Usage& usage) const {
  Json result = chunk(Json::array());
  result["usage"] = usage_json(usage);
  return result;
}

}  // namespace pajamas
