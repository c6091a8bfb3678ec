// SPDX-License-Identifier: Apache-2.0
#include "pipeline/output_hash.h"

#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

class OutputHasherTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) /
            fmt::format("output_hash_test_{}_{}", ::getpid(),
                        testing::UnitTest::GetInstance()->current_test_info()->name());
    content_.assign(std::size_t{5} << 20, 'a');
    content_[std::size_t{3} << 20] = 'b';
    ASSERT_TRUE(write_file_atomic(path_, content_));
    file_ = File::open_read(path_).value();
    number_ = hasher_.add_file(file_, content_.size(), {{7, 3000000}, {2, 64}, {9, 4000000}});
    expected_ = sha256_hex(std::as_bytes(std::span(content_)));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
  std::string content_;
  std::string expected_;
  File file_;
  OutputHasher hasher_;
  std::size_t number_ = 0;
};

TEST_F(OutputHasherTest, TensorsInAnyOrderGiveTheHashOfTheFile) {
  for (const std::int64_t tensor : {9, 2, 7}) {
    hasher_.tensor_done(tensor);
    for (int step = 0; step < 3; ++step) ASSERT_TRUE(hasher_.advance());
  }
  EXPECT_EQ(hasher_.finish(number_).value(), expected_);
}

TEST_F(OutputHasherTest, NothingBehindAnUnfinishedTensorIsRead) {
  hasher_.tensor_done(9);
  for (int step = 0; step < 10; ++step) ASSERT_TRUE(hasher_.advance());
  // The first tensor is written only now; a hash that had gone past it would be of other bytes.
  content_[100] = 'c';
  ASSERT_TRUE(File::open_write(path_)->write_at(100, std::as_bytes(std::span(&content_[100], 1))));
  hasher_.tensor_done(2);
  hasher_.tensor_done(7);
  EXPECT_EQ(hasher_.finish(number_).value(), sha256_hex(std::as_bytes(std::span(content_))));
}

TEST_F(OutputHasherTest, FinishHashesWhatAdvanceDidNot) {
  for (const std::int64_t tensor : {2, 7, 9}) hasher_.tensor_done(tensor);
  EXPECT_EQ(hasher_.finish(number_).value(), expected_);
}

}  // namespace
}  // namespace pajamas
