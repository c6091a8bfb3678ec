// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of a request to each endpoint that generates.
#include "serve/answer_parser.h"
#include "serve/api/chat_request.h"
#include "serve/api/messages_body.h"
#include "serve/api/responses_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace pajamas;
  const std::string text(data, data + bytes);
  const ServedModelInfo info{.id = "model", .context = 4096, .vocab_size = 1000};
  const auto body = parse_body(text);
  if (!body) return 0;
  static_cast<void>(read_completion_request(*body, info));
  const auto chat = read_chat_request(*body, info);
  if (const auto messages = chat_body_of_messages(*body)) {
    static_cast<void>(read_chat_request(*messages, info));
  }
  if (const auto response = chat_body_of_response(*body)) {
    static_cast<void>(read_chat_request(*response, info));
  }
  if (!chat) return 0;
  // The first message stands for what a model says to these tools, or else the whole body.
  const std::string said = chat->messages[0]["content"].get<std::string>();
  for (const std::string_view answer : {std::string_view(said), std::string_view(text)}) {
    for (const std::size_t step : {answer.size() + 1, std::size_t{1}}) {
      AnswerParser parser(ThoughtSplitter(ReasoningFormat::kSplit), chat->tools);
      for (std::size_t at = 0; at < answer.size(); at += step) {
        static_cast<void>(parser.push(answer.substr(at, step)));
      }
      static_cast<void>(parser.finish());
    }
  }
  return 0;
}
