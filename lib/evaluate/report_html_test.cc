// SPDX-License-Identifier: Apache-2.0
// What the report contains; how it looks is tested in a browser, tests/interop/test_report_page.py.
#include "evaluate/report_html.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/testing/infinity.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing::Not;

using testing_support::kInfinity;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

PerplexityResult perplexity(double value) {
  return {.method = "llama.cpp", .context = 512, .stride = 512, .perplexity = value};
}

DivergenceResult divergence(double mean) {
  DivergenceResult result{.positions = 100, .kl = {.mean = mean, .median = mean / 2}};
  result.histogram[20] = 60;
  result.histogram[21] = 40;
  return result;
}

ModelQuality quantized(std::string method, double loss) {
  ModelQuality model{.name = "m-" + method + ".gguf",
                     .format = "gguf",
                     .method = std::move(method),
                     .size_bytes = 2'000'000,
                     .bits_per_weight = 4.5};
  model.perplexity = {perplexity(5 + loss)};
  model.divergence = divergence(loss);
  model.tasks = {{"HellaSwag", "acc", 0.5 - loss, 0.01, 400, 0}};
  model.tensors = {{"blk.0.ffn_up.weight", 0, "Q4_K", 100, 0.01, 20.0, 0.5},
                   {"blk.1.ffn_up.weight", 1, "Q6_K", 100, 0.001, 30.0, 0.2},
                   {"blk.0.attn_norm.weight", 0, "F32", 10, 0, kInfinity, 0},
                   {"output.weight", -1, "Q6_K", 100, 0.001, 30.0, 0.1}};
  model.samples = {{"Once", " there was a cat", " there was a dog", 3}};
  return model;
}

Validation validation() {
  Validation made;
  made.original = {.name = "m", .method = "BF16", .size_bytes = 6'000'000};
  made.original.perplexity = {perplexity(5)};
  made.original.tasks = {{"HellaSwag", "acc", 0.5, 0.01, 400, 0}};
  made.quantized = {quantized("Q4_K_M", 0.02), quantized("Q2_K", 0.2)};
  return made;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

TEST(ReportHtml, ShowsEveryModelAndEveryNumber) {
  const std::string html = report_html(validation());
  EXPECT_THAT(html, HasSubstr("<h1>m</h1>"));
  for (const char* heading : {"Summary", "Quality against size", "KL divergence by position",
                              "Error of the weights", "Tasks", "Continuations"}) {
    EXPECT_THAT(html, HasSubstr(std::string(">") + heading + "</h2>")) << heading;
  }
  EXPECT_EQ(count(html, "class=\"mark gguf\""), 4U);  // two models in two plots
  EXPECT_EQ(count(html, "<figure class=\"histogram\">"), 2U);
  EXPECT_THAT(html, HasSubstr("+0.40\u00A0%"));  // 5.02 over 5
  EXPECT_THAT(html, HasSubstr("33\u00A0%"));     // of the original's size
  EXPECT_THAT(html, HasSubstr("<title>blk.1.ffn_up.weight: Q6_K, SNR 30.00 dB, relative MSE "
                              "0.00100, largest error 0.200</title>"));
  EXPECT_THAT(html, HasSubstr("every file has them exactly: attn_norm"));
  EXPECT_THAT(html, HasSubstr("<span class=\"same\"> there was a </span><mark>dog</mark>"));
  EXPECT_THAT(html, Not(HasSubstr("Perplexity by method")));  // there is but one
}

TEST(ReportHtml, NamesTheTensorsThatLostMost) {
  Validation made = validation();
  made.quantized = {quantized("Q4_K_M", 0.02)};
  made.quantized[0].tensors[3].snr_db = kNan;
  const std::string html = report_html(made);
  const std::string worst = html.substr(html.find("class=\"worst\""));
  const auto place = [&](std::string_view name) { return worst.find(name); };
  EXPECT_LT(place("output.weight"), place("blk.0.ffn_up.weight"));
  EXPECT_LT(place("blk.0.ffn_up.weight"), place("blk.1.ffn_up.weight"));
  EXPECT_EQ(place("attn_norm"), worst.find("exactly: attn_norm") + 9);  // in the note alone
}

TEST(ReportHtml, NeedsAndRunsNothing) {
  const std::string html = report_html(validation());
  for (const char* part : {"<script", "src=", "http:", "https:", "@import", "url(",
                           " style=", " onclick", "javascript:"}) {
    EXPECT_THAT(html, Not(HasSubstr(part))) << part;
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(ReportHtml, ADifferenceIsMarkedWhereTheTextsPart) {
  const auto shown = [](std::string original, std::string quantized_text) {
    Validation made = validation();
    made.quantized = {quantized("Q4_K_M", 0.02)};
    made.quantized[0].samples = {{"p", std::move(original), std::move(quantized_text), 1}};
    return report_html(made);
  };
  EXPECT_THAT(shown("one two", "one"), HasSubstr("<mark class=\"end\">end of text</mark>"));
  const std::string first_word = shown(".", " blew away");
  EXPECT_THAT(first_word, HasSubstr("<mark>.</mark>"));
  EXPECT_THAT(first_word, HasSubstr("<span class=\"same\"> </span><mark>blew</mark> away"));
  // Half of a character in common is not in common.
  EXPECT_THAT(shown("a ä", "a ö"), HasSubstr("<mark>ö</mark>"));
  EXPECT_THAT(shown("the same", "the same"), HasSubstr("the same text, 1 token<"));
}

TEST(ReportHtml, WhatIsNotANumberIsNeverAPlace) {
  Validation made = validation();
  ModelQuality& model = made.quantized[0];
  for (TensorError& error : model.tensors) error.snr_db = kNan;
  model.tensors[1].snr_db = -kInfinity;
  model.perplexity[0].perplexity = kInfinity;
  model.divergence->kl.mean = kNan;
  model.divergence->kl.median = -kInfinity;
  made.quantized[1].divergence->kl.mean = 0;  // has no logarithm
  made.quantized[1].perplexity[0].perplexity = 1e300;
  const std::string html = report_html(made);
  for (const char* place : {"=\"nan", "=\"-nan", "=\"inf", "=\"-inf", "M nan", " nan", " inf"}) {
    EXPECT_THAT(html, Not(HasSubstr(place))) << place;
  }
  EXPECT_THAT(html, HasSubstr("n/a"));
  EXPECT_EQ(count(html, "class=\"mark gguf\""), 2U);  // of the other model
}

TEST(ReportHtml, WithoutAnythingMeasuredThereIsATableOfNames) {
  Validation made;
  made.original.name = "m";
  made.quantized.push_back({.name = "q"});
  const std::string html = report_html(made);
  EXPECT_THAT(html, HasSubstr("Summary</h2>"));
  EXPECT_EQ(count(html, "<section"), 1U);
  EXPECT_THAT(report_html({}), HasSubstr("</html>"));
}

TEST(ReportHtml, NamesWithoutAPatternDoNotConfuseTheMap) {
  Validation made = validation();
  made.quantized[0].tensors = {{"", 0, "F32", 1, 0.1, 10, 1},
                               {"blk", 3, "F32", 1, 0.1, 10, 1},
                               {"blk.2000000000.a", 2000000000, "F32", 1, 0.1, 10, 1},
                               {"x", -1, "F32", 1, 0.1, 10, 1}};
  EXPECT_LT(report_html(made).size(), 1'000'000U);
}

}  // namespace
}  // namespace pajamas
