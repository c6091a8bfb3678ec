// SPDX-License-Identifier: Apache-2.0
#include "models/output_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/half.h"
#include "tensor/testing/memory_source.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::MemorySource;

// Rows of two, each element its own number.
MemorySource numbered_source() {
  MemorySource source;
  source.add<float>("a", {8, 2}, DType::kF32,
                    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  source.add<float>("b", {8}, DType::kF32, {0, 1, 2, 3, 4, 5, 6, 7});
  std::vector<std::uint16_t> halves;
  for (const float value : {1.0F, 2.0F, 3.0F, 4.0F}) halves.push_back(f32_to_bf16(value));
  source.add("half", {2, 2}, DType::kBF16, halves);
  return source;
}

OpenedModel model_of(MemorySource source) {
  OpenedModel model;
  model.tensors = std::make_unique<MemorySource>(std::move(source));
  return model;
}

// Of a tensor that stays F32: read() and read_floats() are the same.
std::vector<float> read_floats(const OutputRows& rows, const OutputTensor& tensor,
                               std::int64_t first, std::int64_t count) {
  std::vector<float> out(static_cast<std::size_t>(count * tensor.shape.cols()));
  EXPECT_TRUE(rows.check(tensor).has_value());
  EXPECT_TRUE(rows.read(tensor, first, count, std::as_writable_bytes(std::span(out))).has_value());
  std::vector<float> floats(out.size());
  EXPECT_TRUE(rows.read_floats(tensor, first, count, floats).has_value());
  EXPECT_EQ(floats, out);
  return out;
}

TEST(OutputRows, PiecesFollowEachOther) {
  const OpenedModel model = model_of(numbered_source());
  const OutputRows rows(model, nullptr);
  const OutputTensor tensor{.name = "x",
                            .shape = {3, 2},
                            .pieces = {{.source = "a", .first_row = 6, .row_count = 2},
                                       {.source = "a", .first_row = 1, .row_count = 1}}};
  EXPECT_THAT(read_floats(rows, tensor, 0, 3), ElementsAre(12, 13, 14, 15, 2, 3));
  EXPECT_THAT(read_floats(rows, tensor, 1, 2), ElementsAre(14, 15, 2, 3));
}

TEST(OutputRows, RotaryHalvesBecomePairs) {
  const OpenedModel model = model_of(numbered_source());
  const OutputRows rows(model, nullptr);
  const Piece piece{.source = "a", .row_count = 8, .order = RowOrder::kRopeInterleave, .heads = 2};
  const OutputTensor matrix{.name = "x", .shape = {8, 2}, .pieces = {piece}};
  EXPECT_THAT(read_floats(rows, matrix, 0, 4), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  EXPECT_THAT(read_floats(rows, matrix, 5, 2), ElementsAre(12, 13, 10, 11));
  OutputTensor bias{.name = "y", .shape = {8}, .pieces = {piece}};
  bias.pieces[0].source = "b";
  ASSERT_TRUE(rows.check(bias).has_value());
  EXPECT_THAT(*rows.read_vector(bias), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
}

TEST(OutputRows, ValuesAreWidenedWhereTheTensorStaysF32) {
  const OpenedModel model = model_of(numbered_source());
  const OutputRows rows(model, nullptr);
  const OutputTensor tensor{.name = "x",
                            .shape = {2, 2},
                            .pieces = {{.source = "half", .row_count = 2}},
                            .op = ElementOp::kAddOne,
                            .keep_f32 = true};
  EXPECT_THAT(read_floats(rows, tensor, 0, 2), ElementsAre(2, 3, 4, 5));
}

TEST(OutputRows, FloatsOfFp8WeightsAreNotRounded) {
  MemorySource source;
  source.add<std::uint8_t>("w", {2, 2}, DType::kF8E4M3, {0x38, 0x38, 0x40, 0xB8});  // 1, 1, 2, -1
  source.add<float>("w_scale_inv", {1, 1}, DType::kF32, {0.1F});
  const OpenedModel model = model_of(std::move(source));
  const OutputRows rows(model, nullptr);
  const OutputTensor tensor{
      .name = "x", .shape = {2, 2}, .pieces = {{.source = "w", .row_count = 2}}};
  ASSERT_TRUE(rows.check(tensor).has_value());
  std::vector<float> floats(4);
  ASSERT_TRUE(rows.read_floats(tensor, 0, 2, floats).has_value());
  EXPECT_THAT(floats, ElementsAre(0.1F, 0.1F, 0.2F, -0.1F));  // none is a BF16
}

TEST(OutputRows, ConstantsAreTheirValues) {
  const OpenedModel model = model_of(numbered_source());
  const OutputRows rows(model, nullptr);
  OutputTensor tensor{.name = "x", .shape = {2}, .constant = {5, 6}};
  ASSERT_TRUE(rows.check(tensor).has_value());
  EXPECT_THAT(*rows.read_vector(tensor), ElementsAre(5, 6));
  tensor.shape = {3};
  EXPECT_FALSE(rows.check(tensor).has_value());
}

TEST(OutputRows, WhatTheSourceDoesNotHaveIsAnError) {
  const OpenedModel model = model_of(numbered_source());
  const OutputRows rows(model, nullptr);
  const auto message = [&](const OutputTensor& tensor) {
    return rows.check(tensor).error().message;
  };
  EXPECT_THAT(message({.name = "x", .shape = {1, 2}, .pieces = {{.source = "c", .row_count = 1}}}),
              HasSubstr("'c' (for 'x') is not in the source"));
  EXPECT_THAT(message({.name = "x", .shape = {9, 2}, .pieces = {{.source = "a", .row_count = 9}}}),
              HasSubstr("expected at least 9 rows"));
  EXPECT_THAT(message({.name = "x", .shape = {9, 2}, .pieces = {{.source = "a", .row_count = 8}}}),
              HasSubstr("its source has 8 rows"));
  EXPECT_THAT(message({.name = "x",
                       .shape = {8, 2},
                       .pieces = {{.source = "a",
                                   .row_count = 8,
                                   .order = RowOrder::kRopeInterleave,
                                   .heads = 3}}}),
              HasSubstr("'a' is (8, 2)"));
}

TEST(OutputRows, Fp8VectorsAreRefused) {
  MemorySource source;
  source.add<std::uint8_t>("v", {4}, DType::kF8E4M3, {1, 2, 3, 4});
  source.add<float>("v_scale_inv", {1, 1}, DType::kF32, {1});
  const OpenedModel model = model_of(std::move(source));
  const Status checked = OutputRows(model, nullptr)
                             .check({.name = "v",
                                     .shape = {4},
                                     .pieces = {{.source = "v",
                                                 .row_count = 4,
                                                 .order = RowOrder::kRopeInterleave,
                                                 .heads = 2}}});
  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(checked.error().message, HasSubstr("expected a matrix"));
}

}  // namespace
}  // namespace pajamas
