// SPDX-License-Identifier: Apache-2.0
// Renders chat templates for the live comparison: one JSON request a line on stdin, one answer a
// line on stdout. A request has "template" and the fields of ChatInput; an answer has "text", or
// "error" and whether the template itself refused the input.
#include <iostream>
#include <string>

#include "text/chat_template.h"

namespace pajamas {
namespace {

Result<std::string> render(const Json& request) {
  const PromptTemplate compiled =
      PJ_TRY(PromptTemplate::compile(request.at("template").get_ref<const std::string&>()));
  ChatInput input;
  input.messages = request.value("messages", Json::array());
  input.tools = request.value("tools", Json());
  input.documents = request.value("documents", Json());
  input.add_generation_prompt = request.value("add_generation_prompt", false);
  input.extra = request.value("extra", Json::object());
  input.now_s = PJ_TRY(get_int(request, "now_s"));
  return compiled.render(input);
}

int run() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto request = parse_json(line, "request", {});
    if (!request) {
      std::cerr << request.error().message << '\n';
      return 1;
    }
    const Result<std::string> text = render(*request);
    Json answer = Json::object();
    if (text) {
      answer["text"] = *text;
    } else {
      answer["error"] = text.error().message;
      answer["refused"] = text.error().code == ErrorCode::kInvalidArgument;
    }
    std::cout << answer.dump() << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace pajamas

int main() { return pajamas::run(); }
