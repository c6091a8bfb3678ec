// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_layout.h"

#include <gtest/gtest.h>

#include "formats/safetensors/safetensors_source.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing_support::TempFolder;

std::vector<SafetensorsEntry> three_tensors() {
  return {{"z.weight", {3, 8}, DType::kU32}, {"z.scales", {3, 1}, DType::kBF16}, {"a", {5}}};
}

TEST(SafetensorsLayout, TheReaderFindsEveryTensorWhereItWasPlanned) {
  const auto tensors = three_tensors();
  const std::vector<std::pair<std::string, std::string>> metadata = {{"format", "mlx"}};
  const auto layout = plan_safetensors(tensors, metadata);
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->header.size() % 8, 0U);
  EXPECT_EQ(layout->file_bytes, layout->header.size() + 96 + 6 + 20);
  const TempFolder folder;
  const auto path =
      folder.write("model.safetensors",
                   layout->header + std::string(layout->file_bytes - layout->header.size(), '\1'));
  const auto source = open_safetensors(path);
  ASSERT_TRUE(source) << source.error().message;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo* found = (*source)->find(tensors[i].name);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->file_offset, layout->tensor_offsets[i]);
    EXPECT_EQ(found->shape, tensors[i].shape);
    EXPECT_EQ(found->dtype, tensors[i].dtype);
  }
}

TEST(SafetensorsLayout, RefusesWhatTheFormatCannotHold) {
  auto twice = three_tensors();
  twice[1].name = "a";
  EXPECT_FALSE(plan_safetensors(twice, {}));
  auto block = three_tensors();
  block[0].dtype = DType::kQ4_K;
  EXPECT_FALSE(plan_safetensors(block, {}));
}

TEST(SafetensorsLayout, ShardsCarryTheirNumberOnlyWhenThereAreSeveral) {
  EXPECT_EQ(safetensors_shard_name(0, 1), "model.safetensors");
  EXPECT_EQ(safetensors_shard_name(1, 12), "model-00002-of-00012.safetensors");
}

}  // namespace
}  // namespace pajamas
