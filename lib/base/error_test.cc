// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <memory>
#include <set>

#include <gtest/gtest.h>

namespace pajamas {
namespace {

constexpr std::array kCodes = {
    ErrorCode::kInternal,  ErrorCode::kInvalidArgument, ErrorCode::kQualityGate,
    ErrorCode::kNotFound,  ErrorCode::kInvalidData,     ErrorCode::kUnsupported,
    ErrorCode::kIo,        ErrorCode::kNoSpace,         ErrorCode::kConflict,
    ErrorCode::kCancelled,
};

Result<std::unique_ptr<int>> positive(int value) {
  if (value <= 0) return make_error(ErrorCode::kInvalidArgument, "{} is not positive", value);
  return std::make_unique<int>(value);
}

Result<int> sum_of_positives(int a, int b) {
  const std::unique_ptr<int> first = PJ_TRY(positive(a));
  return *first + *PJ_TRY(positive(b));
}

TEST(Error, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const ErrorCode code : kCodes) {
    EXPECT_NE(error_code_name(code), "unknown");
    names.insert(error_code_name(code));
  }
  EXPECT_EQ(names.size(), kCodes.size());
}

TEST(Error, ExitCodesAreTheNumbersScriptsRelyOn) {
  EXPECT_EQ(static_cast<int>(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(static_cast<int>(ErrorCode::kInvalidData), 5);
  EXPECT_EQ(static_cast<int>(ErrorCode::kNoSpace), 8);
  EXPECT_EQ(static_cast<int>(ErrorCode::kCancelled), 130);
}

TEST(Error, ContextGoesBeforeTheMessageAndKeepsTheCode) {
  const Error error = Error{ErrorCode::kIo, "disk is gone"}.with_context("model.safetensors");
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_EQ(error.message, "model.safetensors: disk is gone");
}

TEST(Error, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(sum_of_positives(2, 3).value(), 5);
  const auto failed = sum_of_positives(2, -3);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().message, "-3 is not positive");
}

}  // namespace
}  // namespace pajamas
