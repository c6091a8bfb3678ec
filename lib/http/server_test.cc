// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/error_response.h"
#include "http/reply.h"
#include "http/testing/raw_client.h"

namespace pajamas::http {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::get;
using testing_support::post;
using testing_support::RawClient;

void answer_ok(const Request&, Reply& reply) { reply.send({.body = R"({"ok":true})"}); }

// The routes that the tests need besides their own.
Router base_router() {
  Router router;
  router.add({.method = "GET",
              .pattern = "/ok",
              .handler = answer_ok,
              .lane = Lane::kQuick,
              .access = Access::kPublic});
  router.add(
      {.method = "POST", .pattern = "/echo", .handler = [](const Request& request, Reply& reply) {
         reply.send({.content_type = "text/plain", .body = request.body});
       }});
  router.add({.method = "GET", .pattern = "/secret", .handler = answer_ok});
  return router;
}

std::unique_ptr<Server> start(Router router, ServerOptions options = {}) {
  options.port = 0;
  auto server = Server::start(options, std::move(router));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

TEST(Server, AnswersRequestsOneAfterTheOtherOnOneConnection) {
  const auto server = start(base_router());
  RawClient client(server->port());
  for (const char* body : {"{}", "[1]"}) {
    client.send(post("/echo", body));
    const std::string answer = client.receive_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, ::testing::EndsWith(std::string("\r\n\r\n") + body));
    EXPECT_THAT(answer, HasSubstr("X-Request-Id: "));
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  const auto server = start(base_router());
  RawClient client(server->port());
  client.send(post("/echo", "\"first\"") + get("/ok") + post("/echo", "\"third\""));
  EXPECT_THAT(client.receive_answer(), HasSubstr("\"first\""));
  EXPECT_THAT(client.receive_answer(), HasSubstr("{\"ok\":true}"));
  EXPECT_THAT(client.receive_answer(), HasSubstr("\"third\""));
}

TEST(Server, ClosesWhenTheClientAsksOrSpeaksHttp10) {
  const auto server = start(base_router());
  RawClient client(server->port());
  client.send(get("/ok", "Connection: close\r\n"));
  EXPECT_THAT(client.receive_all(), HasSubstr("Connection: close"));
  RawClient old(server->port());
  old.send("GET /ok HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(old.receive_all(), StartsWith("HTTP/1.0 200 OK"));
}

TEST(Server, AnswersHeadWithoutABody) {
  const auto server = start(base_router());
  RawClient client(server->port());
  client.send("HEAD /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string answer = client.receive_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST(Server, SendsContinueBeforeABodyThatWaitsForIt) {
  const auto server = start(base_router());
  RawClient client(server->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, AnswersUnknownPathsAndMethodsInTheErrorShape) {
  const auto server = start(base_router());
  RawClient client(server->port());
  client.send(get("/nothing"));
  EXPECT_THAT(client.receive_answer(), HasSubstr("\"type\":\"not_found_error\""));
  client.send(post("/ok", "{}", "Connection: close\r\n"));
  EXPECT_THAT(client.receive_all(), HasSubstr("Allow: GET, HEAD"));
}

TEST(Server, WantsTheTokenOnAllButPublicRoutes) {
  const auto server = start(base_router(), {.access = {.tokens = {"t0ken"}}});
  RawClient client(server->port());
  client.send(get("/ok"));
  EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
  client.send(get("/secret"));
  EXPECT_THAT(client.receive_answer(), HasSubstr("WWW-Authenticate: Bearer"));
  client.send(get("/nothing"));
  EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 401")) << "says not what there is";
  client.send(get("/secret", "Authorization: Bearer t0ken\r\n"));
  EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, WantsATokenWhereOtherMachinesCanReachIt) {
  const auto refused = Server::start({.host = "0.0.0.0", .port = 0}, Router{});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("there is no token"));
  const auto named = Server::start({.host = "example.org", .port = 0}, Router{});
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, ErrorCode::kInvalidArgument);
}

TEST(Server, SaysThatAPortIsTaken) {
  const auto server = start(base_router());
  const auto second = Server::start({.port = server->port()}, Router{});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST(Server, StreamsEventsAndKeepsASilentStreamAlive) {
  std::promise<void> go_on;
  Router router = base_router();
  router.add({.method = "GET", .pattern = "/events", .handler = [&](const Request&, Reply& reply) {
                EXPECT_TRUE(reply.begin_events());
                EXPECT_TRUE(reply.write_event("1"));
                go_on.get_future().wait();
                EXPECT_TRUE(reply.write_event("2", "last"));
              }});
  const auto server = start(std::move(router), {.event_ping = milliseconds(20)});
  RawClient client(server->port());
  client.send(get("/events"));
  const std::string head = client.receive_until("data: 1\n\n");
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Accel-Buffering: no\r\n"));
  EXPECT_THAT(client.receive_until("\n:\n\n"), HasSubstr(":\n\n"));
  go_on.set_value();
  EXPECT_THAT(client.receive_until("0\r\n\r\n"), HasSubstr("event: last\ndata: 2\n\n"));
  client.send(get("/ok"));
  EXPECT_THAT(client.receive_answer(), HasSubstr("ok")) << "the connection goes on";
}

TEST(Server, TellsTheHandlerWhenTheClientGoes) {
  std::promise<bool> was_cancelled;
  Router router = base_router();
  router.add({.method = "GET", .pattern = "/long", .handler = [&](const Request&, Reply& reply) {
                for (int count = 0; count < 5000 && !reply.cancel().is_cancelled(); ++count) {
                  std::this_thread::sleep_for(milliseconds(1));
                }
                was_cancelled.set_value(reply.cancel().is_cancelled());
              }});
  const auto server = start(std::move(router));
  RawClient client(server->port());
  client.send(get("/long"));
  std::this_thread::sleep_for(milliseconds(20));
  client.close();
  EXPECT_TRUE(was_cancelled.get_future().get());
}

TEST(Server, HoldsBackAHandlerThatWritesFasterThanItsClientReads) {
  std::atomic<std::size_t> written{0};
  std::promise<ErrorCode> ended_by;
  Router router = base_router();
  router.add({.method = "GET", .pattern = "/flood", .handler = [&](const Request&, Reply& reply) {
                EXPECT_TRUE(reply.begin({.content_type = "text/plain"}));
                const std::string piece(1 << 16, 'x');
                while (true) {
                  if (Status status = reply.write(piece); !status) {
                    ended_by.set_value(status.error().code);
                    return;
                  }
                  written += piece.size();
                }
              }});
  const auto server = start(std::move(router), {.write_timeout = milliseconds(300)});
  RawClient client(server->port());
  client.send(get("/flood"));
  // The client reads nothing: the server gives up after the timeout.
  EXPECT_EQ(ended_by.get_future().get(), ErrorCode::kCancelled);
  EXPECT_LT(written, std::size_t{32} << 20);  // what the system's buffers and ours hold
}

TEST(Server, AnswersTooManyWhenItsLaneIsFull) {
  std::promise<void> release;
  const std::shared_future<void> released(release.get_future());
  std::atomic<int> running{0};
  Router router = base_router();
  router.add(
      {.method = "GET", .pattern = "/wait", .handler = [&](const Request& request, Reply& reply) {
         ++running;
         released.wait();
         answer_ok(request, reply);
       }});
  const auto server = start(std::move(router), {.lengthy = {.threads = 1, .max_admitted = 1}});
  RawClient first(server->port());
  first.send(get("/wait"));
  while (running == 0) std::this_thread::yield();
  RawClient second(server->port());
  second.send(get("/wait"));
  const std::string refusal = second.receive_answer();
  EXPECT_THAT(refusal, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(refusal, HasSubstr("Retry-After: 1"));
  second.send(get("/ok"));
  EXPECT_THAT(second.receive_answer(), StartsWith("HTTP/1.1 200")) << "the quick lane is free";
  release.set_value();
  EXPECT_THAT(first.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, FinishesRunningRequestsWhenItStops) {
  std::promise<void> started;
  Router router = base_router();
  router.add(
      {.method = "GET", .pattern = "/slow", .handler = [&](const Request& request, Reply& reply) {
         started.set_value();
         std::this_thread::sleep_for(milliseconds(100));
         answer_ok(request, reply);
       }});
  const auto server = start(std::move(router));
  RawClient idle(server->port());
  RawClient busy(server->port());
  busy.send(get("/slow"));
  started.get_future().wait();
  server->stop();
  EXPECT_THAT(busy.receive_all(), HasSubstr("{\"ok\":true}"));
  EXPECT_TRUE(idle.is_closed_by_server());
}

TEST(Server, CancelsWhatDoesNotFinishInTime) {
  std::promise<void> started;
  Router router = base_router();
  router.add({.method = "GET", .pattern = "/ever", .handler = [&](const Request&, Reply& reply) {
                started.set_value();
                while (!reply.cancel().is_cancelled()) {
                  std::this_thread::sleep_for(milliseconds(1));
                }
              }});
  const auto server = start(std::move(router), {.stop_grace = milliseconds(50)});
  RawClient client(server->port());
  client.send(get("/ever"));
  started.get_future().wait();
  server->stop();
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 503"));
}

TEST(Server, AnswersForHandlersThatThrowOrSayNothing) {
  Router router = base_router();
  router.add({.method = "GET", .pattern = "/throws", .handler = [](const Request&, Reply&) {
                throw std::runtime_error("of a library");
              }});
  router.add({.method = "GET", .pattern = "/silent", .handler = [](const Request&, Reply&) {}});
  const auto server = start(std::move(router));
  for (const char* path : {"/throws", "/silent"}) {
    RawClient client(server->port());
    client.send(get(path));
    EXPECT_THAT(client.receive_answer(), StartsWith("HTTP/1.1 500")) << path;
  }
}

TEST(Server, LogsEachRequestWithoutControlCharacters) {
  std::promise<AccessRecord> logged;
  ServerOptions options;
  options.log = [&](const AccessRecord& record) { logged.set_value(record); };
  const auto server = start(base_router(), options);
  RawClient client(server->port());
  client.send(get("/ok?x=\x80", "X-Request-Id: my-id\r\n"));
  client.receive_answer();
  const AccessRecord record = logged.get_future().get();
  EXPECT_EQ(record.id, "my-id");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.response_bytes, 11U);
  EXPECT_THAT(format_access_record(record), HasSubstr("127.0.0.1 GET /ok"));
}

}  // namespace
}  // namespace pajamas::http
