// SPDX-License-Identifier: Apache-2.0
#include "pipeline/source_hash.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "base/thread_pool.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

class SourceHasherTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::path(testing::TempDir()) /
            fmt::format("source_hash_test_{}_{}", ::getpid(),
                        testing::UnitTest::GetInstance()->current_test_info()->name());
    content_.resize(1000003);
    for (std::size_t i = 0; i < content_.size(); ++i) {
      content_[i] = static_cast<char>(i * 2654435761U >> 13);
    }
    ASSERT_TRUE(write_file_atomic(path_, content_));
    expected_ = sha256_hex(std::as_bytes(std::span(content_)));
  }
  void TearDown() override { fs::remove(path_); }

  std::span<const std::byte> range(std::size_t offset, std::size_t bytes) const {
    return std::as_bytes(std::span(content_)).subspan(offset, bytes);
  }

  fs::path path_;
  std::string content_;
  std::string expected_;
};

TEST_F(SourceHasherTest, ReadsWhatNobodyFeeds) {
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  ASSERT_EQ((*hasher)->file_count(), 1U);
  const auto hash = (*hasher)->finish(0);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->sha256, expected_);
  EXPECT_EQ(hash->bytes, content_.size());
}

TEST_F(SourceHasherTest, OrderGapsAndRepeatsDoNotChangeTheHash) {
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  constexpr auto kRanges = std::to_array<std::pair<std::size_t, std::size_t>>(
      {{5000, 1000}, {0, 4096}, {6000, 10}, {6000, 10}, {0, 4096}, {900000, 100003}});
  for (const auto& [offset, bytes] : kRanges) {
    ASSERT_TRUE((*hasher)->feed(0, offset, range(offset, bytes)));
  }
  EXPECT_EQ((*hasher)->finish(0).value().sha256, expected_);
}

TEST_F(SourceHasherTest, ManyThreadsGiveTheSameHash) {
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  constexpr std::size_t kChunk = 1021;
  const auto chunks = static_cast<std::int64_t>((content_.size() - 100) / kChunk);
  ThreadPool pool(5);
  ASSERT_TRUE(pool.run(chunks, [&](std::int64_t i, int) {
    const std::size_t offset = 100 + static_cast<std::size_t>(i) * kChunk;
    return (*hasher)->feed(0, offset, range(offset, kChunk));
  }));
  EXPECT_EQ((*hasher)->finish(0).value().sha256, expected_);
}

TEST_F(SourceHasherTest, LongGapsAreHashedInSteps) {
  content_.resize(std::size_t{5} << 20, '\7');
  ASSERT_TRUE(write_file_atomic(path_, content_));
  expected_ = sha256_hex(std::as_bytes(std::span(content_)));
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  // Enough of the end that nobody waits for the beginning any more.
  constexpr std::size_t kChunk = 3000;
  for (std::size_t offset = std::size_t{4} << 20; offset + kChunk <= content_.size();
       offset += kChunk) {
    ASSERT_TRUE((*hasher)->feed(0, offset, range(offset, kChunk)));
  }
  EXPECT_EQ((*hasher)->finish(0).value().sha256, expected_);
}

TEST_F(SourceHasherTest, WhatComesAfterTheEndWasCalledIsHashedToo) {
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  ASSERT_TRUE((*hasher)->feed(0, 4096, range(4096, 4096)));
  (*hasher)->stop_feeding();
  ASSERT_TRUE((*hasher)->feed(0, 0, range(0, 4096)));
  ASSERT_TRUE((*hasher)->feed(0, 8192, range(8192, 4096)));
  EXPECT_EQ((*hasher)->finish(0).value().sha256, expected_);
}

TEST_F(SourceHasherTest, WhatWasHashedAheadIsNotMissedNorHashedTwice) {
  content_.resize(std::size_t{9} << 20, '\7');
  ASSERT_TRUE(write_file_atomic(path_, content_));
  expected_ = sha256_hex(std::as_bytes(std::span(content_)));
  for (const auto wait : {std::chrono::microseconds(0), std::chrono::microseconds(2000),
                          std::chrono::microseconds(100000)}) {
    auto hasher = SourceHasher::open(std::span(&path_, 1));
    ASSERT_TRUE(hasher);
    (*hasher)->begin_ahead();
    std::this_thread::sleep_for(wait);
    (*hasher)->end_ahead();
    constexpr std::size_t kChunk = 300000;
    for (std::size_t offset = 0; offset < content_.size(); offset += kChunk) {
      ASSERT_TRUE(
          (*hasher)->feed(0, offset, range(offset, std::min(kChunk, content_.size() - offset))));
    }
    EXPECT_EQ((*hasher)->finish(0).value().sha256, expected_);
  }
}

TEST_F(SourceHasherTest, AFileThatShrinksUnderTheThreadAheadIsAnErrorAtTheEnd) {
  auto hasher = SourceHasher::open(std::span(&path_, 1));
  ASSERT_TRUE(hasher);
  fs::resize_file(path_, 1000);
  (*hasher)->begin_ahead();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  (*hasher)->end_ahead();
  EXPECT_FALSE((*hasher)->finish(0));
}

}  // namespace
}  // namespace pajamas
