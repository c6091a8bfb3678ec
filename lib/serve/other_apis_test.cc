// SPDX-License-Identifier: Apache-2.0
// /v1/messages, /v1/responses and the chat page, with a scripted model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/testing/api_client.h"

namespace pajamas {
namespace {

using ::testing::HasSubstr;
using testing_support::ApiAnswer;
using testing_support::ApiService;

constexpr const char* kToolText =
    "Wait. <tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool_call>";

Json user_says(const char* text) { return Json::array({{{"role", "user"}, {"content", text}}}); }

std::vector<std::string> types_of(const std::vector<Json>& events) {
  std::vector<std::string> types;
  for (const Json& event : events) {
    const std::string type = event.value("type", "");
    if (types.empty() || types.back() != type) types.push_back(type);
  }
  return types;
}

TEST(MessagesApi, AnswersInItsShape) {
  const ApiService service;
  const Json json =
      service
          .post("/v1/messages",
                Json{{"max_tokens", 50}, {"system", "be kind"}, {"messages", user_says("hi")}})
          .json();
  EXPECT_EQ(json["type"], "message");
  EXPECT_EQ(json["content"][0]["text"], "Hello there");
  EXPECT_EQ(json["stop_reason"], "end_turn");
  EXPECT_EQ(json["usage"]["output_tokens"], 11);
  const std::string prompt =
      service.generator->detokenize(service.generator->last_jobs()[0].prompt);
  EXPECT_EQ(prompt, "<system>be kind<user>hi<assistant>");
}

TEST(MessagesApi, SaysWhyAnAnswerEnded) {
  const ApiService service;
  const Json stopped =
      service
          .post("/v1/messages",
                Json{{"max_tokens", 50}, {"stop_sequences", {"lo"}}, {"messages", user_says("hi")}})
          .json();
  EXPECT_EQ(stopped["stop_reason"], "stop_sequence");
  EXPECT_EQ(stopped["stop_sequence"], "lo");
  const Json cut =
      service.post("/v1/messages", Json{{"max_tokens", 2}, {"messages", user_says("hi")}}).json();
  EXPECT_EQ(cut["stop_reason"], "max_tokens");
}

TEST(MessagesApi, StreamsBlocksForTextAndTools) {
  const ApiService service;
  service.generator->answer = kToolText;
  const Json tools = Json::array({{{"name", "add"}, {"input_schema", {{"type", "object"}}}}});
  const auto events = service
                          .post("/v1/messages", Json{{"max_tokens", 500},
                                                     {"stream", true},
                                                     {"tools", tools},
                                                     {"messages", user_says("hi")}})
                          .events();
  EXPECT_EQ(types_of(events),
            (std::vector<std::string>{"message_start", "ping", "content_block_start",
                                      "content_block_delta", "content_block_stop",
                                      "content_block_start", "content_block_delta",
                                      "content_block_stop", "message_delta", "message_stop"}));
  const Json& end = events[events.size() - 2];
  EXPECT_EQ(end["delta"]["stop_reason"], "tool_use");
  std::string input;
  int pieces = 0;
  for (const Json& event : events) {
    if (!event.contains("delta") || event["delta"].value("type", "") != "input_json_delta")
      continue;
    EXPECT_EQ(event["index"], 1);
    input += event["delta"]["partial_json"].get<std::string>();
    ++pieces;
  }
  EXPECT_EQ(input, "{\"a\":1}");
  EXPECT_GT(pieces, 1);
}

TEST(MessagesApi, HasBlocksOfThoughts) {
  const ApiService service;
  service.generator->answer = "<think>Hm.</think>Yes.";
  const Json body{{"max_tokens", 50}, {"messages", user_says("hi")}};
  const Json content = service.post("/v1/messages", body).json()["content"];
  ASSERT_EQ(content.size(), 2U);
  EXPECT_EQ(content[0], (Json{{"type", "thinking"}, {"thinking", "Hm."}, {"signature", ""}}));
  EXPECT_EQ(content[1]["text"], "Yes.");
  Json streamed = body;
  streamed["stream"] = true;
  const auto events = service.post("/v1/messages", streamed).events();
  std::vector<std::string> kinds;
  for (const Json& event : events) {
    if (event["type"] == "content_block_start") {
      kinds.push_back(event["content_block"]["type"].get<std::string>());
    } else if (event["type"] == "content_block_delta") {
      const auto kind = event["delta"]["type"].get<std::string>();
      if (kinds.back() != kind) kinds.push_back(kind);
    }
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"thinking", "thinking_delta", "text", "text_delta"}));
}

TEST(MessagesApi, TakesThoughtsBackAndSwitchesThemOff) {
  const ApiService service;
  const Json messages = Json::array(
      {{{"role", "user"}, {"content", "hi"}},
       {{"role", "assistant"},
        {"content", Json::array({{{"type", "thinking"}, {"thinking", "Hm"}, {"signature", ""}},
                                 {{"type", "text"}, {"text", "Yes"}}})}},
       {{"role", "user"}, {"content", "why"}}});
  const ApiAnswer answer = service.post(
      "/v1/messages",
      Json{{"max_tokens", 5}, {"thinking", {{"type", "disabled"}}}, {"messages", messages}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto options = service.generator->last_prompt_options();
  EXPECT_EQ(options.variables["enable_thinking"], false);
  EXPECT_EQ(service.generator->last_messages()[1]["reasoning_content"], "Hm");
}

TEST(MessagesApi, TakesBlocksAndToolResults) {
  const ApiService service;
  const Json messages = Json::array(
      {{{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "add"}}})}},
       {{"role", "assistant"},
        {"content",
         Json::array(
             {{{"type", "tool_use"}, {"id", "t1"}, {"name", "add"}, {"input", {{"a", 1}}}}})}},
       {{"role", "user"},
        {"content",
         Json::array({{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", "2"}}})}}});
  const Json count = service.post("/v1/messages/count_tokens", Json{{"messages", messages}}).json();
  EXPECT_EQ(count["input_tokens"].get<std::size_t>(),
            std::string("<user>add<assistant><tool>2<assistant>").size());
}

TEST(MessagesApi, HasErrorsOfItsShape) {
  const ApiService service;
  const ApiAnswer answer = service.post("/v1/messages", Json{{"messages", user_says("hi")}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["type"], "error");
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), HasSubstr("max_tokens"));
}

TEST(ResponsesApi, AnswersInItsShape) {
  const ApiService service;
  const Json json =
      service.post("/v1/responses", Json{{"input", "hi"}, {"instructions", "be kind"}}).json();
  EXPECT_EQ(json["object"], "response");
  EXPECT_EQ(json["status"], "completed");
  EXPECT_EQ(json["output"][0]["type"], "message");
  EXPECT_EQ(json["output"][0]["content"][0]["text"], "Hello there");
  EXPECT_EQ(json["usage"]["output_tokens"], 11);
  EXPECT_EQ(json["instructions"], "be kind");
  const Json cut =
      service.post("/v1/responses", Json{{"input", "hi"}, {"max_output_tokens", 2}}).json();
  EXPECT_EQ(cut["status"], "incomplete");
  EXPECT_EQ(cut["incomplete_details"]["reason"], "max_output_tokens");
}

TEST(ResponsesApi, StreamsEventsThatAreNumbered) {
  const ApiService service;
  service.generator->answer = kToolText;
  const Json tools =
      Json::array({{{"type", "function"}, {"name", "add"}, {"parameters", {{"type", "object"}}}}});
  const auto events =
      service.post("/v1/responses", Json{{"input", "hi"}, {"tools", tools}, {"stream", true}})
          .events();
  EXPECT_EQ(
      types_of(events),
      (std::vector<std::string>{
          "response.created", "response.in_progress", "response.output_item.added",
          "response.content_part.added", "response.output_text.delta", "response.output_text.done",
          "response.content_part.done", "response.output_item.done", "response.output_item.added",
          "response.function_call_arguments.delta", "response.function_call_arguments.done",
          "response.output_item.done", "response.completed"}));
  for (std::size_t at = 0; at < events.size(); ++at) EXPECT_EQ(events[at]["sequence_number"], at);
  const Json& output = events.back()["response"]["output"];
  ASSERT_EQ(output.size(), 2U);
  EXPECT_EQ(output[1]["arguments"], "{\"a\":1}");
  std::string arguments;
  int pieces = 0;
  for (const Json& event : events) {
    if (event["type"] != "response.function_call_arguments.delta") continue;
    EXPECT_EQ(event["item_id"], output[1]["id"]);
    arguments += event["delta"].get<std::string>();
    ++pieces;
  }
  EXPECT_EQ(arguments, "{\"a\":1}");
  EXPECT_GT(pieces, 1);
}

TEST(ResponsesApi, HasReasoningItems) {
  const ApiService service;
  service.generator->answer = "<think>Hm.</think>Yes.";
  const Json whole = service.post("/v1/responses", Json{{"input", "hi"}}).json();
  ASSERT_EQ(whole["output"].size(), 2U);
  EXPECT_EQ(whole["output"][0]["type"], "reasoning");
  EXPECT_EQ(whole["output"][0]["content"][0], (Json{{"type", "reasoning_text"}, {"text", "Hm."}}));
  EXPECT_EQ(whole["output"][1]["content"][0]["text"], "Yes.");
  EXPECT_GT(whole["usage"]["output_tokens_details"]["reasoning_tokens"], 3);
  const auto events =
      service.post("/v1/responses", Json{{"input", "hi"}, {"stream", true}}).events();
  EXPECT_EQ(
      types_of(events),
      (std::vector<std::string>{
          "response.created", "response.in_progress", "response.output_item.added",
          "response.content_part.added", "response.reasoning_text.delta",
          "response.reasoning_text.done", "response.content_part.done", "response.output_item.done",
          "response.output_item.added", "response.content_part.added", "response.output_text.delta",
          "response.output_text.done", "response.content_part.done", "response.output_item.done",
          "response.completed"}));
  // And takes what it gave.
  Json input = whole["output"];
  input.push_back({{"role", "user"}, {"content", "why"}});
  EXPECT_EQ(service.post("/v1/responses", Json{{"input", input}}).status, 200);
  EXPECT_EQ(service.generator->last_messages()[0]["reasoning_content"], "Hm.");
}

TEST(ResponsesApi, TakesConversationsAndRefusesWhatItWouldHaveToStore) {
  const ApiService service;
  const Json input = Json::array(
      {{{"role", "user"}, {"content", Json::array({{{"type", "input_text"}, {"text", "add"}}})}},
       {{"type", "function_call"}, {"call_id", "c"}, {"name", "add"}, {"arguments", "{}"}},
       {{"type", "function_call_output"}, {"call_id", "c"}, {"output", "2"}}});
  EXPECT_EQ(service.post("/v1/responses", Json{{"input", input}}).status, 200);
  const ApiAnswer answer =
      service.post("/v1/responses", Json{{"input", "hi"}, {"previous_response_id", "resp_1"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["param"], "previous_response_id");
}

TEST(ChatPage, IsServedWithAStrictPolicyAndNeedsNoToken) {
  const ApiService service({.access = {.tokens = {"secret"}}});
  const ApiAnswer page = service.get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.head, HasSubstr("Content-Security-Policy: default-src 'self'"));
  EXPECT_THAT(page.body, HasSubstr("/page/chat.js"));
  EXPECT_THAT(page.body, ::testing::Not(HasSubstr("http")));
  EXPECT_EQ(service.get("/page/chat.js").status, 200);
  EXPECT_EQ(service.get("/page/chat.css").status, 200);
  EXPECT_EQ(service.get("/v1/models").status, 401);
}

}  // namespace
}  // namespace pajamas
