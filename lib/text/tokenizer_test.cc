// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "text/stream_decoder.h"
#include "text/test_folder.h"
#include "text/tokenizer_export.h"

namespace pajamas {
namespace {

using testing::byte_level_model;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::sentencepiece_bytes;
using testing::TestFolder;
using Ids = std::vector<std::int32_t>;

const std::filesystem::path kExample =
    std::filesystem::path(PJ_SOURCE_DIR) / "examples/tiny-storyteller";

std::string text_of(const Tokenizer& tokenizer, const Ids& ids) {
  return tokenizer.decode(ids, {.skip_special = false});
}

std::string stream_of(const Tokenizer& tokenizer, const Ids& ids) {
  StreamDecoder decoder(tokenizer, {.skip_special = false});
  std::string text;
  for (const std::int32_t id : ids) text += decoder.push(id);
  return text + decoder.flush();
}

struct Golden {
  std::string text;
  Ids ids;
  Ids ids_without_special;
};

std::vector<Golden> read_golden() {
  const std::filesystem::path file =
      std::filesystem::path(PJ_SOURCE_DIR) / "tests/golden/example/token_ids.json";
  const Json json = read_json_file(file, {}).value();
  std::vector<Golden> cases;
  for (const Json& entry : json) {
    cases.push_back({entry["text"].get<std::string>(), entry["ids"].get<Ids>(),
                     entry["ids_without_special"].get<Ids>()});
  }
  return cases;
}

void expect_golden(const Tokenizer& tokenizer) {
  const std::vector<Golden> cases = read_golden();
  ASSERT_GT(cases.size(), 20U);
  for (const Golden& golden : cases) {
    EXPECT_EQ(tokenizer.encode(golden.text).value(), golden.ids) << golden.text;
    EXPECT_EQ(tokenizer.encode(golden.text, {.add_special = false, .parse_special = false}).value(),
              golden.ids_without_special)
        << golden.text;
    EXPECT_EQ(text_of(tokenizer, golden.ids_without_special), golden.text);
    EXPECT_EQ(stream_of(tokenizer, golden.ids_without_special), golden.text);
  }
}

TEST(Tokenizer, TheExamplesFolderGivesTheIdsOfTheTokenizersLibrary) {
  expect_golden(Tokenizer::open_folder(kExample).value());
}

TEST(Tokenizer, TheExamplesGgufKeysGiveTheSameIds) {
  const Json config = read_json_file(kExample / "config.json", {}).value();
  const TokenizerExport keys = export_tokenizer(kExample, config, {}).value();
  expect_golden(Tokenizer::from_metadata(keys.keys).value());
}

TEST(Tokenizer, KnowsTheExamplesSpecialTokens) {
  const Tokenizer tokenizer = Tokenizer::open_folder(kExample).value();
  EXPECT_EQ(tokenizer.vocab_size(), 1024);
  EXPECT_EQ(tokenizer.bos_id(), 1019);
  EXPECT_EQ(tokenizer.eos_id(), 1023);
  EXPECT_EQ(tokenizer.find("<|eot_id|>"), 1023);
  EXPECT_THAT(tokenizer.end_of_generation_ids(), ElementsAre(1020, 1023));
  EXPECT_TRUE(tokenizer.is_end_of_generation(1020));
  EXPECT_FALSE(tokenizer.is_end_of_generation(1019));
  EXPECT_TRUE(tokenizer.is_control(1019));
  EXPECT_FALSE(tokenizer.is_control(7));
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_FALSE(tokenizer.adds_eos());
  EXPECT_EQ(tokenizer.piece(-1), "");
  EXPECT_EQ(tokenizer.piece(1024), "");
}

TEST(Tokenizer, EveryPieceFindsItsToken) {
  const Tokenizer tokenizer = Tokenizer::open_folder(kExample).value();
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    EXPECT_EQ(tokenizer.find(tokenizer.text(id)), id);
    EXPECT_FALSE(tokenizer.piece(id).empty()) << id;
  }
}

TEST(Tokenizer, BrokenTextIsReadWithReplacements) {
  const Tokenizer tokenizer = Tokenizer::open_folder(kExample).value();
  EXPECT_EQ(tokenizer.encode("a\xff\xf0\x9f\x98z").value(),
            tokenizer.encode("a\ufffd\ufffdz").value());
}

TEST(Tokenizer, LongTextsAreEncodedInReasonableTime) {
  const Tokenizer tokenizer = Tokenizer::open_folder(kExample).value();
  for (const std::string& text :
       {std::string(std::size_t{5} << 20, 'a'), std::string(std::size_t{1} << 20, ' ')}) {
    const Ids ids = tokenizer.encode(text, {.add_special = false}).value();
    EXPECT_EQ(text_of(tokenizer, ids), text);
  }
}

TEST(Tokenizer, ThreadsMayEncodeAtOnce) {
  const Tokenizer tokenizer = Tokenizer::open_folder(kExample).value();
  const std::string text = read_text_file(kExample / "config.json", 1 << 20).value();
  const Ids expected = tokenizer.encode(text).value();
  std::vector<std::thread> threads;
  std::vector<int> differing(4, 0);
  for (int& count : differing) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        count += tokenizer.encode(text).value() == expected ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(differing, ElementsAre(0, 0, 0, 0));
}

SentencePieceModel small_pieces(SentencePieceKind kind) {
  SentencePieceModel model{.kind = kind, .remove_extra_whitespaces = false};
  model.pieces = {{"<unk>", 0, PieceType::kUnknown}, {"<s>", 0, PieceType::kControl},
                  {"</s>", 0, PieceType::kControl},  {"\u2581", -2, PieceType::kNormal},
                  {"a", -3, PieceType::kNormal},     {"b", -4, PieceType::kNormal},
                  {"ab", -1, PieceType::kNormal},    {"\u2581a", -1.5F, PieceType::kNormal}};
  return model;
}

TEST(Tokenizer, SentencePieceBpeMergesTheBestScoreFirst) {
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(small_pieces(SentencePieceKind::kBpe)));
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode("ab a").value(), ElementsAre(1, 3, 6, 7));
  EXPECT_THAT(tokenizer.encode("xyb").value(), ElementsAre(1, 3, 0, 5));
  EXPECT_THAT(tokenizer.encode("<s>", {.add_special = false}).value(), ElementsAre(1));
  EXPECT_EQ(tokenizer.decode({1, 3, 6, 7}), "ab a");
}

TEST(Tokenizer, UnigramTakesThePiecesOfTheHighestSum) {
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(small_pieces(SentencePieceKind::kUnigram)));
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode("ab").value(), ElementsAre(3, 6, 2));
  EXPECT_THAT(tokenizer.encode("a", {.add_special = false}).value(), ElementsAre(7));
  EXPECT_THAT(tokenizer.encode("xya", {.add_special = false}).value(), ElementsAre(3, 0, 4));
}

TEST(Tokenizer, SentencePieceRemovesExtraSpacesWhereTheModelSaysSo) {
  SentencePieceModel model = small_pieces(SentencePieceKind::kBpe);
  model.remove_extra_whitespaces = true;
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(model));
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode("  b   a ", {.add_special = false}).value(), ElementsAre(3, 5, 7));
  EXPECT_THAT(tokenizer.encode("   ", {.add_special = false}).value(), ElementsAre());
}

TEST(Tokenizer, WordListsAreWordPiece) {
  const TestFolder folder;
  folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##able\n##a\n!\nable\n");
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode("\u00dcnable!").value(), ElementsAre(2, 4, 5, 7, 3));
  EXPECT_THAT(tokenizer.encode("able xyz", {.add_special = false}).value(), ElementsAre(8, 1));
  EXPECT_EQ(tokenizer.decode({2, 4, 5, 7, 8, 3}), "unable! able");
}

TEST(Tokenizer, RanksOfTiktokenAreRead) {
  const TestFolder folder;
  // "a", "b", "ab", "abb" and " a"
  folder.write("tokenizer.model", "YQ== 0\nYg== 1\nYWI= 2\nYWJi 3\nIGE= 4\nIA== 5\n");
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode("abba a").value(), ElementsAre(3, 0, 4));
}

TEST(StreamDecoder, NeverSplitsACharacter) {
  const TestFolder folder;
  folder.write("tokenizer.json",
               Json{{"model", byte_level_model({})}, {"decoder", {{"type", "ByteLevel"}}}}.dump());
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  StreamDecoder decoder(tokenizer);
  const auto push = [&](int byte) { return decoder.push(byte); };
  EXPECT_EQ(push('a'), "a");
  EXPECT_EQ(push(0xf0), "");
  EXPECT_EQ(push(0x9f), "");
  EXPECT_EQ(push(0x98), "");
  EXPECT_EQ(push(0x80), "\U0001f600");
  EXPECT_EQ(push(0x80), "\ufffd");  // cannot begin a character
  EXPECT_EQ(push(0xe2), "");
  EXPECT_EQ(push('b'), "\ufffdb");
  EXPECT_EQ(push(0xe2), "");
  EXPECT_EQ(decoder.flush(), "\ufffd");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(Tokenizer, NamesWhatIsWrongInAFolder) {
  const TestFolder folder;
  EXPECT_THAT(Tokenizer::open_folder(folder.path()).error().message,
              HasSubstr("has no tokenizer: expected tokenizer.json"));
  folder.write("tokenizer.json", R"({"model": {"type": "WordLevel", "vocab": {}}})");
  EXPECT_THAT(Tokenizer::open_folder(folder.path()).error().message,
              HasSubstr("type 'WordLevel', expected BPE, Unigram or WordPiece"));
}

TEST(Tokenizer, RefusesATemplateWithATokenThatIsNotThere) {
  const TestFolder folder;
  Json file = {{"model", byte_level_model({})}};
  file["post_processor"] = {{"type", "BertProcessing"}, {"sep", {"x", 9999}}, {"cls", {"y", 0}}};
  folder.write("tokenizer.json", file.dump());
  EXPECT_THAT(Tokenizer::open_folder(folder.path()).error().message,
              HasSubstr("puts token 9999 around a text, but there are 256 tokens"));
}

TEST(Tokenizer, NamesWhatIsWrongInMetadata) {
  Metadata keys;
  EXPECT_THAT(Tokenizer::from_metadata(keys).error().message, HasSubstr("no tokenizer.ggml.model"));
  keys.set("tokenizer.ggml.model", std::string("gpt2"));
  EXPECT_THAT(Tokenizer::from_metadata(keys).error().message,
              HasSubstr("no tokenizer.ggml.tokens"));
  keys.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"});
  keys.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1});
  EXPECT_THAT(Tokenizer::from_metadata(keys).error().message,
              HasSubstr("1 entries, expected one for each of 2 tokens"));
  keys.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 1});
  keys.set("tokenizer.ggml.pre", std::string("nobody"));
  EXPECT_THAT(Tokenizer::from_metadata(keys).error().message, HasSubstr("pre is 'nobody'"));
}

TEST(Tokenizer, ADefinitionCannotMakeATextGrowWithoutBound) {
  const TestFolder folder;
  Json file = {{"model", byte_level_model({})}};
  file["normalizer"] = {
      {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(100'000, 'x')}};
  folder.write("tokenizer.json", file.dump());
  const Tokenizer tokenizer = Tokenizer::open_folder(folder.path()).value();
  EXPECT_THAT(tokenizer.encode(std::string(1000, 'a')).error().message,
              HasSubstr("a Replace normalizer puts 100000 bytes in 1000 places"));
}

}  // namespace
}  // namespace pajamas
