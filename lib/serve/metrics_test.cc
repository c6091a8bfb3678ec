// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pajamas {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, CountPerModel) {
  Metrics metrics;
  metrics.of("a").completion_tokens += 3;
  metrics.of("b").completion_tokens += 5;
  metrics.of("a").note_end("length");
  const std::string text = metrics.to_prometheus({});
  EXPECT_THAT(text, HasSubstr("# TYPE pajamas_completion_tokens_total counter\n"
                              "pajamas_completion_tokens_total{model=\"a\"} 3\n"
                              "pajamas_completion_tokens_total{model=\"b\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("pajamas_answers_total{model=\"a\",reason=\"length\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pajamas_answers_total{model=\"a\",reason=\"stop\"} 0\n"));
}

TEST(Metrics, AddUpTheBucketsOfHistograms) {
  Metrics metrics;
  SecondsHistogram& histogram = metrics.of("a").first_token_seconds;
  for (const double seconds : {0.001, 0.3, 0.4, 1000.0}) histogram.add(seconds);
  const std::string text = metrics.to_prometheus({});
  const std::string name = "pajamas_time_to_first_token_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"a\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"a\",le=\"0.25\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"a\",le=\"0.5\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"a\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "_count{model=\"a\"} 4\n"));
}

TEST(Metrics, SayWhatModelsAreBusyWith) {
  const ModelLibrary::Entry entries[] = {
      {.id = "loaded",
       .is_loaded = true,
       .weight_bytes = 100,
       .load = {.running = 2, .waiting = 7, .used_blocks = 1, .max_blocks = 4}},
      {.id = "not \"loaded\"\n"}};
  const std::string text = Metrics().to_prometheus(entries);
  EXPECT_THAT(text, HasSubstr("pajamas_requests_running{model=\"loaded\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("pajamas_requests_waiting{model=\"loaded\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("pajamas_kv_cache_usage_ratio{model=\"loaded\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("pajamas_model_loaded{model=\"not \\\"loaded\\\"\\n\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE process_resident_memory_bytes gauge\n"));
}

}  // namespace
}  // namespace pajamas
