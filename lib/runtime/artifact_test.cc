// SPDX-License-Identifier: Apache-2.0
#include "runtime/artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::HasSubstr;
using testing_support::TempFolder;

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;

// Three GGUF files of 1000, 500 and 250 bytes by the manifest, and one that is gone.
std::filesystem::path write_artifact(const TempFolder& folder, std::string_view more = "") {
  for (const char* name : {"m-q8_0.gguf", "m-q4_k_m.gguf", "m-q2_k.gguf"}) folder.write(name, "x");
  const auto entry = [](std::string_view method, std::string_view file, int bytes) {
    return fmt::format(
        R"({{"type":"gguf","path":"{}","method":"{}","size_bytes":{},"bits_per_weight":{}}})", file,
        method, bytes, bytes / 100.0);
  };
  folder.write(
      "manifest.json",
      fmt::format(
          R"({{"manifest_version":1,"formats":[{},{},{},{},{{"type":"mlx","path":"mlx"}}]{}}})",
          entry("Q4_K_M", "m-q4_k_m.gguf", 500), entry("Q8_0", "m-q8_0.gguf", 1000),
          entry("Q2_K", "m-q2_k.gguf", 250), entry("F16", "gone.gguf", 2000), more));
  return folder.path();
}

TEST(Artifact, AnMlxFolderIsChosenByNameOrWhereNothingElseIs) {
  const TempFolder folder;
  const std::string mlx =
      R"({"type":"mlx","path":"mlx","method":"4bit","bits_per_weight":4.5,"size_bytes":9})";
  const std::string gguf =
      R"({"type":"gguf","path":"m.gguf","method":"Q2_K","bits_per_weight":2,"size_bytes":9})";
  std::filesystem::create_directory(folder.path() / "mlx");
  folder.write("m.gguf", "");
  folder.write("manifest.json", fmt::format(R"({{"formats":[{},{}]}})", mlx, gguf));
  EXPECT_EQ(choose_artifact(folder.path(), "", kPlenty)->method, "Q2_K");
  EXPECT_EQ(choose_artifact(folder.path(), "4BIT", kPlenty)->path, folder.path() / "mlx");
  folder.write("manifest.json", fmt::format(R"({{"formats":[{}]}})", mlx));
  EXPECT_EQ(choose_artifact(folder.path(), "", kPlenty)->path, folder.path() / "mlx");
}

TEST(Artifact, TheBestFileThatFitsIsChosen) {
  const TempFolder folder;
  const auto path = write_artifact(folder);
  EXPECT_EQ(choose_artifact(path, "", kPlenty)->method, "Q8_0");
  EXPECT_EQ(choose_artifact(path, "", 1000)->method, "Q4_K_M");
  EXPECT_EQ(choose_artifact(path, "", 10)->method, "Q2_K");  // its own error says what it needs
  EXPECT_EQ(choose_artifact(path, "", kPlenty)->path, path / "m-q8_0.gguf");
}

TEST(Artifact, ATypeCanBeNamed) {
  const TempFolder folder;
  const auto path = write_artifact(folder);
  EXPECT_EQ(choose_artifact(path, "q4_k_m", kPlenty)->method, "Q4_K_M");
  const auto missing = choose_artifact(path, "Q5_K_M", kPlenty);
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("it has Q4_K_M, Q8_0, Q2_K"));
}

TEST(Artifact, LaterVersionsAndEscapingPathsAreErrors) {
  const TempFolder folder;
  const auto error_of = [&](std::string_view manifest) {
    folder.write("manifest.json", manifest);
    const auto chosen = choose_artifact(folder.path(), "", kPlenty);
    return chosen ? std::string() : chosen.error().message;
  };
  EXPECT_THAT(error_of(R"({"manifest_version":2})"), HasSubstr("version 2"));
  EXPECT_THAT(error_of(R"({"format_versions":{"gguf":4}})"), HasSubstr("version 4"));
  EXPECT_THAT(error_of(R"({"runtime_requirements":{"gguf":{"llama_pajamas_run":">=9.0"}}})"),
              HasSubstr("needs llama-pajamas-run >=9.0"));
  EXPECT_THAT(error_of(R"({"formats":[{"type":"gguf","path":"../m.gguf"}]})"),
              HasSubstr("inside the folder"));
  EXPECT_THAT(error_of(R"({"formats":[{"type":"gguf","path":"/etc/passwd"}]})"),
              HasSubstr("inside the folder"));
  EXPECT_THAT(error_of(R"({"formats":7})"), HasSubstr("no file that this program can run"));
  EXPECT_THAT(error_of("["), HasSubstr("manifest.json"));
}

TEST(Artifact, AFolderOfGgufFilesNeedsAName) {
  const TempFolder folder;
  folder.write("a.gguf", "x");
  EXPECT_EQ(choose_artifact(folder.path(), "", kPlenty)->path, folder.path() / "a.gguf");
  folder.write("b-00001-of-00002.gguf", "x");
  folder.write("b-00002-of-00002.gguf", "x");
  const auto several = choose_artifact(folder.path(), "", kPlenty);
  ASSERT_FALSE(several.has_value());
  EXPECT_THAT(several.error().message, HasSubstr("a, b-00001-of-00002"));
  EXPECT_TRUE(choose_artifact(folder.path(), "a", kPlenty).has_value());
}

TEST(Artifact, FilesAndModelFoldersAreTakenAsTheyAre) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("a.gguf", "x");
  EXPECT_EQ(choose_artifact(folder.path(), "", kPlenty)->path, folder.path());
  EXPECT_EQ(choose_artifact(folder.path() / "a.gguf", "", kPlenty)->path, folder.path() / "a.gguf");
}

TEST(Artifact, RequirementsAreComparedNumberByNumber) {
  EXPECT_TRUE(meets_requirement("0.1.0", ">=0.1.0"));
  EXPECT_TRUE(meets_requirement("0.10.0", ">=0.9.7"));
  EXPECT_TRUE(meets_requirement("1.0", ">=1"));
  EXPECT_FALSE(meets_requirement("0.1.0", ">=0.1.1"));
  for (const char* text : {"", "0.1", ">=", ">=x", ">=1.2.3.4", ">=1..2", ">=99999999999"}) {
    EXPECT_FALSE(meets_requirement("0.1.0", text)) << text;
  }
}

}  // namespace
}  // namespace pajamas
