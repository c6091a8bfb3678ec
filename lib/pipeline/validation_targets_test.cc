// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validation_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"
#include "pipeline/manifest.h"
#include "runtime/testing/tiny_model.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;
using testing_support::tiny_llama;

void write_manifest(const TempFolder& folder, std::string_view formats) {
  folder.write("manifest.json",
               fmt::format(R"({{"manifest_version": 1, "formats": {}}})", formats));
}

TEST(ValidationTargets, OfAnArtifactFolderAreTheOutputsThatAreThere) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "gguf");
  folder.write("gguf/m-q8_0.gguf", "x");
  write_manifest(folder, R"([{"type": "gguf", "path": "gguf/m-q8_0.gguf", "method": "Q8_0"},
                             {"type": "gguf", "path": "gguf/moved.gguf", "method": "Q4_0"},
                             {"type": "onnx", "path": "onnx/model.onnx"}])");
  const auto targets = *find_validation_targets(folder.path());
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0].name, "m-q8_0.gguf");
  EXPECT_EQ(targets[0].method, "Q8_0");
  EXPECT_EQ(targets[0].manifest_path, "gguf/m-q8_0.gguf");
  // The file alone is the same output.
  const auto alone = *find_validation_targets(targets[0].path);
  EXPECT_EQ(alone[0].manifest_path, "gguf/m-q8_0.gguf");
  EXPECT_EQ(alone[0].method, "Q8_0");
}

TEST(ValidationTargets, AnMlxFolderKnowsItsManifestToo) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "mlx");
  folder.write("mlx/config.json", "{}");
  write_manifest(folder, R"([{"type": "mlx", "path": "mlx", "method": "4bit"}])");
  for (const char* path : {"mlx", "mlx/"}) {
    const auto targets = *find_validation_targets(folder.path() / path);
    ASSERT_EQ(targets.size(), 1U);
    EXPECT_EQ(targets[0].method, "4bit");
    EXPECT_THAT(targets[0].name, HasSubstr("/mlx"));
  }
}

TEST(ValidationTargets, AManifestMayNotLeaveItsFolder) {
  const TempFolder folder;
  write_manifest(folder, R"([{"type": "gguf", "path": "../other.gguf"}])");
  EXPECT_THAT(find_validation_targets(folder.path()).error().message,
              HasSubstr("expected a path inside the folder"));
  write_manifest(folder, "[]");
  EXPECT_EQ(find_validation_targets(folder.path()).error().code, ErrorCode::kNotFound);
}

TEST(ValidationTargets, OfAPlainFolderOfFilesAreAllWithTheFirstOfSplitSets) {
  const TempFolder folder;
  for (const char* name : {"b.gguf", "a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "c.txt"}) {
    folder.write(name, "x");
  }
  const auto targets = *find_validation_targets(folder.path());
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].name, "a-00001-of-00002.gguf");
  EXPECT_EQ(targets[1].name, "b.gguf");
}

TEST(DescribeQuality, TellsSizeBitsAndTheMainType) {
  const TempFolder folder;
  const auto path = folder.path() / "tiny.gguf";
  ASSERT_TRUE(write_model(tiny_llama(), path));
  const OpenedModel model = *open_model_path(path);
  const ModelQuality quality = *describe_quality({.path = path, .name = "tiny.gguf"}, model);
  EXPECT_EQ(quality.method, "F32");
  EXPECT_EQ(quality.format, "gguf");
  EXPECT_EQ(quality.bits_per_weight, 32);
  EXPECT_EQ(quality.size_bytes, std::filesystem::file_size(path));
  EXPECT_EQ(*model_fingerprint(model), *model_fingerprint(*open_model_path(path)));
}

}  // namespace
}  // namespace pajamas
