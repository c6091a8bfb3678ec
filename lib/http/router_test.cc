// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <gtest/gtest.h>

namespace pajamas::http {
namespace {

Router sample_router() {
  Router router;
  const Handler handler = [](const Request&, Reply&) {};
  router.add({.method = "GET", .pattern = "/v1/models/{id...}", .handler = handler});
  router.add({.method = "GET", .pattern = "/v1/models", .handler = handler});
  router.add({.method = "GET", .pattern = "/jobs/{id}/log", .handler = handler});
  router.add({.method = "POST", .pattern = "/jobs/{id}", .handler = handler});
  router.add({.method = "POST", .pattern = "/jobs/all", .handler = handler});
  return router;
}

TEST(Router, GivesParametersDecoded) {
  const Router router = sample_router();
  const RouteMatch job = router.find("GET", "/jobs/a%20b/log");
  ASSERT_NE(job.route, nullptr);
  EXPECT_EQ(job.parameters.at(0).second, "a b");
}

TEST(Router, TakesTheRestOfAPathWithAndWithoutEscapedSlashes) {
  const Router router = sample_router();
  for (const char* path : {"/v1/models/org/name", "/v1/models/org%2Fname"}) {
    const RouteMatch match = router.find("GET", path);
    ASSERT_NE(match.route, nullptr) << path;
    EXPECT_EQ(match.parameters.at(0).second, "org/name");
  }
}

TEST(Router, PrefersLiteralRoutes) {
  EXPECT_EQ(sample_router().find("POST", "/jobs/all").route->pattern, "/jobs/all");
}

TEST(Router, AnswersHeadByGetAndNamesTheAllowedMethods) {
  const Router router = sample_router();
  EXPECT_NE(router.find("HEAD", "/v1/models").route, nullptr);
  const RouteMatch match = router.find("DELETE", "/v1/models");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed_methods, "GET, HEAD");
}

TEST(Router, KnowsNoOtherPaths) {
  const Router router = sample_router();
  for (const char* path : {"/", "/v1", "/v1/models/", "/jobs/x/log/y", "/jobs//log", "/jobs/%zz"}) {
    const RouteMatch match = router.find("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
  }
}

}  // namespace
}  // namespace pajamas::http
