// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer_name.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "text/pre_tokenizer_definitions.h"
#include "text/test_folder.h"
#include "text/tokenizer_export.h"

namespace pajamas {
namespace {

using testing::byte_level_model;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TestFolder;

const std::filesystem::path kData = PJ_SOURCE_DIR "/../shared/data/tokenizers";

TEST(PreTokenizerName, HashesIdsAsAPrintedList) {
  // printf '[1, 2, 3]' | sha256sum
  EXPECT_EQ(hash_token_ids({1, 2, 3}),
            "a36b1f2c3f84522dd1005145646617d7054c0851e97c72a039c0bdfac9fa07f3");
  EXPECT_EQ(kPreTokenizerCheckText.size(), 431U);
}

TEST(PreTokenizerName, TheLaterNameOfARepeatedHashCounts) {
  EXPECT_EQ(
      pre_tokenizer_of_hash("b6dc8df998e1cfbdc4eac8243701a65afe638679230920b50d6f17d81c098166"),
      "olmo");
  EXPECT_EQ(
      pre_tokenizer_of_hash("0ef9807a4087ebef797fc749390439009c3b9eda9ad1a097abbe738f486c01e5"),
      "llama-bpe");
  EXPECT_EQ(pre_tokenizer_of_hash("00"), std::nullopt);
}

TEST(PreTokenizerName, EveryKnownDefinitionCompilesAndDescribesItself) {
  for (const PreTokenizerDefinition& known : known_pre_tokenizers()) {
    const Json json = pre_tokenizer_json(known.steps);
    EXPECT_EQ(describe_pre_tokenizer(json), known.steps);
    const auto pre_tokenizer = PreTokenizer::from_json(json);
    ASSERT_TRUE(pre_tokenizer) << pre_tokenizer.error().message;
    EXPECT_GT(pre_tokenizer->run(kPreTokenizerCheckText, true).value().size(), 50U);
  }
}

TokenizerExport export_with(const Json& pre_tokenizer, const TokenizerRules& rules = {},
                            bool ignore_merges = false) {
  const TestFolder folder;
  Json model = byte_level_model({{"t", "h"}});
  model["ignore_merges"] = ignore_merges;
  folder.write("tokenizer.json", Json{{"pre_tokenizer", pre_tokenizer}, {"model", model}}.dump());
  return export_tokenizer(folder.path(), Json::object(), rules).value();
}

std::string pre_of(const TokenizerExport& tokenizer) {
  return *tokenizer.keys.find_as<std::string>("tokenizer.ggml.pre");
}

TEST(PreTokenizerName, AnUnknownVocabularyIsNamedByItsDefinition) {
  for (const PreTokenizerDefinition& known : known_pre_tokenizers()) {
    const TokenizerExport tokenizer =
        export_with(pre_tokenizer_json(known.steps), {}, known.ignore_merges.value_or(false));
    EXPECT_EQ(pre_of(tokenizer), known.names.substr(0, known.names.find(' ')));
    EXPECT_THAT(tokenizer.warnings, IsEmpty());
  }
}

TEST(PreTokenizerName, AnotherSpellingOfAKnownPatternIsFoundByItsWords) {
  Json spelled = pre_tokenizer_json("digits\ngpt2\n");
  spelled["pretokenizers"][0] = {
      {"type", "Split"}, {"pattern", {{"Regex", "[\\p{N}]"}}}, {"behavior", "Isolated"}};
  const TokenizerExport tokenizer = export_with(spelled);
  EXPECT_EQ(pre_of(tokenizer), "smollm");
  EXPECT_THAT(tokenizer.warnings, ElementsAre(HasSubstr("the words it cuts a test text into")));
}

TEST(PreTokenizerName, AnUnknownDefinitionTakesTheArchitecturesNameOrDefault) {
  const Json odd = {{"type", "Split"}, {"pattern", {{"Regex", "a|b"}}}, {"behavior", "Isolated"}};
  EXPECT_EQ(pre_of(export_with(odd, {.add_space_prefix = {}, .pre_tokenizer = "falcon"})),
            "falcon");
  const TokenizerExport plain = export_with(odd);
  EXPECT_EQ(pre_of(plain), "default");
  EXPECT_THAT(plain.warnings, ElementsAre(HasSubstr("nothing known about it")));
}

TEST(PreTokenizerName, AHostilePatternIsAWarning) {
  const Json bad = {{"type", "Split"}, {"pattern", {{"Regex", "(("}}}, {"behavior", "Isolated"}};
  const TokenizerExport tokenizer = export_with(bad);
  EXPECT_EQ(pre_of(tokenizer), "default");
  EXPECT_THAT(tokenizer.warnings, Contains(HasSubstr("does not compile")));
}

struct RealTokenizer {
  std::string_view folder;
  std::string_view pre;
  Json config;
};

TEST(PreTokenizerName, RealTokenizersAreKnownByTheirHash) {
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << "no tokenizers beside the checkout";
  const RealTokenizer cases[] = {
      {"gpt2", "gpt-2", Json::object()},
      {"qwen2.5", "qwen2", Json::object()},
      {"llama3.2-bpe", "llama-bpe", {{"bos_token_id", 128000}}},
      {"smollm2", "smollm", Json::object()},
      {"phi-2", "phi-2", Json::object()},
      {"pythia", "olmo", Json::object()},
      {"gpt-neox-20b", "olmo", Json::object()},
      {"roberta-base", "roberta-bpe", Json::object()},
  };
  for (const RealTokenizer& real : cases) {
    const TokenizerRules rules{.add_space_prefix = {}, .pre_tokenizer = {}, .vocab_size = 152064};
    const auto tokenizer = export_tokenizer(kData / real.folder, real.config, rules);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_EQ(pre_of(*tokenizer), real.pre) << real.folder;
    EXPECT_THAT(tokenizer->warnings, ElementsAre()) << real.folder;
    EXPECT_EQ(tokenizer->token_count, 152064);
  }
}

// The value of "name: [...]," on a line, as JSON; nothing when the line is another.
std::optional<Json> list_of_line(std::string_view line, std::string_view name) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start == std::string_view::npos || !line.substr(start).starts_with(name)) return {};
  line = line.substr(start + name.size());
  if (line.ends_with(',')) line.remove_suffix(1);
  Result<Json> list = parse_json(line, "line", {});
  if (!list) return {};
  return std::move(*list);
}

// Texts are what the tokens spell, so each pair of lines "tokens" and "ids" is one case.
// Only those of the section that `model` begins.
std::size_t check_golden_ids(const std::filesystem::path& golden, std::string_view model,
                             const BpeEncoder& encoder) {
  const std::string file = read_text_file(golden, 1 << 20).value();
  std::size_t checked = 0;
  std::optional<std::string> text;
  bool in_section = false;
  for (std::size_t start = 0; start < file.size();) {
    const std::size_t end = std::min(file.find('\n', start), file.size());
    const std::string_view line = std::string_view(file).substr(start, end - start);
    start = end + 1;
    if (line.starts_with("  \"")) in_section = line == fmt::format("  \"{}\": {{", model);
    if (!in_section) continue;
    if (const auto tokens = list_of_line(line, "tokens:")) {
      std::string spelling;
      for (const Json& token : *tokens) spelling += token.get<std::string>();
      text = from_byte_level(spelling);
    } else if (const auto ids = list_of_line(line, "ids:"); ids && text) {
      EXPECT_EQ(encoder.encode(*text).value(), ids->get<std::vector<std::int32_t>>()) << *text;
      text.reset();
      ++checked;
    }
  }
  return checked;
}

TEST(BpeEncoderGolden, IdsEqualThoseOfTransformersJs) {
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << "no tokenizers beside the checkout";
  struct Golden {
    std::string_view file, section, folder, definition;
  };
  const Golden cases[] = {
      {"gpt2", "Xenova/gpt2", "gpt2", "gpt-2 "},
      {"qwen2", "Xenova/Qwen1.5-0.5B-Chat", "qwen2.5", "qwen2 "},
  };
  for (const auto& [golden, section, folder, definition] : cases) {
    const BpeModel model = read_bpe_files(kData / folder).value();
    BpePipeline pipeline;
    for (const PreTokenizerDefinition& known : known_pre_tokenizers()) {
      if (known.names.starts_with(definition))
        pipeline.pre_tokenizer = pre_tokenizer_json(known.steps);
    }
    const BpeEncoder encoder = BpeEncoder::create(model, {}, pipeline).value();
    EXPECT_GT(check_golden_ids(kData / "golden/transformers.js" / golden / "tokenization.js",
                               section, encoder),
              10U)
        << golden;
  }
}

}  // namespace
}  // namespace pajamas
