// SPDX-License-Identifier: Apache-2.0
#include "http/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/error_response.h"

namespace pajamas::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HttpMessage, FindsHeadersWhateverTheirCase) {
  const Request request{.headers = {{"content-TYPE", "text/plain"}}};
  EXPECT_EQ(request.header("Content-Type"), "text/plain");
  EXPECT_FALSE(request.has_header("Content-Typ"));
}

TEST(HttpMessage, LeavesOutHeaderValuesThatWouldStartAnotherHeader) {
  const Response response{.headers = {{"X-A", "1\r\nX-Evil: 2"}, {"X-B", "3"}}};
  const std::string head = write_head(response, {});
  EXPECT_THAT(head, Not(HasSubstr("X-Evil")));
  EXPECT_THAT(head, HasSubstr("X-B: 3\r\n"));
}

TEST(HttpMessage, GivesNoLengthWhereThereIsNoBody) {
  EXPECT_THAT(write_head({.status = 204}, {}), Not(HasSubstr("Content-Length")));
  EXPECT_THAT(write_head({.status = 200}, {}), HasSubstr("Content-Length: 0\r\n"));
}

TEST(HttpMessage, DecodesPercentEscapesAndRefusesBrokenOnes) {
  std::string text;
  EXPECT_TRUE(percent_decode("a%2Fb%20c", text));
  EXPECT_EQ(text, "a/b c");
  for (const char* broken : {"%", "%4", "%zz", "%00"}) EXPECT_FALSE(percent_decode(broken, text));
}

TEST(HttpMessage, KeepsControlCharactersOutOfTheLog) {
  EXPECT_EQ(printable_line("a\x1b[31m\r\nb", 100), "a?[31m??b");
  EXPECT_EQ(printable_line("abcdef", 3), "abc");
}

TEST(ErrorResponse, HasAllFieldsThatClientsRead) {
  const Response response = error_response({.status = 400, .message = "bad", .param = "n"});
  EXPECT_EQ(
      response.body,
      R"({"error":{"message":"bad","type":"invalid_request_error","param":"n","code":null}})");
}

TEST(ErrorResponse, SaysWhenToTryAgainAndHowToAuthenticate) {
  const Response busy = error_response({.status = 429, .retry_after_s = 3});
  EXPECT_EQ(*find_header(busy.headers, "Retry-After"), "3");
  const Response unknown = error_response({.status = 401});
  EXPECT_EQ(*find_header(unknown.headers, "WWW-Authenticate"), "Bearer");
}

TEST(ErrorResponse, ReplacesInvalidUtf8) {
  EXPECT_THAT(error_response({.message = "a\xFF"}).body, HasSubstr("\xEF\xBF\xBD"));
}

}  // namespace
}  // namespace pajamas::http
