// SPDX-License-Identifier: Apache-2.0
// Requests that are wrong, each with the status and the field that the answer names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/testing/api_client.h"

namespace pajamas {
namespace {

using testing_support::ApiAnswer;
using testing_support::ApiService;
using testing_support::chat_body;
using testing_support::kChatPath;

TEST(BadRequests, NameTheFieldAtFault) {
  struct Case {
    Json more;
    const char* param;
  };
  const Case cases[] = {
      {{{"messages", nullptr}}, "messages"},
      {{{"messages", "hi"}}, "messages"},
      {{{"messages", Json::array()}}, "messages"},
      {{{"messages", {1}}}, "messages[0]"},
      {{{"messages", {{{"role", "king"}, {"content", ""}}}}}, "messages[0].role"},
      {{{"messages", {{{"role", "user"}, {"content", 5}}}}}, "messages[0].content"},
      {{{"messages", {{{"role", "user"}, {"content", {{{"type", "image_url"}}}}}}}},
       "messages[0].content[0].type"},
      {{{"temperature", -1}}, "temperature"},
      {{{"temperature", "hot"}}, "temperature"},
      {{{"top_p", 1.5}}, "top_p"},
      {{{"max_tokens", -5}}, "max_tokens"},
      {{{"max_tokens", 0}}, "max_tokens"},
      {{{"max_tokens", 1e300}}, "max_tokens"},
      {{{"max_tokens", 2.5}}, "max_tokens"},
      {{{"n", 9}}, "n"},
      {{{"n", 18446744073709551615ULL}}, "n"},
      {{{"seed", 18446744073709551615ULL}}, "seed"},
      {{{"top_k", -1}}, "top_k"},
      {{{"repeat_last_n", -2}}, "repeat_last_n"},
      {{{"stop", {1}}}, "stop"},
      {{{"stop", ""}}, "stop"},
      {{{"stop", std::string(300, 'x')}}, "stop"},
      {{{"stop", Json(std::vector<std::string>(17, "x"))}}, "stop"},
      {{{"logit_bias", {{"x", 1}}}}, "logit_bias"},
      {{{"logit_bias", {{"999999", 1}}}}, "logit_bias"},
      {{{"logit_bias", {{"1", 101}}}}, "logit_bias.1"},
      {{{"top_logprobs", 2}}, "top_logprobs"},
      {{{"logprobs", true}, {"top_logprobs", 21}}, "top_logprobs"},
      {{{"stream", "yes"}}, "stream"},
      {{{"stream_options", {{"include_usage", true}}}}, "stream_options"},
      {{{"response_format", {{"type", "xml"}}}}, "response_format.type"},
      {{{"response_format", {{"type", "json_schema"}}}}, "response_format.json_schema.schema"},
      {{{"grammar", "root ::="}, {"response_format", {{"type", "json_object"}}}}, ""},
      {{{"grammar", "root ::= missing"}}, "grammar"},
      {{{"tool_choice", "required"}}, "tool_choice"},
      {{{"tools", {{{"type", "function"}}}}}, "tools[0].function"},
      {{{"tools", {{{"function", {{"name", "bad name"}}}}}}}, "tools[0].function.name"},
      {{{"chat_template_kwargs", 1}}, "chat_template_kwargs"},
      {{{"reasoning_format", "xml"}}, "reasoning_format"},
      {{{"reasoning_format", 1}}, "reasoning_format"},
  };
  const ApiService service;
  for (const Case& test : cases) {
    const ApiAnswer answer = service.post(kChatPath, chat_body(test.more));
    EXPECT_EQ(answer.status, 400) << test.more << answer.body;
    const Json error = answer.json()["error"];
    EXPECT_EQ(error["type"], "invalid_request_error") << test.more;
    if (*test.param == '\0') continue;
    EXPECT_EQ(error["param"], test.param) << answer.body;
  }
}

TEST(BadRequests, AreNoServerErrors) {
  const ApiService service;
  for (const char* body :
       {"", "{", "[]", "null", "{\"messages\": [}", "\xFF\xFE", "{\"a\":1,\"a\":2}"}) {
    EXPECT_EQ(service.post_text(kChatPath, body).status, 400) << body;
  }
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(service.post_text(kChatPath, deep).status, 400);
  EXPECT_EQ(service.post_text(kChatPath, "{\"messages\":" + deep + "}").status, 400);
}

TEST(BadRequests, SurviveDeepGrammars) {
  const ApiService service;
  const std::string deep = "root ::= " + std::string(60'000, '(') + "\"a\"";
  EXPECT_EQ(service.post(kChatPath, chat_body({{"grammar", deep}})).status, 400);
  Json schema{{"type", "integer"}};
  for (int level = 0; level < 20; ++level) schema = Json{{"type", "array"}, {"items", schema}};
  const ApiAnswer nested = service.post(kChatPath, chat_body({{"json_schema", schema}}));
  EXPECT_TRUE(nested.status == 200 || nested.status == 400) << nested.body;
  EXPECT_EQ(service.post(kChatPath, chat_body()).status, 200) << "and goes on";
}

TEST(BadRequests, SayWhichModelsThereAre) {
  const ApiService service;
  const ApiAnswer answer = service.post(kChatPath, chat_body({{"model", "gpt-9"}}));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.json()["error"]["code"], "model_not_found");
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(),
              ::testing::HasSubstr("scripted"));
  EXPECT_EQ(service.post(kChatPath, chat_body({{"model", "broken"}})).status, 400);
}

TEST(BadRequests, SayThatAPromptIsTooLong) {
  const ApiService service;
  const Json messages = Json::array({{{"role", "user"}, {"content", std::string(5000, 'x')}}});
  const ApiAnswer answer = service.post(kChatPath, Json{{"messages", messages}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["code"], "context_length_exceeded");
}

TEST(BadRequests, PassOnWhatTheTemplateRefuses) {
  const ApiService service;
  const Json messages = Json::array({{{"role", "user"}, {"content", "refuse me"}}});
  EXPECT_EQ(service.post(kChatPath, Json{{"messages", messages}}).status, 400);
}

TEST(Endpoints, TellTheirStateAndModels) {
  const ApiService service;
  EXPECT_EQ(service.get("/health").json()["status"], "ok");
  const Json list = service.get("/v1/models").json();
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "scripted");
  EXPECT_EQ(list["data"][0]["object"], "model");
  EXPECT_EQ(service.get("/v1/models/scripted").json()["id"], "scripted");
  EXPECT_EQ(service.get("/v1/models/other").status, 404);
  service.post(kChatPath, chat_body());
  const std::string metrics = service.get("/metrics").body;
  EXPECT_THAT(metrics,
              ::testing::HasSubstr("pajamas_completion_tokens_total{model=\"scripted\"} 11\n"));
  EXPECT_THAT(metrics, ::testing::HasSubstr("# TYPE pajamas_prompt_tokens_total counter\n"));
}

TEST(Endpoints, TokenizeAndBack) {
  const ApiService service;
  EXPECT_EQ(service.post("/tokenize", Json{{"content", "ab"}}).json()["tokens"],
            Json::array({97, 98}));
  EXPECT_EQ(service.post("/tokenize", Json{{"content", "a"}, {"with_pieces", true}})
                .json()["tokens"][0]["piece"],
            "a");
  EXPECT_EQ(service.post("/detokenize", Json{{"tokens", {97, 98}}}).json()["content"], "ab");
  EXPECT_EQ(service.post("/detokenize", Json{{"tokens", {-1}}}).status, 400);
}

TEST(Endpoints, EmbedAsNumbersAndAsBase64) {
  const ApiService service;
  const Json floats = service.post("/v1/embeddings", Json{{"input", {"ab", "c"}}}).json();
  ASSERT_EQ(floats["data"].size(), 2U) << floats;
  EXPECT_EQ(floats["data"][1]["index"], 1);
  EXPECT_FLOAT_EQ(floats["data"][0]["embedding"][0].get<float>(), 0.6F);
  EXPECT_EQ(floats["usage"]["prompt_tokens"], 3);
  const Json base64 =
      service.post("/v1/embeddings", Json{{"input", "ab"}, {"encoding_format", "base64"}}).json();
  EXPECT_EQ(base64["data"][0]["embedding"], "mpkZP83MTD8AAAAA");
  EXPECT_EQ(service.post("/v1/embeddings", Json{{"input", "ab"}, {"dimensions", 9}}).status, 400);
  EXPECT_EQ(service.post("/v1/embeddings", Json{{"input", ""}}).status, 400);
}

TEST(Endpoints, SayWhatIsNotSupported) {
  const ApiService service;
  EXPECT_EQ(service.post("/v1/rerank", Json::object()).status, 501);
}

}  // namespace
}  // namespace pajamas
