// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf/gguf_source.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::TempFolder;

std::vector<GgufTensorEntry> tensors_of_rows(std::initializer_list<std::int64_t> rows) {
  std::vector<GgufTensorEntry> tensors;
  for (const std::int64_t count : rows) {
    tensors.push_back({fmt::format("t{}", tensors.size()), {count, 8}, DType::kF32});
  }
  return tensors;
}

std::vector<std::size_t> counts_of(const std::vector<GgufSplit>& splits) {
  std::vector<std::size_t> counts;
  for (const GgufSplit& split : splits) counts.push_back(split.tensor_count);
  return counts;
}

TEST(GgufSplit, ClosesAFileAtTheGivenNumberOfTensors) {
  const auto splits = plan_gguf_split({}, tensors_of_rows({1, 1, 1, 1, 1}), {.max_tensors = 2});
  ASSERT_TRUE(splits);
  EXPECT_THAT(counts_of(*splits), ElementsAre(2, 2, 1));
  EXPECT_EQ((*splits)[2].first_tensor, 4U);
}

TEST(GgufSplit, ClosesAFileBeforeItsPaddedDataPassesTheGivenSize) {
  const auto splits = plan_gguf_split({}, tensors_of_rows({1, 2, 1, 1}), {.max_bytes = 96});
  ASSERT_TRUE(splits);
  EXPECT_THAT(counts_of(*splits), ElementsAre(2, 2));
  EXPECT_EQ((*splits)[0].layout.file_bytes - (*splits)[0].layout.header.size(), 96U);
}

TEST(GgufSplit, ATensorOverTheSizeGetsAFileOfItsOwn) {
  const auto splits = plan_gguf_split({}, tensors_of_rows({9, 1, 9, 1}), {.max_bytes = 64});
  ASSERT_TRUE(splits);
  EXPECT_THAT(counts_of(*splits), ElementsAre(1, 1, 1, 1));
}

TEST(GgufSplit, TheFirstFileCanBeKeptFreeOfTensors) {
  const auto splits = plan_gguf_split({}, tensors_of_rows({1, 1, 1}),
                                      {.max_tensors = 2, .no_tensor_first_split = true});
  ASSERT_TRUE(splits);
  EXPECT_THAT(counts_of(*splits), ElementsAre(0, 2, 1));
}

TEST(GgufSplit, WithoutLimitsThereIsOneFile) {
  EXPECT_THAT(counts_of(plan_gguf_split({}, tensors_of_rows({1, 1}), {}).value()), ElementsAre(2));
}

TEST(GgufSplit, ThePlannedFilesOpenAsOneModelWithTheKeysOfTheFirst) {
  const TempFolder folder;
  Metadata metadata;
  metadata.set("split.count", std::uint16_t{7});  // of the source, not of what is written
  metadata.set("general.alignment", std::uint32_t{64});
  metadata.set("general.architecture", std::string("llama"));
  const auto splits = plan_gguf_split(metadata, tensors_of_rows({1, 2, 3}), {.max_tensors = 1});
  ASSERT_TRUE(splits) << splits.error().message;
  for (std::size_t no = 0; no < splits->size(); ++no) {
    const GgufLayout& layout = (*splits)[no].layout;
    const auto path = folder.write(gguf_split_name("m", no, splits->size()), layout.header);
    std::filesystem::resize_file(path, layout.file_bytes);
  }
  const auto source = open_gguf(folder.path() / "m-00001-of-00003.gguf");
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->tensors().size(), 3U);
  EXPECT_EQ((*source)->metadata().entries().size(), 2U);
  EXPECT_EQ((*source)->find("t2")->file, 2);
  EXPECT_EQ((*source)->find("t2")->file_offset, (*splits)[2].layout.tensor_offsets[0]);
}

TEST(GgufSplit, EveryFileHasTheThreeSplitKeysInTheOrderOfLlamaCpp) {
  const auto splits = plan_gguf_split({}, tensors_of_rows({1, 1}), {.max_tensors = 1});
  using namespace std::string_literals;
  const std::string expected =
      "\10\0\0\0\0\0\0\0split.no\2\0\0\0\1\0"
      "\13\0\0\0\0\0\0\0split.count\2\0\0\0\2\0"
      "\23\0\0\0\0\0\0\0split.tensors.count\5\0\0\0\2\0\0\0"s;
  EXPECT_EQ((*splits)[1].layout.header.substr(24, expected.size()), expected);
}

TEST(GgufSplit, RefusesMoreFilesThanTheNamesAndReadersAllow) {
  const std::vector<std::size_t> one_each(1001, 1);
  std::vector<GgufTensorEntry> tensors;
  for (int place = 0; place < 1001; ++place) {
    tensors.push_back({fmt::format("t{}", place), {1}, DType::kF32});
  }
  EXPECT_THAT(plan_gguf_split_at({}, tensors, one_each).error().message,
              HasSubstr("1001 tensors in 1001 files, expected 1 to 1000 files"));
}

TEST(GgufSplit, NamesAreWrittenAndReadBack) {
  EXPECT_EQ(gguf_split_name("model-Q4_K_M", 0, 3), "model-Q4_K_M-00001-of-00003.gguf");
  const auto name = parse_gguf_split_name("a-b-00010-of-00012.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "a-b");
  EXPECT_EQ(name->no, 9U);
  EXPECT_EQ(name->count, 12U);
}

TEST(GgufSplit, OtherNamesAreNotThoseOfASet) {
  for (const char* name : {"model.gguf", "m-00000-of-00002.gguf", "m-00003-of-00002.gguf",
                           "m-0001-of-0002.gguf", "m-0000x-of-00002.gguf", "m-00001_of-00002.gguf",
                           "m-00001-of-00002.bin", "00001-of-00002.gguf", ""}) {
    EXPECT_FALSE(parse_gguf_split_name(name)) << name;
  }
}

}  // namespace
}  // namespace pajamas
