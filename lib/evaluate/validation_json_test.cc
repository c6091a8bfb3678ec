// SPDX-License-Identifier: Apache-2.0
#include "evaluate/validation_json.h"

#include <limits>

#include <gtest/gtest.h>

#include "evaluate/testing/infinity.h"

namespace pajamas {
namespace {

using testing_support::kInfinity;

Validation small_validation() {
  Validation validation;
  validation.original.name = "model";
  validation.original.perplexity.push_back({.method = "llama.cpp", .perplexity = 5.5});
  ModelQuality& quantized = validation.quantized.emplace_back();
  quantized.name = "model-q4";
  quantized.divergence = DivergenceResult{.positions = 10};
  quantized.divergence->histogram[3] = 7;
  quantized.tensors.push_back({.name = "blk.3.ffn_up.weight",
                               .layer = 3,
                               .type = "Q4_K",
                               .elements = 8,
                               .relative_mse = 0,
                               .snr_db = kInfinity});
  quantized.tensors.push_back({.name = "output.weight",
                               .relative_mse = kInfinity,
                               .snr_db = -kInfinity,
                               .max_error = std::numeric_limits<double>::quiet_NaN()});
  return validation;
}

TEST(ValidationJson, IsADocumentThatParsersRead) {
  const std::string text = validation_json_text(small_validation());
  const auto json = parse_json(text, "validation.json", {});
  ASSERT_TRUE(json.has_value()) << json.error().message;
  EXPECT_EQ((*json)["validation_version"], 1);
  EXPECT_EQ((*json)["original"]["perplexity"][0]["perplexity"], 5.5);
  const Json& quantized = (*json)["quantized"][0];
  EXPECT_EQ(quantized["divergence"]["histogram"]["counts"].size(), kDivergenceBins);
  EXPECT_EQ(quantized["divergence"]["histogram"]["counts"][3], 7);
  EXPECT_EQ(quantized["tensors"][0]["layer"], 3);
}

TEST(ValidationJson, WhatIsNotFiniteIsANamedString) {
  const Json json = validation_to_json(small_validation());
  const Json& tensors = json["quantized"][0]["tensors"];
  EXPECT_EQ(tensors[0]["snr_db"], "Infinity");
  EXPECT_EQ(tensors[1]["snr_db"], "-Infinity");
  EXPECT_EQ(tensors[1]["relative_mse"], "Infinity");
  EXPECT_EQ(tensors[1]["max_error"], "NaN");
}

TEST(ValidationJson, PartsThatWereNotAskedForAreLeftOut) {
  const Json json = validation_to_json(small_validation());
  EXPECT_FALSE(json.contains("corpus"));
  EXPECT_FALSE(json["original"].contains("divergence"));
  EXPECT_FALSE(json["original"].contains("tensors"));
  EXPECT_FALSE(json["quantized"][0].contains("tasks"));
  EXPECT_FALSE(json["quantized"][0]["tensors"][1].contains("layer"));
}

TEST(ValidationJson, NamesThatAreNotUtf8AreMadeSo) {
  Validation validation;
  validation.original.name = "bad \xff name";
  validation.quantized.push_back({});
  validation.quantized[0].samples.push_back(
      {.prompt = "\xc3", .original = "\x80", .quantized = ""});
  const std::string text = validation_json_text(validation);
  EXPECT_TRUE(parse_json(text, "validation.json", {}).has_value());
  EXPECT_NE(text.find("bad \xEF\xBF\xBD name"), std::string::npos);
}

}  // namespace
}  // namespace pajamas
