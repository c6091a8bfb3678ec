// SPDX-License-Identifier: Apache-2.0
#include "formats/imatrix/imatrix_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::golden;

TEST(ImatrixFile, DividesSumsByCountsAndGivesOnesToExpertsThatWereNeverHit) {
  const auto imatrix = read_imatrix(golden("good/imatrix/experts.gguf"));
  ASSERT_TRUE(imatrix) << imatrix.error().message;
  ASSERT_THAT(imatrix->entries, SizeIs(1));
  const ImatrixEntry& entry = imatrix->entries.at("blk.0.ffn_up_exps.weight");
  EXPECT_EQ(entry.matrices, 2);
  EXPECT_THAT(entry.values, ElementsAre(1.0F, 2.0F, 0.5F, 1.0F, 1.0F, 1.0F));
  EXPECT_THAT(imatrix->datasets, ElementsAre("wiki.txt"));
  EXPECT_EQ(imatrix->chunk_count, 9);
}

TEST(ImatrixFile, DividesLegacyValuesByTheNumberOfCalls) {
  const auto imatrix = read_imatrix(golden("good/imatrix/legacy.dat"));
  ASSERT_TRUE(imatrix) << imatrix.error().message;
  ASSERT_THAT(imatrix->entries, SizeIs(2));
  EXPECT_THAT(imatrix->entries.at("blk.0.attn_q.weight").values, ElementsAre(1.0F, 2.0F, 0.25F));
  EXPECT_THAT(imatrix->entries.at("b").values, ElementsAre(3.0F));
  EXPECT_THAT(imatrix->datasets, ElementsAre("txt"));
  EXPECT_EQ(imatrix->chunk_count, 7);
}

TEST(ImatrixFile, ReadsLegacyFilesThatEndAfterTheirEntries) {
  const auto imatrix = read_imatrix(golden("good/imatrix/legacy_without_tail.dat"));
  ASSERT_TRUE(imatrix) << imatrix.error().message;
  EXPECT_THAT(imatrix->entries, SizeIs(1));
  EXPECT_THAT(imatrix->datasets, IsEmpty());
}

TEST(ImatrixFile, AMissingFileIsNotFound) {
  EXPECT_EQ(read_imatrix(golden("good/imatrix/absent.dat")).error().code, ErrorCode::kNotFound);
}

TEST(ImatrixFile, ReadsFilesThatOthersMade) {
  const auto folder = std::filesystem::path(PJ_SOURCE_DIR) / "../shared/data/imatrix/calcuis";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no imatrix files beside the checkout";
  const auto imatrix = read_imatrix(folder / "imatrix.dat");
  ASSERT_TRUE(imatrix) << imatrix.error().message;
  EXPECT_THAT(imatrix->entries, SizeIs(154));
  EXPECT_THAT(imatrix->entries.at("blk.0.attn_k.weight").values, SizeIs(2048));
  EXPECT_EQ(imatrix->chunk_count, 365);
  EXPECT_THAT(imatrix->datasets, ElementsAre(HasSubstr("imatrix-training-full-3")));
}

}  // namespace
}  // namespace pajamas
