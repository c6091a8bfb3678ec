// SPDX-License-Identifier: Apache-2.0
#include "hub/hf_cache.h"

#include <unistd.h>

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view kCommit = "0123456789abcdef0123456789abcdef01234567";

HubEnvironment environment_of(std::map<std::string, std::string> variables) {
  return {.variable = [variables](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
          },
          .home = "/users/ann"};
}

TEST(RepoId, NamesTheHubGivesAreAccepted) {
  for (const char* id : {"gpt2", "meta-llama/Llama-3.2-1B", "a/b", "_x/y_", "Qwen/Qwen3-0.6B"}) {
    EXPECT_TRUE(is_repo_id(id)) << id;
  }
  EXPECT_TRUE(is_repo_id(std::string(96, 'a')));
}

TEST(RepoId, PathsAndForbiddenNamesAreNotRepoIds) {
  for (const char* id :
       {"", "/", "a/", "/a", "a/b/c", "./a", "../a", "a/..", "-a/b", "a/b-", "a/.b", "a/b.",
        "a--b/c", "a/b..c", "a/b.git", "a b/c", "a/b\n", "a\\b", "~/a"}) {
    EXPECT_FALSE(is_repo_id(id)) << id;
  }
  EXPECT_FALSE(is_repo_id(std::string(97, 'a')));
}

TEST(HfCacheFolder, FollowsTheVariablesInTheOrderOfHuggingfaceHub) {
  std::map<std::string, std::string> variables;
  EXPECT_EQ(hf_cache_folder(environment_of(variables)), "/users/ann/.cache/huggingface/hub");
  variables["XDG_CACHE_HOME"] = "/xdg";
  EXPECT_EQ(hf_cache_folder(environment_of(variables)), "/xdg/huggingface/hub");
  variables["HF_HOME"] = "~/hf";
  EXPECT_EQ(hf_cache_folder(environment_of(variables)), "/users/ann/hf/hub");
  variables["HUGGINGFACE_HUB_CACHE"] = "/old";
  EXPECT_EQ(hf_cache_folder(environment_of(variables)), "/old");
  variables["HF_HUB_CACHE"] = "/new";
  EXPECT_EQ(hf_cache_folder(environment_of(variables)), "/new");
}

TEST(HfCacheFolder, VariablesInsideValuesAreReplacedAndEmptyOnesIgnored) {
  EXPECT_EQ(
      hf_cache_folder(environment_of(
          {{"HF_HUB_CACHE", "$DISK/a/${USER}_$GONE/${USER"}, {"DISK", "/disk"}, {"USER", "ann"}})),
      "/disk/a/ann_$GONE/${USER");
  EXPECT_EQ(hf_cache_folder(environment_of({{"HF_HUB_CACHE", ""}, {"HF_HOME", "~"}})),
            "/users/ann/hub");
}

class HfCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    cache_ = fs::path(testing::TempDir()) /
             fmt::format("hf_cache_test_{}_{}", ::getpid(),
                         testing::UnitTest::GetInstance()->current_test_info()->name());
    repo_ = cache_ / "models--org--tiny";
    fs::create_directories(repo_ / "blobs");
    fs::create_directories(repo_ / "refs" / "refs" / "pr");
    fs::create_directories(snapshot());
    write(repo_ / "blobs" / "b1", "{}");
    fs::create_symlink("../../blobs/b1", snapshot() / "config.json");
    write(repo_ / "refs" / "main", kCommit);
    write(repo_ / "refs" / "refs" / "pr" / "1", fmt::format("{}\n", kCommit));
  }
  void TearDown() override { fs::remove_all(cache_); }

  static void write(const fs::path& path, std::string_view text) {
    ASSERT_TRUE(write_file_atomic(path, text));
  }
  fs::path snapshot() const { return repo_ / "snapshots" / kCommit; }
  Result<CachedSnapshot> find(std::string_view repo_id, std::string_view revision) const {
    return find_in_hf_cache(repo_id, revision, environment_of({{"HF_HUB_CACHE", cache_.string()}}));
  }

  fs::path cache_;
  fs::path repo_;
};

TEST_F(HfCacheTest, BranchPullRequestAndCommitAllLeadToTheSnapshot) {
  for (const std::string_view revision :
       {std::string_view("main"), std::string_view("refs/pr/1"), kCommit}) {
    const auto found = find("org/tiny", revision);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->folder, snapshot());
    EXPECT_EQ(found->repo_id, "org/tiny");
    EXPECT_EQ(found->revision, kCommit);
  }
}

TEST_F(HfCacheTest, ARepositoryWithoutAnOrganisationIsFound) {
  fs::create_directories(cache_ / "models--gpt2" / "snapshots" / kCommit);
  EXPECT_TRUE(find("gpt2", kCommit));
}

TEST_F(HfCacheTest, AMissSaysWhereItLookedAndHowToFetch) {
  const auto missing = find("org/other", "main");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr((cache_ / "models--org--other").string()));
  EXPECT_THAT(missing.error().message, HasSubstr("hf download org/other'"));
}

TEST_F(HfCacheTest, AnUnknownRevisionNamesTheKnownOnes) {
  const auto missing = find("org/tiny", "v2");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("there: main, refs"));
  EXPECT_THAT(missing.error().message, HasSubstr("hf download org/tiny --revision v2"));
}

TEST_F(HfCacheTest, ACommitWithoutASnapshotIsNotFound) {
  const auto missing = find("org/tiny", std::string(40, 'f'));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("no files of its revision"));
}

TEST_F(HfCacheTest, ARefThatIsNotACommitIsInvalid) {
  for (const char* content :
       {"", "../../../etc", "0123", "0123456789ABCDEF0123456789ABCDEF01234567"}) {
    write(repo_ / "refs" / "main", content);
    const auto found = find("org/tiny", "main");
    ASSERT_FALSE(found) << content;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidData);
    EXPECT_THAT(found.error().message, HasSubstr("expected 40 hex digits"));
  }
}

TEST_F(HfCacheTest, ARevisionThatClimbsOutOfTheCacheIsRefused) {
  for (const char* revision : {"", "../main", "a/../../main", "/etc/passwd", "a\\b"}) {
    const auto found = find("org/tiny", revision);
    ASSERT_FALSE(found) << revision;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(HfCacheTest, ALinkWithoutItsBlobMeansAHalfDownload) {
  fs::create_symlink("../../blobs/gone", snapshot() / "model.safetensors");
  const auto found = find("org/tiny", "main");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidData);
  EXPECT_THAT(found.error().message, HasSubstr("model.safetensors' is only half there"));
}

TEST_F(HfCacheTest, WhatIsNotARepoIdIsNotLookedUp) {
  const auto found = find("../org/tiny", "main");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
}

TEST(HubEnvironment, TheProcessHasAHomeAndItsVariables) {
  const HubEnvironment environment = HubEnvironment::from_process();
  EXPECT_FALSE(environment.home.empty());
  EXPECT_TRUE(environment.variable("PATH"));
  EXPECT_FALSE(environment.variable("PAJAMAS_NO_SUCH_VARIABLE"));
}

}  // namespace
}  // namespace pajamas
