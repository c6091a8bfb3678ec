// SPDX-License-Identifier: Apache-2.0
#include "models/opened_model.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf/gguf_layout.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;

std::string error_of(const std::filesystem::path& path) {
  const auto model = open_model_path(path);
  return model ? std::string("it opened") : model.error().message;
}

TEST(OpenedModel, AFolderIsSeenUnderGgufNamesAndKeys) {
  const auto folder = std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";
  const auto model = open_model_path(folder);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->family, "llama");
  EXPECT_EQ(model->source.format, "safetensors");
  EXPECT_EQ(*model->gguf_keys.find_as<std::uint32_t>("llama.block_count"), 4U);
  EXPECT_NE(model->gguf_keys.find("tokenizer.ggml.tokens"), nullptr);
  const auto query = std::ranges::find(model->outputs, "blk.0.attn_q.weight", &OutputTensor::name);
  ASSERT_NE(query, model->outputs.end());
  EXPECT_EQ(query->pieces.front().source, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(query->pieces.front().order, RowOrder::kRopeInterleave);
  EXPECT_EQ(unquantized_dtype(*model, *query), DType::kBF16);
  EXPECT_EQ(open_model_path(folder / "config.json")->name, "tiny-storyteller");
}

TEST(OpenedModel, AGgufFileWithoutAnArchitectureIsNoModel) {
  const TempFolder folder;
  const auto layout = plan_gguf({}, {});
  ASSERT_TRUE(layout.has_value());
  EXPECT_THAT(error_of(folder.write("model.gguf", layout->header)),
              HasSubstr("general.architecture"));
}

TEST(OpenedModel, OtherFilesAreErrorsThatSayWhatIsRead) {
  const TempFolder folder;
  EXPECT_THAT(error_of(folder.write("model.bin", "x")), HasSubstr("Pickle files can run code"));
  EXPECT_THAT(error_of(folder.write("model.txt", "x")), HasSubstr("or a .gguf file"));
  EXPECT_THAT(error_of(folder.path() / "absent.gguf"), HasSubstr("absent.gguf"));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("safetensors"));
}

}  // namespace
}  // namespace pajamas
