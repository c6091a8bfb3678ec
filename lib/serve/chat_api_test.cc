// SPDX-License-Identifier: Apache-2.0
// /v1/chat/completions and /v1/completions as a client sees them, with a scripted model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/testing/api_client.h"

namespace pajamas {
namespace {

using ::testing::HasSubstr;
using testing_support::ApiAnswer;
using testing_support::ApiService;
using testing_support::chat_body;
using testing_support::kChatPath;

TEST(ChatApi, AnswersWithAllMembersThatClientsRead) {
  const ApiService service;
  const ApiAnswer answer = service.post(kChatPath, chat_body());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json json = answer.json();
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_THAT(json["id"].get<std::string>(), ::testing::StartsWith("chatcmpl-"));
  EXPECT_EQ(json["model"], "scripted");
  EXPECT_GT(json["created"].get<std::int64_t>(), 0);
  const Json& choice = json["choices"][0];
  EXPECT_EQ(choice["index"], 0);
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_EQ(choice["message"]["content"], "Hello there");
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_TRUE(choice["logprobs"].is_null());
  EXPECT_EQ(json["usage"]["completion_tokens"], 11);
  EXPECT_EQ(json["usage"]["total_tokens"].get<int>(),
            11 + json["usage"]["prompt_tokens"].get<int>());
  EXPECT_EQ(json["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

TEST(ChatApi, StreamsChunksThatHaveAllMembers) {
  const ApiService service;
  const ApiAnswer answer = service.post(
      kChatPath, chat_body({{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  EXPECT_THAT(answer.head, HasSubstr("text/event-stream"));
  const std::vector<Json> events = answer.events();
  ASSERT_EQ(events.size(), 1U + 11 + 1 + 1 + 1);
  EXPECT_EQ(events[0]["choices"][0]["delta"]["role"], "assistant");
  std::string text;
  for (std::size_t at = 0; at + 2 < events.size(); ++at) {
    EXPECT_EQ(events[at]["object"], "chat.completion.chunk");
    EXPECT_EQ(events[at]["id"], events[0]["id"]);
    EXPECT_TRUE(events[at].contains("usage") && events[at]["usage"].is_null());
    ASSERT_TRUE(events[at]["choices"][0].contains("finish_reason"));
    text += events[at]["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(text, "Hello there");
  EXPECT_EQ(events[events.size() - 3]["choices"][0]["finish_reason"], "stop");
  const Json& usage = events[events.size() - 2];
  EXPECT_TRUE(usage["choices"].empty());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 11);
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST(ChatApi, StopsAtStopStringsAndAtTheTokenLimit) {
  const ApiService service;
  const Json stopped = service.post(kChatPath, chat_body({{"stop", "lo t"}})).json();
  EXPECT_EQ(stopped["choices"][0]["message"]["content"], "Hel");
  EXPECT_EQ(stopped["choices"][0]["finish_reason"], "stop");
  const Json cut = service.post(kChatPath, chat_body({{"max_completion_tokens", 4}})).json();
  EXPECT_EQ(cut["choices"][0]["message"]["content"], "Hell");
  EXPECT_EQ(cut["choices"][0]["finish_reason"], "length");
}

TEST(ChatApi, HandsTheOptionsToTheSampler) {
  const ApiService service;
  service.post(kChatPath, chat_body({{"temperature", 0.5},
                                     {"top_p", 0.9},
                                     {"seed", 7},
                                     {"n", 2},
                                     {"frequency_penalty", 1.5},
                                     {"logit_bias", {{"65", -100}, {"66", 5}}},
                                     {"stop", {"a", "b"}}}));
  const auto jobs = service.generator->last_jobs();
  ASSERT_EQ(jobs.size(), 2U);
  const SamplerOptions& options = jobs[0].sampling;
  EXPECT_FLOAT_EQ(options.temperature, 0.5F);
  EXPECT_FLOAT_EQ(options.top_p, 0.9F);
  EXPECT_EQ(options.seed, 7U);
  EXPECT_EQ(jobs[1].sampling.seed, 8U) << "choices differ";
  EXPECT_FLOAT_EQ(options.penalties.frequency, 1.5F);
  ASSERT_EQ(options.logit_bias.size(), 2U);
  EXPECT_TRUE(std::isinf(options.logit_bias[0].bias));
  EXPECT_EQ(jobs[0].stop, (std::vector<std::string>{"a", "b"}));
}

TEST(ChatApi, GivesLogProbabilitiesWithBytes) {
  const ApiService service;
  const Json json =
      service.post(kChatPath, chat_body({{"logprobs", true}, {"top_logprobs", 2}})).json();
  const Json& content = json["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 11U);
  EXPECT_EQ(content[0]["token"], "H");
  EXPECT_EQ(content[0]["bytes"], Json::array({72}));
  EXPECT_DOUBLE_EQ(content[0]["logprob"].get<double>(), -0.5);
  EXPECT_EQ(content[0]["top_logprobs"].size(), 2U);
}

TEST(ChatApi, CompilesResponseFormatsToGrammars) {
  const ApiService service;
  service.post(kChatPath, chat_body({{"response_format", {{"type", "json_object"}}}}));
  EXPECT_NE(service.generator->last_jobs()[0].grammar, nullptr);
  const Json schema{{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}};
  const ApiAnswer answer = service.post(
      kChatPath,
      chat_body({{"response_format",
                  {{"type", "json_schema"},
                   {"json_schema", {{"name", "x"}, {"strict", true}, {"schema", schema}}}}}}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(service.generator->last_jobs()[0].grammar, nullptr);
}

TEST(ChatApi, RendersMessagesForTheTemplate) {
  const ApiService service;
  const Json messages = Json::array(
      {{{"role", "developer"}, {"content", "be brief"}},
       {{"role", "user"},
        {"content",
         Json::array({{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}})}}});
  const Json json = service.post("/apply-template", Json{{"messages", messages}}).json();
  EXPECT_EQ(json["prompt"], "<system>be brief<user>ab<assistant>");
}

TEST(ChatApi, FindsToolCallsWholeAndStreamed) {
  const ApiService service;
  service.generator->answer =
      "Let me see. <tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";
  const Json tools = Json::array(
      {{{"type", "function"}, {"function", {{"name", "add"}, {"parameters", Json::object()}}}}});
  const Json whole = service.post(kChatPath, chat_body({{"tools", tools}})).json();
  const Json& message = whole["choices"][0]["message"];
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "tool_calls");
  EXPECT_EQ(message["tool_calls"][0]["function"]["name"], "add");
  EXPECT_EQ(message["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");

  const auto events =
      service.post(kChatPath, chat_body({{"tools", tools}, {"stream", true}})).events();
  std::vector<Json> calls;
  for (const Json& event : events) {
    if (!event.is_object() || event["choices"].empty()) continue;
    const Json& delta = event["choices"][0]["delta"];
    if (delta.contains("tool_calls")) calls.push_back(delta["tool_calls"][0]);
  }
  ASSERT_GT(calls.size(), 3U) << "the arguments come in pieces";
  EXPECT_THAT(calls[0]["id"].get<std::string>(), ::testing::StartsWith("call_"));
  EXPECT_EQ(calls[0]["type"], "function");
  EXPECT_EQ(calls[0]["function"], (Json{{"name", "add"}, {"arguments", ""}}));
  std::string arguments;
  for (const Json& call : calls) {
    EXPECT_EQ(call["index"], 0);
    EXPECT_EQ(call.contains("id"), arguments.empty() && call == calls[0]);
    arguments += call["function"]["arguments"].get<std::string>();
  }
  EXPECT_EQ(arguments, "{\"a\":1}");
  EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

// The text of each kind in the deltas of a stream.
std::string deltas_of(const std::vector<Json>& events, const char* key) {
  std::string text;
  for (const Json& event : events) {
    if (!event.is_object() || event["choices"].empty()) continue;
    text += event["choices"][0]["delta"].value(key, "");
  }
  return text;
}

TEST(ChatApi, SplitsThoughtsFromAnswersWholeAndStreamed) {
  const ApiService service;
  service.generator->answer = "<think>\nLet me see.\n</think>\n\nIt is 2.";
  const Json whole = service.post(kChatPath, chat_body()).json();
  EXPECT_EQ(whole["choices"][0]["message"]["reasoning_content"], "Let me see.");
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "It is 2.");
  const Json& usage = whole["usage"];
  EXPECT_GT(usage["completion_tokens_details"]["reasoning_tokens"], 11);
  EXPECT_LT(usage["completion_tokens_details"]["reasoning_tokens"], usage["completion_tokens"]);

  const auto events = service.post(kChatPath, chat_body({{"stream", true}})).events();
  EXPECT_EQ(deltas_of(events, "reasoning_content"), "Let me see.");
  EXPECT_EQ(deltas_of(events, "content"), "It is 2.");
}

TEST(ChatApi, LeavesThoughtsInTheTextWhenAskedTo) {
  const ApiService service;
  service.generator->answer = "<think>Hm</think>Yes";
  const Json json = service.post(kChatPath, chat_body({{"reasoning_format", "none"}})).json();
  EXPECT_EQ(json["choices"][0]["message"]["content"], "<think>Hm</think>Yes");
  EXPECT_FALSE(json["choices"][0]["message"].contains("reasoning_content"));
}

TEST(ChatApi, BeginsInTheThoughtThatThePromptOpens) {
  const ApiService service;
  service.generator->answer = "Hm</think>{\"a\": 1}";
  service.generator->prompt_end = "<assistant><think>\n";
  const Json json =
      service.post(kChatPath, chat_body({{"response_format", {{"type", "json_object"}}}})).json();
  EXPECT_EQ(json["choices"][0]["message"]["reasoning_content"], "Hm");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "{\"a\": 1}");
  EXPECT_EQ(service.generator->last_jobs()[0].grammar_after, "</think>");
}

TEST(ChatApi, FindsCallsBehindThoughts) {
  const ApiService service;
  service.generator->answer = "<think>I call.</think>{\"name\": \"add\", \"arguments\": {}}";
  const Json tools = Json::array(
      {{{"type", "function"}, {"function", {{"name", "add"}, {"parameters", Json::object()}}}}});
  const Json json = service.post(kChatPath, chat_body({{"tools", tools}})).json();
  EXPECT_EQ(json["choices"][0]["message"]["reasoning_content"], "I call.");
  EXPECT_EQ(json["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "add");
}

TEST(ChatApi, StopsGeneratingWhenTheClientGoes) {
  const ApiService service;
  service.generator->answer = std::string(5000, 'x');
  service.generator->pause = std::chrono::milliseconds(2);
  {
    http::testing_support::RawClient client(service.port());
    client.send(http::testing_support::post(kChatPath, chat_body({{"stream", true}}).dump()));
    client.receive_until("\"content\":\"x\"");
  }
  for (int wait = 0; wait < 1000 && !service.generator->was_cancelled(); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(service.generator->was_cancelled());
  EXPECT_LT(service.generator->tokens_given(), 1000);
}

TEST(ChatApi, SendsAnErrorEventWhenAStreamFailsAndNoDone) {
  const ApiService service;
  service.generator->late_failure = Error{ErrorCode::kInternal, "out of luck"};
  const auto events = service.post(kChatPath, chat_body({{"stream", true}})).events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back()["error"]["message"], "out of luck");
}

TEST(ChatApi, AnswersAFullQueueWith429) {
  const ApiService service;
  service.generator->failure = Error{ErrorCode::kNoSpace, "full"};
  for (const bool stream : {false, true}) {
    const ApiAnswer answer = service.post(kChatPath, chat_body({{"stream", stream}}));
    EXPECT_EQ(answer.status, 429);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After"));
  }
}

TEST(CompletionApi, AnswersTextsAndTokensInOrder) {
  const ApiService service;
  service.generator->answer = "";  // repeats the prompt
  const Json json =
      service.post("/v1/completions", Json{{"prompt", {"ab", "cd"}}, {"max_tokens", 9}}).json();
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["choices"][0]["text"], "ab");
  EXPECT_EQ(json["choices"][1]["text"], "cd");
  EXPECT_EQ(json["usage"]["prompt_tokens"], 4);
  const Json tokens = service.post("/v1/completions", Json{{"prompt", {120, 121}}}).json();
  EXPECT_EQ(tokens["choices"][0]["text"], "xy");
}

TEST(CompletionApi, StreamsTextInEveryChunkAndEchoes) {
  const ApiService service;
  const auto events =
      service
          .post("/v1/completions",
                Json{{"prompt", "Say: "}, {"echo", true}, {"logprobs", 1}, {"stream", true}})
          .events();
  std::string text;
  for (std::size_t at = 0; at + 1 < events.size(); ++at) {
    ASSERT_TRUE(events[at]["choices"][0].contains("text"));
    text += events[at]["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(text, "Say: Hello there");
  EXPECT_EQ(events.back(), "[DONE]");
}

}  // namespace
}  // namespace pajamas
