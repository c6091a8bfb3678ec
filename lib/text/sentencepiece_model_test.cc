// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_model.h"

#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/test_folder.h"

namespace pajamas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::sentencepiece_bytes;

Result<SentencePieceModel> parse(std::string_view bytes) {
  return parse_sentencepiece(std::as_bytes(std::span(bytes)), "'x.model'");
}

std::string problem_of(std::string_view bytes) {
  const Result<SentencePieceModel> model = parse(bytes);
  return model ? "" : model.error().message;
}

SentencePieceModel sample() {
  return {.pieces = {{"<unk>", 0, PieceType::kUnknown}, {"a\xe2\x96\x81", -2.5F}},
          .kind = SentencePieceKind::kBpe,
          .add_dummy_prefix = false,
          .remove_extra_whitespaces = false,
          .precompiled_charsmap = {9, 8}};
}

TEST(SentencePieceModel, ReadsBackWhatWasWritten) {
  const SentencePieceModel model = parse(sentencepiece_bytes(sample())).value();
  ASSERT_EQ(model.pieces.size(), 2U);
  EXPECT_EQ(model.pieces[0].type, PieceType::kUnknown);
  EXPECT_EQ(model.pieces[1].text, "a\xe2\x96\x81");
  EXPECT_EQ(model.pieces[1].score, -2.5F);
  EXPECT_EQ(model.kind, SentencePieceKind::kBpe);
  EXPECT_FALSE(model.add_dummy_prefix);
  EXPECT_FALSE(model.remove_extra_whitespaces);
  EXPECT_THAT(model.precompiled_charsmap, ElementsAre(9, 8));
}

TEST(SentencePieceModel, UsesTheDefaultsOfAbsentFieldsAndSkipsUnknownOnes) {
  // Field 1: a piece with only its text. Then unknown fields 15 (varint), 14 (8 bytes), 13 (bytes).
  const std::string bytes(
      "\x0a\x03\x0a\x01"
      "a"
      "\x78\x96\x01"
      "\x71"
      "12345678"
      "\x6a\x02zz",
      21);
  const SentencePieceModel model = parse(bytes).value();
  ASSERT_EQ(model.pieces.size(), 1U);
  EXPECT_EQ(model.pieces[0].type, PieceType::kNormal);
  EXPECT_EQ(model.kind, SentencePieceKind::kUnigram);
  EXPECT_TRUE(model.add_dummy_prefix);
}

TEST(SentencePieceModel, AFileCutAnywhereIsAnErrorOrAShorterModel) {
  const std::string bytes = sentencepiece_bytes(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Result<SentencePieceModel> model = parse(std::string_view(bytes).substr(0, size));
    if (model) {
      EXPECT_LE(model->pieces.size(), 2U) << size;
    } else {
      EXPECT_THAT(model.error().message, HasSubstr("'x.model'"));
    }
  }
}

TEST(SentencePieceModel, RejectsBrokenWireData) {
  EXPECT_THAT(problem_of(""), HasSubstr("'x.model': no pieces"));
  EXPECT_THAT(problem_of("\x0a\x05"
                         "abc"),
              HasSubstr("holds 5 bytes, but only 3 are left"));
  EXPECT_THAT(problem_of("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
              HasSubstr("holds 18446744073709551615 bytes"));
  EXPECT_THAT(problem_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
              HasSubstr("longer than 64 bits"));
  EXPECT_THAT(problem_of("\x0b"), HasSubstr("wire type 3, expected 0, 1, 2 or 5"));
  EXPECT_THAT(problem_of("\x02"), HasSubstr("field number 0"));
  EXPECT_THAT(problem_of("\x08\x01"), HasSubstr("field 1 of the model has the wire type 0"));
}

TEST(SentencePieceModel, RejectsPiecesThatMakeNoSense) {
  SentencePieceModel model = sample();
  model.pieces[1] = {"\xff", 0};
  EXPECT_THAT(problem_of(sentencepiece_bytes(model)), HasSubstr("piece 1: the piece"));
  model.pieces[1] = {"<0xGG>", 0, PieceType::kByte};
  EXPECT_THAT(problem_of(sentencepiece_bytes(model)), HasSubstr("'<0xGG>' names no byte"));
  model.pieces[1] = {"x", 0, static_cast<PieceType>(9)};
  EXPECT_THAT(problem_of(sentencepiece_bytes(model)), HasSubstr("type 9, expected 1 to 6"));
  model.pieces[1] = {"x", std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THAT(problem_of(sentencepiece_bytes(model)), HasSubstr("is no number"));
}

}  // namespace
}  // namespace pajamas
