// SPDX-License-Identifier: Apache-2.0
#include "serve/model_library.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/testing/scripted_model.h"

namespace pajamas {
namespace {

class ModelLibraryTest : public ::testing::Test {
 protected:
  OfferedModel offer(const char* id, std::uint64_t bytes) {
    return {.id = id, .bytes = bytes, .load = [this]() -> Result<SharedModel> {
              ++loads_;
              return std::make_shared<testing_support::ScriptedModel>();
            }};
  }
  ModelLibrary library(std::uint64_t max_bytes) {
    return ModelLibrary({offer("a", 60), offer("b", 60), offer("c", 30)}, {.max_bytes = max_bytes});
  }
  static std::string loaded(const ModelLibrary& library) {
    std::string ids;
    for (const auto& entry : library.list()) {
      if (entry.is_loaded) ids += entry.id;
    }
    return ids;
  }
  std::atomic<int> loads_{0};
};

TEST_F(ModelLibraryTest, LoadsAModelWhenItIsFirstAskedFor) {
  ModelLibrary library = this->library(0);
  EXPECT_EQ(loaded(library), "");
  ASSERT_TRUE(library.acquire("b"));
  ASSERT_TRUE(library.acquire("b"));
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(loaded(library), "b");
}

TEST_F(ModelLibraryTest, TakesTheFirstModelWhenNoneIsNamed) {
  ModelLibrary library = this->library(0);
  ASSERT_TRUE(library.acquire(""));
  EXPECT_EQ(loaded(library), "a");
}

TEST_F(ModelLibraryTest, UnloadsWhatWasUsedLongestAgo) {
  ModelLibrary library = this->library(125);
  ASSERT_TRUE(library.acquire("a"));
  ASSERT_TRUE(library.acquire("c"));
  ASSERT_TRUE(library.acquire("a"));
  ASSERT_TRUE(library.acquire("b"));
  EXPECT_EQ(loaded(library), "ab");
}

TEST_F(ModelLibraryTest, UnloadsNoModelThatIsInUse) {
  ModelLibrary library = this->library(100);
  const auto in_use = library.acquire("a");
  ASSERT_TRUE(in_use);
  const auto second = library.acquire("b");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(loaded(library), "a");
}

TEST_F(ModelLibraryTest, NamesTheModelsThereAre) {
  ModelLibrary library = this->library(0);
  const auto unknown = library.acquire("d");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, ::testing::HasSubstr("a, b, c"));
}

TEST_F(ModelLibraryTest, LoadsAModelOnceForAllWhoAskAtOnce) {
  ModelLibrary library = this->library(0);
  std::vector<std::thread> threads;
  for (int count = 0; count < 8; ++count) {
    threads.emplace_back([&] { EXPECT_TRUE(library.acquire("a")); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads_, 1);
}

}  // namespace
}  // namespace pajamas
