// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_source.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf/gguf_layout.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::golden;
using testing_support::TempFolder;

std::unique_ptr<GgufSource> open_golden(std::string_view name) {
  auto source = open_gguf(golden(fmt::format("good/gguf/{}", name)));
  EXPECT_TRUE(source) << source.error().message;
  return source ? *std::move(source) : nullptr;
}

std::vector<std::string> names_of(const TensorSource& source) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : source.tensors()) names.push_back(tensor.name);
  return names;
}

template <typename T>
T value_of(const GgufSource& source, std::string_view key) {
  const T* value = source.metadata().find_as<T>(key);
  EXPECT_NE(value, nullptr) << key;
  return value == nullptr ? T{} : *value;
}

TEST(GgufSource, ReadsEveryTypeOfScalarKey) {
  const auto source = open_golden("all_types.gguf");
  EXPECT_EQ(value_of<std::uint8_t>(*source, "s.u8"), 200);
  EXPECT_EQ(value_of<std::int8_t>(*source, "s.i8"), -100);
  EXPECT_EQ(value_of<std::uint16_t>(*source, "s.u16"), 60000);
  EXPECT_EQ(value_of<std::int16_t>(*source, "s.i16"), -30000);
  EXPECT_EQ(value_of<std::uint32_t>(*source, "s.u32"), 4000000000U);
  EXPECT_EQ(value_of<std::int32_t>(*source, "s.i32"), -2000000000);
  EXPECT_EQ(value_of<float>(*source, "s.f32"), 0.5F);
  EXPECT_TRUE(value_of<bool>(*source, "s.bool"));
  EXPECT_EQ(value_of<std::string>(*source, "s.str"), "h\xc3\xa9llo");
  EXPECT_EQ(value_of<std::uint64_t>(*source, "s.u64"), std::uint64_t{1} << 63);
  EXPECT_EQ(value_of<std::int64_t>(*source, "s.i64"), -(std::int64_t{1} << 62));
  EXPECT_EQ(value_of<double>(*source, "s.f64"), 0.1);
}

TEST(GgufSource, ReadsArraysAndKeepsTheOrderOfKeys) {
  const auto source = open_golden("all_types.gguf");
  EXPECT_THAT(value_of<std::vector<std::uint8_t>>(*source, "a.u8"), ElementsAre(1, 2));
  EXPECT_THAT(value_of<std::vector<std::int32_t>>(*source, "a.i32"), ElementsAre(-1, 0, 1));
  EXPECT_THAT(value_of<std::vector<float>>(*source, "a.f32"), ElementsAre(0.25F));
  EXPECT_THAT(value_of<std::vector<bool>>(*source, "a.bool"), ElementsAre(true, false, true));
  EXPECT_THAT(value_of<std::vector<std::string>>(*source, "a.str"), ElementsAre("", "b", "cc"));
  EXPECT_THAT(value_of<std::vector<double>>(*source, "a.f64"), IsEmpty());
  EXPECT_EQ(source->metadata().entries().front().first, "general.architecture");
  EXPECT_EQ(source->metadata().entries().back().first, "a.f64");
}

TEST(GgufSource, GivesShapesOutermostFirstAndKeepsTrailingOnes) {
  const auto source = open_golden("all_types.gguf");
  EXPECT_EQ(source->find("first")->shape, (Shape{2, 3}));
  EXPECT_EQ(source->find("second")->shape, (Shape{32}));
  EXPECT_EQ(source->find("second")->dtype, DType::kQ8_0);
  EXPECT_EQ(source->find("second")->bytes, 34U);
  EXPECT_EQ(source->find("third")->shape, (Shape{1, 1, 1, 2}));
  EXPECT_EQ(source->find("absent"), nullptr);
}

TEST(GgufSource, ATensorWithoutDimensionsIsAScalar) {
  const auto source = open_golden("scalar.gguf");
  EXPECT_EQ(source->find("s")->shape, Shape{});
  EXPECT_EQ(source->find("s")->bytes, 4U);
}

TEST(GgufSource, ReadsARangeOfATensor) {
  const auto source = open_golden("all_types.gguf");
  std::array<float, 2> values{};
  ASSERT_TRUE(source->read(*source->find("first"), 8, std::as_writable_bytes(std::span(values))));
  EXPECT_THAT(values, ElementsAre(3.0F, 4.0F));
}

TEST(GgufSource, TakesTheAlignmentFromItsKeyAndSortsTensorsByOffset) {
  const auto source = open_golden("alignment_64.gguf");
  EXPECT_EQ(source->alignment(), 64U);
  EXPECT_THAT(names_of(*source), ElementsAre("a", "b"));
  std::array<float, 1> value{};
  ASSERT_TRUE(source->read(*source->find("b"), 0, std::as_writable_bytes(std::span(value))));
  EXPECT_EQ(value[0], 7.0F);
}

TEST(GgufSource, ReadsVersion2AndAFileWithoutTensors) {
  EXPECT_THAT(names_of(*open_golden("version_2.gguf")), ElementsAre("w"));
  EXPECT_THAT(names_of(*open_golden("no_tensors.gguf")), IsEmpty());
}

TEST(GgufSource, FollowsASplitSetAndLeavesItsKeysOut) {
  const auto source = open_golden("split-00001-of-00002.gguf");
  EXPECT_THAT(names_of(*source), ElementsAre("part0", "part1"));
  EXPECT_EQ(source->files().size(), 2U);
  EXPECT_EQ(source->find("part1")->file, 1);
  EXPECT_EQ(source->metadata().entries().size(), 1U);
  std::array<float, 1> value{};
  ASSERT_TRUE(source->read(*source->find("part1"), 20, std::as_writable_bytes(std::span(value))));
  EXPECT_EQ(value[0], 6.0F);
}

TEST(GgufSource, FollowsASymbolicLinkToTheFile) {
  const TempFolder folder;
  std::filesystem::create_symlink(golden("good/gguf/version_2.gguf"), folder.path() / "link.gguf");
  EXPECT_TRUE(open_gguf(folder.path() / "link.gguf"));
}

TEST(GgufSource, RefusesAFifoWithoutWaitingForAWriter) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "model.gguf").c_str(), 0600), 0);
  const auto source = open_gguf(folder.path() / "model.gguf");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(source.error().message, HasSubstr("is a FIFO, expected a regular file"));
}

TEST(GgufSource, AFileCutAfterItWasOpenedIsAnErrorOfTheRead) {
  const TempFolder folder;
  const auto layout = plan_gguf({}, {{"w", {8, 1024}, DType::kF32}}).value();
  const auto path = folder.write("a.gguf", layout.header);
  std::filesystem::resize_file(path, layout.file_bytes);
  const auto source = open_gguf(path);
  ASSERT_TRUE(source);
  std::filesystem::resize_file(path, layout.header.size() + 100);
  std::vector<std::byte> out(4096);
  const Status read = (*source)->read((*source)->tensors()[0], 0, out);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("cut short while being read"));
}

TEST(GgufSource, RefusesMoreKeysThanAnyModelHas) {
  const TempFolder folder;
  Metadata metadata;
  metadata.set("k", std::uint8_t{1});
  std::string header = plan_gguf(metadata, {}).value().header;
  header.resize(20000 * 14 + 24);
  header[16] = static_cast<char>(20000 & 0xff);
  header[17] = static_cast<char>(20000 >> 8);
  const auto source = open_gguf(folder.write("a.gguf", header));
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error().message, HasSubstr("declares 20000 keys, expected at most 4096"));
}

}  // namespace
}  // namespace pajamas
