// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf/gguf_source.h"
#include "formats/gguf/gguf_types.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::TempFolder;
using namespace std::string_literals;

Metadata one_value_of_each_type() {
  Metadata metadata;
  metadata.set("general.architecture", "llama"s);
  metadata.set("u8", std::uint8_t{255});
  metadata.set("i8", std::int8_t{-128});
  metadata.set("u16", std::uint16_t{65535});
  metadata.set("i16", std::int16_t{-32768});
  metadata.set("u32", std::uint32_t{4294967295});
  metadata.set("i32", std::int32_t{-2147483647});
  metadata.set("f32", 0.1F);
  metadata.set("bool", true);
  metadata.set("u64", ~std::uint64_t{0});
  metadata.set("i64", std::int64_t{-1} << 62);
  metadata.set("f64", 0.1);
  metadata.set("a.u8", std::vector<std::uint8_t>{1, 2});
  metadata.set("a.i8", std::vector<std::int8_t>{-1});
  metadata.set("a.u16", std::vector<std::uint16_t>{1});
  metadata.set("a.i16", std::vector<std::int16_t>{-1});
  metadata.set("a.u32", std::vector<std::uint32_t>{1});
  metadata.set("a.i32", std::vector<std::int32_t>{-1});
  metadata.set("a.f32", std::vector<float>{1.5F, -0.0F});
  metadata.set("a.bool", std::vector<bool>{true, false});
  metadata.set("a.str", std::vector<std::string>{"", "x"});
  metadata.set("a.u64", std::vector<std::uint64_t>{});
  metadata.set("a.i64", std::vector<std::int64_t>{-5});
  metadata.set("a.f64", std::vector<double>{2.5});
  return metadata;
}

TEST(GgufLayout, WritesTheHeaderToTheByte) {
  Metadata metadata;
  metadata.set("a", std::uint16_t{513});
  const auto layout = plan_gguf(metadata, {{"w", {2, 3}, DType::kF16}});
  ASSERT_TRUE(layout) << layout.error().message;
  const std::string expected =
      "GGUF\3\0\0\0"
      "\1\0\0\0\0\0\0\0"               // tensors
      "\1\0\0\0\0\0\0\0"               // keys
      "\1\0\0\0\0\0\0\0a\2\0\0\0\1\2"  // key, u16, value
      "\1\0\0\0\0\0\0\0w\2\0\0\0"      // name, dimensions
      "\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0\0\0\0\0"s;  // type, offset
  EXPECT_EQ(layout->header, expected + std::string(96 - expected.size(), '\0'));
  EXPECT_THAT(layout->tensor_offsets, ElementsAre(96));
  EXPECT_EQ(layout->file_bytes, 96U + 32U);
}

TEST(GgufLayout, PadsEveryTensorAndTheLastOne) {
  const auto layout = plan_gguf(
      {}, {{"a", {1}, DType::kF32}, {"b", {2, 32}, DType::kQ8_0}, {"c", {}, DType::kF32}});
  ASSERT_TRUE(layout) << layout.error().message;
  const std::uint64_t start = layout->header.size();
  EXPECT_EQ(start % 32, 0U);
  EXPECT_THAT(layout->tensor_offsets, ElementsAre(start, start + 32, start + 32 + 96));
  EXPECT_EQ(layout->file_bytes, start + 32 + 96 + 32);
}

TEST(GgufLayout, WhatIsPlannedIsReadBackTheSame) {
  const TempFolder folder;
  const Metadata metadata = one_value_of_each_type();
  const std::vector<GgufTensorEntry> tensors = {{"w", {2, 3, 5, 7}, DType::kBF16},
                                                {"v", {3, 512}, DType::kQ4_K}};
  const auto layout = plan_gguf(metadata, tensors);
  ASSERT_TRUE(layout) << layout.error().message;
  const auto path = folder.write("a.gguf", layout->header);
  std::filesystem::resize_file(path, layout->file_bytes);

  const auto source = open_gguf(path);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->metadata().entries(), metadata.entries());
  ASSERT_EQ((*source)->tensors().size(), tensors.size());
  for (std::size_t place = 0; place < tensors.size(); ++place) {
    const TensorInfo& found = (*source)->tensors()[place];
    EXPECT_EQ(found.name, tensors[place].name);
    EXPECT_EQ(found.shape, tensors[place].shape);
    EXPECT_EQ(found.dtype, tensors[place].dtype);
    EXPECT_EQ(found.file_offset, layout->tensor_offsets[place]);
  }
}

TEST(GgufLayout, ReadersCanOpenEveryTypeThatHasANumber) {
  const TempFolder folder;
  std::vector<GgufTensorEntry> tensors;
  for (const DTypeInfo& info : kDTypes) {
    if (find_ggml_type_id(info.dtype)) {
      tensors.push_back({std::string(info.name), {3, info.block_elems}, info.dtype});
    }
  }
  EXPECT_EQ(tensors.size(), 23U);
  const auto layout = plan_gguf({}, tensors).value();
  const auto path = folder.write("a.gguf", layout.header);
  std::filesystem::resize_file(path, layout.file_bytes);
  const auto source = open_gguf(path);
  ASSERT_TRUE(source) << source.error().message;
  for (const GgufTensorEntry& tensor : tensors) {
    EXPECT_EQ((*source)->find(tensor.name)->dtype, tensor.dtype);
    EXPECT_EQ(find_ggml_type(ggml_type_id(tensor.dtype))->dtype, tensor.dtype);
  }
  EXPECT_EQ(find_ggml_type(18), nullptr);
  EXPECT_EQ(find_ggml_type(43), nullptr);
}

TEST(GgufLayout, AnotherAlignmentNeedsItsKey) {
  Metadata metadata;
  EXPECT_THAT(plan_gguf(metadata, {}, 64).error().message, HasSubstr("expected the u32 64"));
  metadata.set("general.alignment", std::uint32_t{64});
  EXPECT_THAT(plan_gguf(metadata, {}).error().message, HasSubstr("expected the u32 32"));
  const auto layout = plan_gguf(metadata, {{"w", {1}, DType::kF32}}, 64);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->header.size() % 64, 0U);
  EXPECT_EQ(layout->file_bytes, layout->header.size() + 64);
  EXPECT_THAT(plan_gguf(metadata, {}, 48).error().message, HasSubstr("expected a power of two"));
}

struct BadPlan {
  const char* name;
  Metadata metadata;
  std::vector<GgufTensorEntry> tensors;
  const char* message;
};

Metadata with_key(std::string_view key, MetadataValue value) {
  Metadata metadata;
  metadata.set(key, std::move(value));
  return metadata;
}

TEST(GgufLayout, RefusesWhatTheFormatCannotHold) {
  const std::int64_t top = std::int64_t{1} << 62;
  const auto plans = std::to_array<BadPlan>({
      {"empty key", with_key("", true), {}, "cannot write the key ''"},
      {"long key", with_key(std::string(65536, 'k'), true), {}, "65536 bytes, expected 1 to"},
      {"long string", with_key("k", std::string(17 << 20, 'x')), {}, "17825792 bytes, expected"},
      {"long name", {}, {{std::string(64, 'n'), {1}, DType::kF32}}, "a name of 64 bytes"},
      {"empty name", {}, {{"", {1}, DType::kF32}}, "a name of 0 bytes"},
      {"same name", {}, {{"w", {1}, DType::kF32}, {"w", {1}, DType::kF32}}, "the same name"},
      {"five dims", {}, {{"w", {1, 1, 1, 1, 1}, DType::kF32}}, "5 dimensions, expected at most 4"},
      {"zero dim", {}, {{"w", {0, 4}, DType::kF32}}, "shape (0, 4), expected 1 to"},
      {"overflow", {}, {{"w", {top, 4}, DType::kF32}}, "expected 1 to 2^63 - 1 elements"},
      {"too many bytes", {}, {{"w", {top}, DType::kF64}}, "2^64 bytes or more"},
      {"too large file", {}, {{"w", {top / 4}, DType::kF32}}, "the file would have 2^62"},
      {"block", {}, {{"w", {2, 255}, DType::kQ4_K}}, "rows of 255 elements, expected a multiple"},
      {"no such type", {}, {{"w", {2}, DType::kF8E4M3}}, "GGUF has no type f8_e4m3"},
  });
  for (const BadPlan& plan : plans) {
    SCOPED_TRACE(plan.name);
    const auto layout = plan_gguf(plan.metadata, plan.tensors);
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(layout.error().message, HasSubstr(plan.message));
  }
}

}  // namespace
}  // namespace pajamas
