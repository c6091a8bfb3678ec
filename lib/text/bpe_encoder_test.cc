// SPDX-License-Identifier: Apache-2.0
#include "text/bpe_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/test_folder.h"

namespace pajamas {
namespace {

using testing::byte_level_model;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

const BpePipeline kByteLevel{
    .normalizer = nullptr,
    .pre_tokenizer = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}};

BpeModel small_model() {
  // 256 = "th", 257 = "Ġth", 258 = "the", 259 = "he"
  return parse_bpe_model(byte_level_model({{"t", "h"}, {"\u0120", "th"}, {"th", "e"}, {"h", "e"}}))
      .value();
}

Ids encode(const BpeModel& model, const AddedTokens& added, const BpePipeline& pipeline,
           std::string_view text) {
  return BpeEncoder::create(model, added, pipeline).value().encode(text).value();
}

TEST(BpeEncoder, MergesInOrderOfRankInsideWords) {
  const BpeModel model = small_model();
  EXPECT_THAT(encode(model, {}, kByteLevel, "the the"), ElementsAre(258, 257, 'e'));
  EXPECT_THAT(encode(model, {}, kByteLevel, "hethhe"), ElementsAre(259, 256, 259));
  EXPECT_THAT(encode(model, {}, kByteLevel, ""), ElementsAre());
}

TEST(BpeEncoder, TakesAWholeWordWhenMergesAreIgnored) {
  Json json = byte_level_model({{"t", "h"}});
  json["vocab"]["the"] = 257;
  json["ignore_merges"] = true;
  const BpeModel model = parse_bpe_model(json).value();
  EXPECT_THAT(encode(model, {}, kByteLevel, "the then"), ElementsAre(257, ' ', 256, 'e', 'n'));
}

TEST(BpeEncoder, CutsAddedTokensOutLongestFirst) {
  const AddedTokens added = {
      {300, {.id = 300, .text = "<a>", .special = true, .normalized = false}},
      {301, {.id = 301, .text = "<a>b", .special = true, .normalized = false}},
      {302, {.id = 302, .text = "  ", .special = false, .normalized = true}}};
  EXPECT_THAT(encode(small_model(), added, kByteLevel, "x<a>bc<a>  y"),
              ElementsAre('x', 301, 'c', 300, 302, 'y'));
}

TEST(BpeEncoder, AddedTokensMayTakeSpacesOrStandAlone) {
  const AddedTokens added = {
      {300, {.id = 300, .text = "<l>", .normalized = false, .strip_left = true}},
      {301, {.id = 301, .text = "<r>", .normalized = false, .strip_right = true}},
      {302, {.id = 302, .text = "cat", .normalized = false, .single_word = true}}};
  EXPECT_THAT(encode(small_model(), added, kByteLevel, "x  <l>y<r> z"),
              ElementsAre('x', 300, 'y', 301, 'z'));
  EXPECT_THAT(encode(small_model(), added, kByteLevel, "cats!cat"),
              ElementsAre('c', 'a', 't', 's', '!', 302));
}

TEST(BpeEncoder, FallsBackToBytesThenToUnknown) {
  const BpeModel model = parse_bpe_model(parse_json(R"({"vocab": {"<unk>": 0, "<0xC3>": 1,
      "<0xA9>": 2, "a": 3, "_": 4, "_a": 5}, "merges": ["_ a"], "byte_fallback": true,
      "fuse_unk": true, "unk_token": "<unk>"})",
                                                    "model", {})
                                             .value())
                             .value();
  const BpePipeline pipeline{.normalizer = {{"type", "Prepend"}, {"prepend", "_"}},
                             .pre_tokenizer = nullptr};
  EXPECT_THAT(encode(model, {}, pipeline, "aéxyax"), ElementsAre(5, 1, 2, 0, 3, 0));
}

TEST(BpeEncoder, ASetOfPipelinesSharesOneModel) {
  const BpeModel model = small_model();
  BpeEncoder encoder = BpeEncoder::create(model, {}, {}).value();
  EXPECT_THAT(encoder.encode("the").value(), ElementsAre(258));
  const BpePipeline bad{.normalizer = {{"type", "?"}}, .pre_tokenizer = nullptr};
  EXPECT_THAT(encoder.set_pipeline({}, bad).error().message, HasSubstr("'?' is not known"));
  EXPECT_THAT(encoder.encode("the").value(), ElementsAre(258));
  ASSERT_TRUE(
      encoder.set_pipeline({}, {.normalizer = {{"type", "Lowercase"}}, .pre_tokenizer = nullptr}));
  EXPECT_THAT(encoder.encode("THE").value(), ElementsAre(258));
}

TEST(BpeEncoder, LongWordsAreMergedInReasonableTime) {
  const BpeModel model = small_model();
  const Ids ids = encode(model, {}, {}, std::string(1 << 20, 't'));
  EXPECT_EQ(ids.size(), std::size_t{1} << 20);
}

TEST(BpeEncoder, RefusesTextThatIsNotUtf8) {
  const BpeModel model = small_model();
  const auto ids = BpeEncoder::create(model, {}, kByteLevel).value().encode("\xff");
  ASSERT_FALSE(ids);
  EXPECT_THAT(ids.error().message, HasSubstr("expected valid UTF-8"));
}

TEST(BpeModel, WarnsAboutMergesOfUnknownPieces) {
  Json json = byte_level_model({{"a", "b"}});
  json["merges"].push_back("zz y");
  json["merges"].push_back("wrong");
  const BpeModel model = parse_bpe_model(json).value();
  EXPECT_EQ(model.merges.size(), 2U);
  EXPECT_THAT(model.warnings,
              ElementsAre(HasSubstr("1 of 3 merges are no pair"),
                          HasSubstr("1 of 2 merges name a piece that is not in the vocabulary, "
                                    "the first is 'zz y'")));
}

TEST(BpeModel, TheVocabularyTellsWhichSpaceDividesAMerge) {
  Json json = byte_level_model({});
  json["vocab"]["a b"] = 256;
  json["merges"].push_back("a b c");
  const BpeModel model = parse_bpe_model(json).value();
  ASSERT_EQ(model.merges.size(), 1U);
  EXPECT_EQ(model.merges[0].left, "a b");
  EXPECT_EQ(model.merges[0].right, "c");
}

}  // namespace
}  // namespace pajamas
