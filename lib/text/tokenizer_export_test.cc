// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/test_folder.h"

namespace pajamas {
namespace {

using testing::byte_level_model;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::sentencepiece_bytes;
using testing::TestFolder;
using Texts = std::vector<std::string>;
using Types = std::vector<std::int32_t>;
using Scores = std::vector<float>;

const Json kNoConfig = Json::object();

template <typename T>
T key(const TokenizerExport& tokenizer, std::string_view name) {
  const T* value = tokenizer.keys.find_as<T>(fmt::format("tokenizer.{}", name));
  EXPECT_NE(value, nullptr) << name;
  return value == nullptr ? T{} : *value;
}

bool has_key(const TokenizerExport& tokenizer, std::string_view name) {
  return tokenizer.keys.find(fmt::format("tokenizer.{}", name)) != nullptr;
}

SentencePieceModel small_sentencepiece() {
  return {.pieces = {{"<unk>", 0, PieceType::kUnknown},
                     {"<s>", 0, PieceType::kControl},
                     {"<0x41>", 0, PieceType::kByte},
                     {"\xe2\x96\x81ü", -1.5F, PieceType::kNormal},
                     {"user", -2, PieceType::kUserDefined},
                     {"gone", -3, PieceType::kUnused}},
          .kind = SentencePieceKind::kBpe,
          .precompiled_charsmap = {}};
}

TEST(TokenizerExport, AFolderWithoutTokenizerGivesNoneAndAWarning) {
  const TestFolder folder;
  const TokenizerExport tokenizer = export_tokenizer(folder.path(), kNoConfig, {}).value();
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.model"), "none");
  EXPECT_THAT(tokenizer.warnings, ElementsAre(HasSubstr("has no tokenizer")));
}

TEST(TokenizerExport, SentencePieceKeepsPiecesScoresAndTypesAndPads) {
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(small_sentencepiece()));
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), kNoConfig, {.vocab_size = 8}).value();
  EXPECT_EQ(tokenizer.token_count, 8);
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.model"), "llama");
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.pre"), "default");
  EXPECT_THAT(
      key<Texts>(tokenizer, "ggml.tokens"),
      ElementsAre("<unk>", "<s>", "<0x41>", "\xe2\x96\x81ü", "user", "gone", "[PAD6]", "[PAD7]"));
  EXPECT_THAT(key<Types>(tokenizer, "ggml.token_type"), ElementsAre(2, 3, 6, 1, 1, 5, 5, 5));
  EXPECT_THAT(key<Scores>(tokenizer, "ggml.scores"),
              ElementsAre(0, 0, 0, -1.5F, -2, -3, -10000, -10000));
}

TEST(TokenizerExport, SentencePieceTakesAddedTokensFromBothFiles) {
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(small_sentencepiece()));
  folder.write("added_tokens.json", R"({"<plain>": 6, "<far>": 99})");
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {
      "4": {"content": "user", "special": false},
      "7": {"content": "<|im_end|>", "special": false},
      "8": {"content": "a\u2581b"}}})");
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), kNoConfig, {.vocab_size = 9}).value();
  EXPECT_THAT(key<Texts>(tokenizer, "ggml.tokens"),
              ElementsAre("<unk>", "<s>", "<0x41>", "\xe2\x96\x81ü", "user", "gone", "<plain>",
                          "<|im_end|>", "a b"));
  EXPECT_THAT(key<Types>(tokenizer, "ggml.token_type"), ElementsAre(2, 3, 6, 1, 4, 5, 4, 3, 4));
  EXPECT_THAT(tokenizer.warnings, ElementsAre(HasSubstr("'<far>' is left out: its id is 99")));
}

TEST(TokenizerExport, UnigramIsWrittenAsT5WithItsNormalizer) {
  const TestFolder folder;
  SentencePieceModel model = small_sentencepiece();
  model.kind = SentencePieceKind::kUnigram;
  model.remove_extra_whitespaces = false;
  model.precompiled_charsmap = {1, 0, 255};
  folder.write("spiece.model", sentencepiece_bytes(model));
  const TokenizerExport tokenizer = export_tokenizer(folder.path(), kNoConfig, {}).value();
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.model"), "t5");
  EXPECT_TRUE(key<bool>(tokenizer, "ggml.add_space_prefix"));
  EXPECT_FALSE(key<bool>(tokenizer, "ggml.remove_extra_whitespaces"));
  EXPECT_THAT(key<std::vector<std::uint8_t>>(tokenizer, "ggml.precompiled_charsmap"),
              ElementsAre(1, 0, 255));
}

Json byte_level_tokenizer() {
  return {{"added_tokens",
           {{{"id", 258}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}},
            {{"id", 260}, {"content", "\xe2\x96\x81x"}, {"special", false}, {"normalized", true}}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", byte_level_model({{"t", "h"}, {"th", "e"}})}};
}

TEST(TokenizerExport, ByteLevelBpeHasMergesTypesAndHoles) {
  const TestFolder folder;
  folder.write("tokenizer.json", byte_level_tokenizer().dump());
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), kNoConfig, {.vocab_size = 262}).value();
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.model"), "gpt2");
  EXPECT_FALSE(has_key(tokenizer, "ggml.scores"));
  EXPECT_THAT(key<Texts>(tokenizer, "ggml.merges"), ElementsAre("t h", "th e"));
  const Texts tokens = key<Texts>(tokenizer, "ggml.tokens");
  const Types types = key<Types>(tokenizer, "ggml.token_type");
  EXPECT_THAT(Texts(tokens.begin() + 256, tokens.end()),
              ElementsAre("th", "the", "<|end|>", "[PAD259]", " x", "[PAD261]"));
  EXPECT_THAT(Types(types.begin() + 256, types.end()), ElementsAre(1, 1, 3, 5, 4, 5));
}

TEST(TokenizerExport, AnEmbeddingSmallerThanTheTokenizerDropsTokensWithAWarning) {
  const TestFolder folder;
  folder.write("tokenizer.json", byte_level_tokenizer().dump());
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), kNoConfig, {.vocab_size = 257}).value();
  EXPECT_EQ(key<Texts>(tokenizer, "ggml.tokens").size(), 257);
  EXPECT_THAT(tokenizer.warnings, Contains(HasSubstr("ids up to 260, but the embedding has 257")));
}

TEST(TokenizerExport, ReadsVocabularyAndMergesFilesWithoutTokenizerJson) {
  const TestFolder folder;
  folder.write("vocab.json", byte_level_model({{"t", "h"}, {"#", "#"}})["vocab"].dump());
  folder.write("merges.txt", "#version: 0.2\nt h\n# #\n\nthis is wrong\n");
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer",
      "eos_token": "<|endoftext|>", "unk_token": {"content": "th"}})");
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), {{"eos_token_id", 258}}, {}).value();
  EXPECT_THAT(key<Texts>(tokenizer, "ggml.merges"), ElementsAre("t h", "# #"));
  EXPECT_EQ(key<Texts>(tokenizer, "ggml.tokens").back(), "<|endoftext|>");
  const Types types = key<Types>(tokenizer, "ggml.token_type");
  EXPECT_THAT(Types(types.begin() + 256, types.end()), ElementsAre(3, 1, 3));
  EXPECT_EQ(key<std::uint32_t>(tokenizer, "ggml.eos_token_id"), 258U);
  EXPECT_THAT(tokenizer.warnings, Contains(HasSubstr("1 lines are no pair")));
}

TEST(TokenizerExport, ASpaceInsideAMergePieceIsWrittenAsItsByteLevelCharacter) {
  const TestFolder folder;
  Json tokenizer_json = byte_level_tokenizer();
  tokenizer_json["model"]["merges"] =
      Json::array({Json::array({"a b", "c"}), Json::array({"t", "h"})});
  folder.write("tokenizer.json", tokenizer_json.dump());
  const TokenizerExport tokenizer = export_tokenizer(folder.path(), kNoConfig, {}).value();
  EXPECT_THAT(key<Texts>(tokenizer, "ggml.merges"), ElementsAre("a\xc4\xa0"
                                                                "b c",
                                                                "t h"));
}

TEST(TokenizerExport, ByteFallbackBpeBecomesASentencePieceVocabularyWithScoresOfMergeOrder) {
  const TestFolder folder;
  folder.write("tokenizer.json", R"({"added_tokens": [
      {"id": 0, "content": "<unk>", "special": true}, {"id": 7, "content": "<x>", "special": true}],
      "model": {"type": "BPE", "byte_fallback": true, "vocab":
          {"<unk>": 0, "<0x0A>": 1, "<0x0a>": 2, "a": 3, "b": 4, "ab": 5, "aab": 6},
      "merges": ["a b", "a ab", "a b"]}})");
  folder.write("tokenizer_config.json", R"({"unk_token": "<unk>"})");
  const TokenizerExport tokenizer =
      export_tokenizer(folder.path(), kNoConfig, {.vocab_size = 9}).value();
  EXPECT_EQ(key<std::string>(tokenizer, "ggml.model"), "llama");
  EXPECT_THAT(key<Types>(tokenizer, "ggml.token_type"), ElementsAre(3, 6, 1, 1, 1, 1, 1, 4, 5));
  const Scores scores = key<Scores>(tokenizer, "ggml.scores");
  EXPECT_EQ(scores[5], 0.0F);
  EXPECT_EQ(scores[6], -1.0F);
  EXPECT_EQ(scores[3], -1000.0F);
  EXPECT_EQ(key<std::uint32_t>(tokenizer, "ggml.unknown_token_id"), 0U);
}

TEST(TokenizerExport, LlamaClassesKeepTheFoldersSpacePrefixAndRulesDecideLast) {
  const TestFolder folder;
  folder.write("tokenizer.model", sentencepiece_bytes(small_sentencepiece()));
  folder.write("tokenizer_config.json", R"({"add_prefix_space": false})");
  const Json llama = {{"architectures", {"MistralForCausalLM"}}};
  const Json qwen = {{"architectures", {"Qwen2ForCausalLM"}}};
  EXPECT_FALSE(
      key<bool>(export_tokenizer(folder.path(), llama, {}).value(), "ggml.add_space_prefix"));
  EXPECT_FALSE(has_key(export_tokenizer(folder.path(), qwen, {}).value(), "ggml.add_space_prefix"));
  EXPECT_TRUE(key<bool>(
      export_tokenizer(folder.path(), llama, {.add_space_prefix = true, .pre_tokenizer = {}})
          .value(),
      "ggml.add_space_prefix"));
}

TEST(TokenizerExport, RepeatedTokenTextsAreMadeUnique) {
  const TestFolder folder;
  SentencePieceModel model = small_sentencepiece();
  model.pieces.push_back({"user", -9, PieceType::kNormal});
  folder.write("tokenizer.model", sentencepiece_bytes(model));
  const TokenizerExport tokenizer = export_tokenizer(folder.path(), kNoConfig, {}).value();
  EXPECT_EQ(key<Texts>(tokenizer, "ggml.tokens")[6], "[DUPLICATE6]");
  EXPECT_EQ(key<Types>(tokenizer, "ggml.token_type")[6], 5);
  EXPECT_THAT(tokenizer.warnings, ElementsAre(HasSubstr("token 6 repeats the text")));
}

struct BadFolder {
  std::string_view file;
  std::string_view content;
  std::string_view message;
};

TEST(TokenizerExport, NamesWhatIsWrongInBrokenFiles) {
  const BadFolder cases[] = {
      {"tokenizer.json", "{", "not valid JSON"},
      {"tokenizer.json", "[]", "holds array, expected an object"},
      {"tokenizer.json", R"({"model":{"type":"WordPiece"}})", "is of type 'WordPiece'"},
      {"tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":-1}}})", "has the id -1"},
      {"tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":5000000}}})", "expected 0 to"},
      {"tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":"b"}}})", "has the id \"b\""},
      {"tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0,"a":1}}})", "'a' stands twice"},
      {"tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[7]}})",
       "merge 0 is 7"},
      {"tokenizer.json", R"({"model":{"type":"BPE"}})", "no 'vocab' object"},
      {"tokenizer.json", R"({"added_tokens":[{"id":-3,"content":"x"}],
                             "model":{"type":"BPE","vocab":{"a":0}}})",
       "added token id -3 is out of range"},
      {"tokenizer.model", "QQ== 0\nQg== 1\n", "tiktoken's format"},
      {"tokenizer.model", "\x0a\x7f", "holds 127 bytes, but only 0 are left"},
      {"tekken.json", "{}", "only as tekken.json"},
      {"vocab.txt", "[PAD]\n", "WordPiece"},
  };
  for (const BadFolder& bad : cases) {
    const TestFolder folder;
    folder.write(bad.file, bad.content);
    const Result<TokenizerExport> tokenizer = export_tokenizer(folder.path(), kNoConfig, {});
    ASSERT_FALSE(tokenizer) << bad.content;
    EXPECT_THAT(tokenizer.error().message, HasSubstr(bad.message));
    EXPECT_THAT(tokenizer.error().message, HasSubstr(folder.path().string()));
  }
}

}  // namespace
}  // namespace pajamas
