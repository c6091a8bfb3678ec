// SPDX-License-Identifier: Apache-2.0
#include "text/special_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/chat_template_files.h"
#include "text/test_folder.h"

namespace pajamas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::TestFolder;

constexpr std::string_view kAdded = R"("added_tokens": [{"id": 5, "content": "<s>"},
    {"id": 6, "content": "</s>"}, {"id": 7, "content": "<pad>"}, {"id": 8, "content": "<turn>"}])";

std::string with_template(std::string_view single, std::string_view pair) {
  return fmt::format(R"({{{}, "post_processor": {{"type": "Sequence", "processors": [
      {{"type": "ByteLevel"}},
      {{"type": "TemplateProcessing", "single": [{}], "pair": [{}]}}]}}}})",
                     kAdded, single, pair);
}

std::string special(std::string_view token) {
  return fmt::format(R"({{"SpecialToken": {{"id": "{}", "type_id": 0}}}})", token);
}
const std::string kA = R"({"Sequence": {"id": "A", "type_id": 0}})";
const std::string kB = R"({"Sequence": {"id": "B", "type_id": 1}})";

SpecialTokens find(const TestFolder& folder, const Json& config = Json::object()) {
  return find_special_tokens(read_tokenizer_folder(folder.path()).value(), config, 100);
}

TEST(SpecialTokens, TokenizerConfigComesBeforeConfig) {
  const TestFolder folder;
  folder.write("tokenizer.json", fmt::format("{{{}}}", kAdded));
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "pad_token": {"content": "<pad>"},
      "eos_token": "unheard", "add_bos_token": true, "add_eos_token": false})");
  const SpecialTokens tokens = find(folder, {{"bos_token_id", 1}, {"eos_token_id", 2}});
  EXPECT_THAT(tokens.ids, ElementsAre(Pair("bos", 5), Pair("pad", 7), Pair("eos", 2)));
  EXPECT_THAT(tokens.add, ElementsAre(Pair("bos", true), Pair("eos", false)));
}

TEST(SpecialTokens, WithoutTokenizerJsonConfigDecides) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "add_bos_token": true})");
  const Json config = {{"text_config", {{"bos_token_id", 9}}}, {"eos_token_id", {1, 2}}};
  EXPECT_THAT(find(folder, config).ids, ElementsAre(Pair("bos", 9)));
}

TEST(SpecialTokens, IdsThatAreNoTokensAreLeftOutWithAWarning) {
  const TestFolder folder;
  const SpecialTokens tokens = find(folder, {{"pad_token_id", -1}, {"eos_token_id", 100}});
  EXPECT_THAT(tokens.ids, ElementsAre());
  EXPECT_THAT(tokens.warnings, ElementsAre(HasSubstr("eos token has the id 100"),
                                           HasSubstr("pad token has the id -1")));
}

TEST(SpecialTokens, ATemplateSaysWhatIsAdded) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>"})");
  folder.write("tokenizer.json",
               with_template(special("<s>") + "," + kA,
                             special("<s>") + "," + kA + "," + special("</s>") + "," + kB));
  EXPECT_THAT(find(folder).add, ElementsAre(Pair("bos", true), Pair("sep", true)));
}

TEST(SpecialTokens, ATemplateThatEndsWithAnotherTokenMovesEosToEndOfTurn) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"eos_token": "<turn>"})");
  folder.write("tokenizer.json", with_template(kA + "," + special("</s>"), kA + "," + kB));
  const SpecialTokens tokens = find(folder);
  EXPECT_THAT(tokens.ids, ElementsAre(Pair("eos", 6), Pair("eot", 8)));
  EXPECT_THAT(tokens.add, ElementsAre(Pair("eos", true)));
}

TEST(SpecialTokens, RobertaProcessingAddsAllThree) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"model_max_length": 5})");
  folder.write("tokenizer.json", fmt::format(R"({{{}, "post_processor":
      {{"type": "RobertaProcessing", "cls": ["<s>", 5], "sep": ["</s>", 6]}}}})",
                                             kAdded));
  const SpecialTokens tokens = find(folder);
  EXPECT_THAT(tokens.add, ElementsAre(Pair("bos", true), Pair("eos", true), Pair("sep", true)));
  EXPECT_EQ(tokens.id_of("sep"), 6);
  EXPECT_EQ(tokens.id_of("cls"), 5);
}

Metadata templates_of(const TestFolder& folder) {
  Metadata keys;
  write_chat_templates(read_chat_templates(read_tokenizer_folder(folder.path()).value()).value(),
                       keys);
  return keys;
}

std::string text_of(const Metadata& keys, std::string_view key) {
  const auto* value = keys.find_as<std::string>(key);
  return value == nullptr ? "(absent)" : *value;
}

TEST(ChatTemplates, AreTakenFromTokenizerConfigFirst) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template": "inner"})");
  folder.write("chat_template.jinja", "file");
  EXPECT_EQ(text_of(templates_of(folder), "tokenizer.chat_template"), "inner");
}

TEST(ChatTemplates, AListGivesNamedTemplates) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template": [
      {"name": "default", "template": "d"}, {"name": "tool-use é", "template": "t"},
      {"name": "", "template": "lost"}, 7]})");
  const Metadata keys = templates_of(folder);
  EXPECT_EQ(text_of(keys, "tokenizer.chat_template"), "d");
  EXPECT_EQ(text_of(keys, "tokenizer.chat_template.tool_use__"), "t");
  EXPECT_THAT(*keys.find_as<std::vector<std::string>>("tokenizer.chat_templates"),
              ElementsAre("tool_use__"));
}

TEST(ChatTemplates, FilesBesideTheConfigAreTaken) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"x": 1})");
  folder.write("chat_template.json", R"({"chat_template": "json"})");
  EXPECT_EQ(text_of(templates_of(folder), "tokenizer.chat_template"), "json");
  folder.write("chat_template.jinja", "line\r\nend");
  folder.write("additional_chat_templates/rag.jinja", "r");
  const Metadata keys = templates_of(folder);
  EXPECT_EQ(text_of(keys, "tokenizer.chat_template"), "line\nend");
  EXPECT_EQ(text_of(keys, "tokenizer.chat_template.rag"), "r");
}

TEST(ChatTemplates, AnInvalidFileIsAnErrorAndAWrongTypeAWarning) {
  const TestFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THAT(read_chat_templates(read_tokenizer_folder(folder.path()).value())->warnings,
              ElementsAre(HasSubstr("the chat template is number")));
  folder.write("tokenizer_config.json", R"({"x": 1})");
  folder.write("chat_template.jinja", "\xff");
  EXPECT_THAT(read_chat_templates(read_tokenizer_folder(folder.path()).value()).error().message,
              HasSubstr("chat_template.jinja' is not valid UTF-8"));
}

}  // namespace
}  // namespace pajamas
