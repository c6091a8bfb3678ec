// SPDX-License-Identifier: Apache-2.0
// A service with a scripted model, and requests to it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "http/testing/raw_client.h"
#include "serve/service.h"
#include "serve/testing/scripted_model.h"

namespace pajamas::testing_support {

inline constexpr const char* kChatPath = "/v1/chat/completions";

struct ApiAnswer {
  int status = 0;
  std::string head;
  std::string body;
  [[nodiscard]] Json json() const { return Json::parse(body, nullptr, false); }
  // The data of each event, [DONE] as the string.
  [[nodiscard]] std::vector<Json> events() const {
    std::vector<Json> list;
    for (std::size_t at = body.find("data: "); at != std::string::npos;
         at = body.find("data: ", at + 1)) {
      const std::string data = body.substr(at + 6, body.find("\n\n", at) - at - 6);
      list.push_back(data == "[DONE]" ? Json(data) : Json::parse(data, nullptr, false));
    }
    return list;
  }
};

class ApiService {
 public:
  explicit ApiService(http::ServerOptions options = {})
      : generator(std::make_shared<ScriptedModel>()) {
    options.port = 0;
    OfferedModel model{.id = "scripted", .created_s = 1, .load = [this]() -> Result<SharedModel> {
                         return SharedModel(generator);
                       }};
    std::vector<OfferedModel> models;
    models.push_back(std::move(model));
    models.push_back({.id = "broken", .load = []() -> Result<SharedModel> {
                        return make_error(ErrorCode::kInvalidData, "the file is damaged");
                      }});
    auto started = start_service_with(std::move(models), options, {});
    EXPECT_TRUE(started) << started.error().message;
    service_ = std::move(*started);
  }

  [[nodiscard]] int port() const { return service_->port(); }

  ApiAnswer get(std::string_view path) const {
    return ask(http::testing_support::get(path, "Connection: close\r\n"));
  }
  ApiAnswer post_text(std::string_view path, std::string_view body) const {
    return ask(http::testing_support::post(path, body, "Connection: close\r\n"));
  }
  ApiAnswer post(std::string_view path, const Json& body) const {
    return post_text(path, body.dump());
  }

  std::shared_ptr<ScriptedModel> generator;  // shared with the service

 private:
  ApiAnswer ask(const std::string& request) const {
    http::testing_support::RawClient client(service_->port());
    client.send(request);
    const std::string all = client.receive_all();
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    ApiAnswer answer{.status = std::atoi(all.c_str() + 9), .head = all.substr(0, end)};
    answer.body = all.substr(end + 4);
    if (answer.head.find("chunked") != std::string::npos) answer.body = without_chunks(answer.body);
    return answer;
  }
  static std::string without_chunks(const std::string& chunked) {
    std::string body;
    std::size_t at = 0;
    while (at < chunked.size()) {
      const std::size_t bytes = std::strtoul(chunked.c_str() + at, nullptr, 16);
      at = chunked.find("\r\n", at) + 2;
      body += chunked.substr(at, bytes);
      at += bytes + 2;
    }
    return body;
  }

  std::unique_ptr<RunningService> service_;
};

inline Json chat_body(Json more = Json::object()) {
  Json body{{"model", "scripted"},
            {"messages", Json::array({{{"role", "user"}, {"content", "hi"}}})}};
  body.update(more);
  return body;
}

}  // namespace pajamas::testing_support
