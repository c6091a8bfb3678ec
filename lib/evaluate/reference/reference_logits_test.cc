// SPDX-License-Identifier: Apache-2.0
#include "evaluate/reference/reference_logits.h"

#include <cstring>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/testing/small_reference.h"
#include "formats/testing/temp_folder.h"

namespace pajamas {
namespace {

using namespace testing_support;
using testing::HasSubstr;

constexpr std::uint64_t kMaxBytes = 1 << 20;

class EveryForm : public testing::TestWithParam<const char*> {
 protected:
  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "logits";
};

TEST_P(EveryForm, GivesBackWhatWasWritten) {
  write_small_reference(GetParam(), path_);
  const ReferenceHeader header = small_header();
  const auto reader = *open_reference(path_);
  EXPECT_EQ(reader->format(), GetParam());
  EXPECT_EQ(reader->header().context, header.context);
  EXPECT_EQ(reader->header().vocab, header.vocab);
  EXPECT_EQ(reader->header().windows, header.windows);
  EXPECT_EQ(reader->header().tokens, header.tokens);
  for (std::int64_t window = 0; window < header.windows; ++window) {
    const ReferenceWindow read = *reader->read_window(window);
    ASSERT_EQ(static_cast<std::int64_t>(read.rows.size()), header.rows());
    for (std::int64_t row = 0; row < header.rows(); ++row) {
      const std::vector<float> logits = small_logits(header, window, row);
      const std::int32_t target = small_target(header, window, row);
      const Normalizer normalizer = *normalize(logits);
      const ReferenceRow found =
          *reader->decode_row(read.rows[static_cast<std::size_t>(row)], target);
      EXPECT_EQ(found.top, normalizer.top);
      for (std::size_t at = 0; at < found.ids.size(); ++at) {
        const float logit = logits[static_cast<std::size_t>(found.ids[at])];
        // A step of the 16-bit form is 16 / 65535.
        EXPECT_NEAR(static_cast<double>(found.log_probabilities[at]),
                    normalizer.log_probability(logit), 2e-4);
      }
      EXPECT_LT(compare_row(found, logits, normalizer, target).kl, 2e-4F);
    }
  }
}

TEST_P(EveryForm, GoesOnBehindTheWindowsOfAnEarlierRun) {
  write_small_reference(GetParam(), path_);
  const std::string whole = *read_text_file(path_, kMaxBytes);
  const ReferenceHeader header = small_header();
  const std::filesystem::path other = folder_.path() / "other";
  std::vector<ReferenceMark> marks;
  {
    auto writer = *create_reference(GetParam(), other, header, {});
    marks = append_windows(*writer, header, 0, 2);
    append_windows(*writer, header, 2, 3);  // written, but not known to be
  }
  EXPECT_FALSE(std::filesystem::exists(other));
  auto writer = *create_reference(GetParam(), other, header, marks);
  append_windows(*writer, header, 2, 3);
  ASSERT_TRUE(writer->publish().has_value());
  EXPECT_EQ(*read_text_file(other, kMaxBytes), whole);
}

TEST_P(EveryForm, StartsAnewWhereThePartialFileIsNotTheOneThatWasMeant) {
  ReferenceHeader header = small_header();
  std::vector<ReferenceMark> marks;
  {
    auto writer = *create_reference(GetParam(), path_, header, {});
    marks = append_windows(*writer, header, 0, 2);
  }
  header.tokens[3] = 1;
  EXPECT_EQ(create_reference(GetParam(), path_, header, marks).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(create_reference(GetParam(), folder_.path() / "no", small_header(), marks).error().code,
            ErrorCode::kNotFound);
}

TEST_P(EveryForm, AFileThatWasCutOrGrewIsAnError) {
  write_small_reference(GetParam(), path_);
  const File file = *File::open_write(path_);
  const std::uint64_t whole = *file.size_bytes();
  ASSERT_TRUE(file.resize(whole + 1).has_value());
  EXPECT_FALSE(open_reference(path_).has_value());
  for (std::uint64_t bytes = whole; bytes-- > 0;) {
    ASSERT_TRUE(file.resize(bytes).has_value());
    EXPECT_FALSE(open_reference(path_).has_value()) << bytes;
  }
}

std::string with_number(std::string bytes, std::size_t at, std::uint32_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof(number));
  return bytes;
}

TEST_P(EveryForm, CountsThatDoNotFitTheFileAreErrorsBeforeAnythingIsAllocated) {
  write_small_reference(GetParam(), path_);
  const std::string whole = *read_text_file(path_, kMaxBytes);
  for (const std::size_t at : {8, 12, 16}) {  // context, vocabulary, windows
    for (const std::uint32_t number : {0U, 1U, 5U, 0x7fffffffU, 0xffffffffU, 1U << 24}) {
      const auto path = folder_.write("bad", with_number(whole, at, number));
      const auto reader = open_reference(path);
      if (reader) continue;  // a smaller vocabulary of the packed form shows in the rows
      EXPECT_EQ(reader.error().code, ErrorCode::kInvalidData);
      EXPECT_THAT(reader.error().message, HasSubstr("bad"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, EveryForm, testing::Values("pajamas", "llama.cpp"),
                         [](const auto& test) {
                           return std::string(test.param) == "pajamas" ? "Packed" : "KlBase";
                         });

TEST(PackedReference, EqualLogitsDoNotDivergeAtAll) {
  const TempFolder folder;
  const auto path = folder.path() / "logits";
  write_small_reference("pajamas", path);
  const ReferenceHeader header = small_header();
  const auto reader = *open_reference(path);
  EXPECT_EQ(reader->header().bos, header.bos);
  EXPECT_EQ(reader->header().model, header.model);
  EXPECT_EQ(reader->header().corpus_sha256, header.corpus_sha256);
  const ReferenceWindow window = *reader->read_window(1);
  const std::vector<float> logits = small_logits(header, 1, 0);
  const ReferenceRow row = *reader->decode_row(window.rows[0], 3);
  EXPECT_GT(row.rest, 0);
  EXPECT_LT(row.ids.size(), logits.size());
  EXPECT_EQ(compare_row(row, logits, *normalize(logits), 3).kl, 0.0F);
}

TEST(PackedReference, ADamagedWindowIsAnErrorThatSaysSo) {
  const TempFolder folder;
  const auto path = folder.path() / "logits";
  write_small_reference("pajamas", path);
  std::string bytes = *read_text_file(path, kMaxBytes);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  const auto reader = *open_reference(folder.write("damaged", bytes));
  EXPECT_TRUE(reader->read_window(1).has_value());
  EXPECT_THAT(reader->read_window(2).error().message, HasSubstr("checksum of window 2"));
}

TEST(OpenReference, SaysWhatItExpected) {
  const TempFolder folder;
  const auto reader = open_reference(folder.write("text", "once upon a time"));
  EXPECT_THAT(reader.error().message, HasSubstr("--save-logits"));
  EXPECT_EQ(open_reference(folder.path() / "none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(create_reference("gguf", folder.path() / "x", small_header(), {}).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace pajamas
