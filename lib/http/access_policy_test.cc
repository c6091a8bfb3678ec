// SPDX-License-Identifier: Apache-2.0
#include "http/access_policy.h"

#include <gtest/gtest.h>

namespace pajamas::http {
namespace {

using Headers = std::vector<Header>;

int refusal_status(const std::optional<Response>& refusal) { return refusal ? refusal->status : 0; }

int source_status(const AccessOptions& options, const Request& request) {
  return refusal_status(AccessPolicy(options).check_source(request));
}

Request post_with(Headers headers) {
  headers.push_back({"Content-Length", "2"});
  return {.method = "POST", .headers = std::move(headers)};
}

TEST(AccessPolicy, KnowsOnlyLoopbackNamesAndThoseItWasTold) {
  const AccessOptions options{.allowed_hosts = {"Box.Lan"}};
  for (const char* host :
       {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:80", "a.localhost", "box.lan:99"}) {
    EXPECT_EQ(source_status(options, {.method = "GET", .headers = {{"Host", host}}}), 0) << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "10.0.0.1", "[::2]"}) {
    EXPECT_EQ(source_status(options, {.method = "GET", .headers = {{"Host", host}}}), 403) << host;
  }
  EXPECT_EQ(source_status(options, {.method = "GET"}), 403);
}

TEST(AccessPolicy, RefusesPagesOfOtherSites) {
  const AccessOptions options{.allowed_origins = {"https://chat.example"}};
  const auto status = [&](const char* origin) {
    return source_status(options, post_with({{"Host", "localhost:8080"},
                                             {"Origin", origin},
                                             {"Content-Type", "application/json"}}));
  };
  EXPECT_EQ(status("http://localhost:8080"), 0);
  EXPECT_EQ(status("https://chat.example"), 0);
  EXPECT_EQ(status("http://localhost:8081"), 403);
  EXPECT_EQ(status("https://evil.example"), 403);
  EXPECT_EQ(status("null"), 403);
}

TEST(AccessPolicy, RefusesWhatAFormCouldSend) {
  const auto status = [](const char* type) {
    return source_status({}, post_with({{"Host", "localhost"}, {"Content-Type", type}}));
  };
  EXPECT_EQ(status("application/json; charset=utf-8"), 0);
  EXPECT_EQ(status("text/plain"), 415);
  EXPECT_EQ(status("application/x-www-form-urlencoded"), 415);
  EXPECT_EQ(status(""), 415);
  EXPECT_EQ(source_status({}, {.method = "POST", .headers = {{"Host", "localhost"}}}), 0)
      << "no body, no type";
}

TEST(AccessPolicy, RefusesCrossSitePostsWithoutOrigin) {
  EXPECT_EQ(source_status({}, post_with({{"Host", "localhost"},
                                         {"Sec-Fetch-Site", "cross-site"},
                                         {"Content-Type", "application/json"}})),
            403);
}

TEST(AccessPolicy, AnswersPreflightsOfListedOriginsOnly) {
  const AccessPolicy policy({.allowed_origins = {"https://chat.example"}});
  Request request{
      .method = "OPTIONS",
      .headers = {{"Origin", "https://chat.example"}, {"Access-Control-Request-Method", "POST"}}};
  const auto answer = policy.answer_preflight(request);
  ASSERT_EQ(refusal_status(answer), 204);
  EXPECT_EQ(*find_header(answer->headers, "Access-Control-Allow-Origin"), "https://chat.example");
  EXPECT_EQ(find_header(answer->headers, "Access-Control-Allow-Credentials"), nullptr);
  request.headers[0].value = "https://evil.example";
  EXPECT_FALSE(policy.answer_preflight(request));
}

int token_status(AccessPolicy& policy, Headers headers, std::string peer = "127.0.0.1") {
  const Request request{.headers = std::move(headers), .peer = std::move(peer)};
  return refusal_status(
      policy.check_token(request, std::chrono::steady_clock::time_point{} + std::chrono::hours(1)));
}

TEST(AccessPolicy, TakesTheTokenFromEitherHeader) {
  AccessPolicy policy({.tokens = {"secret", "other"}});
  EXPECT_EQ(token_status(policy, {{"Authorization", "Bearer secret"}}), 0);
  EXPECT_EQ(token_status(policy, {{"authorization", "bearer other"}}), 0);
  EXPECT_EQ(token_status(policy, {{"X-Api-Key", "secret"}}), 0);
  EXPECT_EQ(token_status(policy, {}), 401);
  EXPECT_EQ(token_status(policy, {{"Authorization", "Basic secret"}}), 401);
  EXPECT_EQ(token_status(policy, {{"Authorization", "Bearer secre"}}), 401);
  EXPECT_EQ(token_status(policy, {{"Authorization", "Bearer bad"}, {"X-Api-Key", "secret"}}), 401)
      << "one check, on the first header";
}

TEST(AccessPolicy, MakesAnAddressWaitThatGuesses) {
  AccessPolicy policy({.tokens = {"secret"}});
  for (int count = 0; count < 10; ++count) {
    EXPECT_EQ(token_status(policy, {{"X-Api-Key", "guess"}}, "192.0.2.1"), 401);
  }
  EXPECT_EQ(token_status(policy, {{"X-Api-Key", "secret"}}, "192.0.2.1"), 429);
  EXPECT_EQ(token_status(policy, {{"X-Api-Key", "secret"}}, "192.0.2.2"), 0);
}

TEST(AccessPolicy, ReadsTokenFilesWithComments) {
  EXPECT_EQ(parse_token_file("# ours\nabc\r\n\n  def \n"),
            (std::vector<std::string>{"abc", "def"}));
}

TEST(AccessPolicy, MakesTokensThatDiffer) {
  const auto token = make_token();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->size(), 64U);
  EXPECT_NE(*token, *make_token());
}

}  // namespace
}  // namespace pajamas::http
