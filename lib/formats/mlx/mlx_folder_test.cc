// SPDX-License-Identifier: Apache-2.0
#include "formats/mlx/mlx_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "codecs/mlx/mlx_codec.h"
#include "formats/safetensors/safetensors_layout.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;

constexpr std::int64_t kRows = 3;
constexpr std::int64_t kCols = 128;
const MlxEncoding kFourBit{.quantization = {MlxMode::kAffine, 4, 64}};

std::vector<float> weights() {
  std::vector<float> values(kRows * kCols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 64.0F;
  }
  return values;
}

void append(std::string& to, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) to += static_cast<char>(byte);
}

// A folder with one module "a" of kFourBit and one plain vector, with anything spoiled.
struct Written {
  std::vector<SafetensorsEntry> entries = {{"a.weight", {kRows, kCols / 8}, DType::kU32},
                                           {"a.scales", {kRows, kCols / 64}, DType::kBF16},
                                           {"a.biases", {kRows, kCols / 64}, DType::kBF16},
                                           {"norm.weight", {2}, DType::kF32}};
  std::string config = R"({"quantization": {"group_size": 64, "bits": 4, "mode": "affine"}})";

  Result<std::unique_ptr<MlxFolder>> open(const TempFolder& folder) const {
    const auto layout = plan_safetensors(entries, {}).value();
    std::string file = layout.header;
    std::string codes, scales, biases;
    const std::vector<float> values = weights();
    for (std::int64_t row = 0; row < kRows; ++row) {
      std::vector<std::byte> c(64), s(4), b(4);
      encode_mlx_row(kFourBit,
                     std::span(values).subspan(static_cast<std::size_t>(row * kCols), kCols),
                     {c, s, b});
      append(codes, c);
      append(scales, s);
      append(biases, b);
    }
    file += codes + scales + biases;
    file.resize(layout.file_bytes);
    folder.write("model.safetensors", file);
    folder.write("config.json", config);
    return open_mlx_folder(folder.path());
  }

  std::string refusal() const {
    const TempFolder folder;
    const auto opened = open(folder);
    return opened ? "opened" : opened.error().message;
  }
};

TEST(MlxFolder, ShowsModulesAndDecodesTheirRows) {
  const TempFolder folder;
  const auto opened = Written{}.open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_EQ((*opened)->tensors().size(), 2U);
  const MlxTensor* tensor = (*opened)->find("a.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shape, (Shape{kRows, kCols}));
  EXPECT_EQ(tensor->quantization, kFourBit.quantization);
  EXPECT_FALSE((*opened)->find("norm.weight")->quantization);
  std::vector<float> row(kCols);
  ASSERT_TRUE((*opened)->decode_rows(*tensor, 2, 1, row));
  const std::vector<float> values = weights();
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_NEAR(row[i], values[2 * kCols + i], 0.1F);
}

TEST(MlxFolder, TheViewReadsAnyRangeOfBytesAsFloats) {
  const TempFolder folder;
  auto opened = Written{}.open(folder);
  ASSERT_TRUE(opened);
  std::vector<float> all(kRows * kCols);
  ASSERT_TRUE((*opened)->decode_rows(*(*opened)->find("a.weight"), 0, kRows, all));
  const auto source = make_mlx_source(**opened);
  const TensorInfo* info = source->find("a.weight");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->dtype, DType::kF32);
  const auto bytes = std::as_bytes(std::span(all));
  for (const auto& [offset, count] :
       {std::pair<std::size_t, std::size_t>{0, bytes.size()}, {7, 1000}, {511, 2}, {1536, 0}}) {
    std::vector<std::byte> out(count);
    ASSERT_TRUE(source->read(*info, offset, out));
    EXPECT_TRUE(std::ranges::equal(out, bytes.subspan(offset, count))) << offset;
  }
}

TEST(MlxFolder, ReadsWhatOtherConvertersWrite) {
  for (const char* config :
       {R"({"quantization": {"group_size": 64, "bits": 4}})",
        R"({"quantization": {"group_size": null, "bits": null}})",
        R"({"quantization": {"group_size": 32, "bits": 8, "a": {"group_size": 64, "bits": 4}}})",
        R"({"quantization": {"group_size": 64, "bits": 4, "norm": false, "extra": 3}})",
        R"({"quantization_config": {"group_size": 64, "bits": 4}})"}) {
    Written written;
    written.config = config;
    EXPECT_EQ(written.refusal(), "opened") << config;
  }
}

TEST(MlxFolder, WithoutQuantizationEveryTensorIsPlain) {
  Written written;
  written.config = R"({"quantization": {"quant_method": "awq", "bits": 4, "group_size": 64}})";
  written.entries[1].name = "a.other";
  const TempFolder folder;
  const auto opened = written.open(folder);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->tensors().size(), 4U);
}

TEST(MlxFolder, RefusesPartsThatDoNotFitEachOther) {
  Written written;
  written.entries[1].shape = {kRows, 1};
  EXPECT_THAT(written.refusal(), HasSubstr("tensor 'a.scales' is bf16 (3, 1), expected (3, 2)"));
  written = {};
  written.entries[1].dtype = DType::kI16;
  EXPECT_THAT(written.refusal(), HasSubstr("f32, f16 or bf16"));
  written = {};
  written.entries[2].name = "a.bias";
  EXPECT_THAT(written.refusal(), HasSubstr("'a.biases' is missing"));
  written = {};
  written.entries[0].dtype = DType::kI32;
  EXPECT_THAT(written.refusal(), HasSubstr("packed codes"));
  written = {};
  written.config = R"({"quantization": {"group_size": 128, "bits": 3}})";
  EXPECT_THAT(written.refusal(), HasSubstr("a.weight"));
}

TEST(MlxFolder, RefusesSettingsThatMlxDoesNotHave) {
  const auto refusal = [](const char* settings) {
    Written written;
    written.config = fmt::format(R"({{"quantization": {}}})", settings);
    return written.refusal();
  };
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": 7})"), HasSubstr("7-bit"));
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": 99999999999})"), HasSubstr("bits"));
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": "4"})"), HasSubstr("bits"));
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": 4, "mode": "q4"})"), HasSubstr("affine"));
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": 4, "a": {"mode": "mxfp8", "bits": 4}})"),
              HasSubstr("quantization of 'a'"));
  EXPECT_THAT(refusal(R"({"group_size": 64, "bits": 4, "a": false})"),
              HasSubstr("says that 'a' is not quantized"));
}

}  // namespace
}  // namespace pajamas
