// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer_definitions.h"

#include <algorithm>
#include <array>

namespace pajamas {
namespace {

// Letters in any case pattern: an upper-case run before a lower-case run (tekken, GPT-4o).
#define PJ_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define PJ_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define PJ_CONTRACTION R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define PJ_TAIL R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"

constexpr std::string_view kLlama3 =
    "split " PJ_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" PJ_TAIL "\nbyte level\n";
constexpr std::string_view kQwen2 =
    "split " PJ_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" PJ_TAIL
    "\nbyte level\n";
constexpr std::string_view kQwen35 =
    "split " PJ_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" PJ_TAIL
    "\nbyte level\n";
constexpr std::string_view kTekken =
    R"(split [^\r\n\p{L}\p{N}]?)" PJ_UPPER "*" PJ_LOWER R"(+|[^\r\n\p{L}\p{N}]?)" PJ_UPPER
    "+" PJ_LOWER R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" PJ_TAIL "\nbyte level\n";
constexpr std::string_view kGpt4o =
    R"(split [^\r\n\p{L}\p{N}]?)" PJ_UPPER "*" PJ_LOWER "+" PJ_CONTRACTION
    R"(?|[^\r\n\p{L}\p{N}]?)" PJ_UPPER "+" PJ_LOWER "*" PJ_CONTRACTION
    R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" PJ_TAIL "\nbyte level\n";
constexpr std::string_view kDeepSeek3 =
    "split \\p{N}{1,3}\n"
    "split [\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+\n"
    "split [!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
    "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" PJ_TAIL
    "\nbyte level\n";

#undef PJ_UPPER
#undef PJ_LOWER
#undef PJ_CONTRACTION
#undef PJ_TAIL

// Byte-level BPE of the families people convert. Of names with one definition, llama.cpp treats
// all alike unless ignore_merges tells them apart.
constexpr auto kDefinitions = std::to_array<PreTokenizerDefinition>({
    {.steps = kLlama3, .ignore_merges = true, .names = "llama-bpe falcon3 falcon-h1 pixtral"},
    {.steps = kLlama3,
     .ignore_merges = false,
     .names = "dbrx smaug-bpe llama-bpe chatglm-bpe glm4 kormo lfm2 minicpm5 solar-open"},
    {.steps = kQwen2,
     .ignore_merges = {},
     .names = "qwen2 stablelm2 deepseek-r1-qwen megrez hunyuan grok-2 a.x-4.0 midm-2.0 mellum2 "
              "f2llmv2"},
    {.steps = kQwen35, .ignore_merges = {}, .names = "qwen35"},
    {.steps = kTekken, .ignore_merges = {}, .names = "tekken pixtral"},
    {.steps = kGpt4o,
     .ignore_merges = {},
     .names = "gpt-4o llama4 kanana2 minimax-m2 granite-embed-multi-97m"},
    {.steps = kDeepSeek3,
     .ignore_merges = {},
     .names = "deepseek-v3 hunyuan-dense joyai-llm youtu"},
    {.steps = "gpt2\n",
     .ignore_merges = {},
     .names = "gpt-2 phi-2 olmo mpt jais roberta-bpe jina-v2-es jina-v2-de jina-v2-code gigachat "
              "trillion granite-docling modern-bert exaone4"},
    {.steps = "digits\ngpt2\n",
     .ignore_merges = {},
     .names = "smollm starcoder refact command-r codeshell exaone minerva-7b mellum"},
});

// What llama.cpp does for further names; no folder is recognised by these.
#define PJ_GPT2 "split " PJ_GPT2_PATTERN "\n"
#define PJ_GPT2_PATTERN \
  R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"
#define PJ_BLOOM "split  ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+\n"

constexpr auto kFurtherDefinitions = std::to_array<PreTokenizerDefinition>({
    {.steps = kLlama3, .ignore_merges = true, .names = "llama3 llama-v3"},
    {.steps = R"(split [\p{P}\$\+<=>\^~\|]+)"
              "\n" PJ_GPT2 R"(split \p{N}+)"
              "\nsplit [0-9][0-9][0-9]\nbyte level\n",
     .ignore_merges = {},
     .names = "default"},
    {.steps = R"(split [\p{P}\$\+<=>\^~\|`]+)"
              "\n" PJ_GPT2 "split [0-9][0-9][0-9]\nbyte level\n",
     .ignore_merges = {},
     .names = "falcon"},
    {.steps = PJ_BLOOM "byte level\n",
     .ignore_merges = {},
     .names = "bloom gpt3-finnish poro-chat"},
    {.steps = PJ_BLOOM "split \\p{N}\nbyte level\n", .ignore_merges = {}, .names = "viking"},
});

#undef PJ_GPT2
#undef PJ_GPT2_PATTERN
#undef PJ_BLOOM

bool lists_name(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

bool flag(const Json& step, std::string_view key, bool fallback) {
  const Json* value = find_member(step, key);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

std::string text_of(const Json& object, std::string_view key) {
  const Json* value = find_member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

std::string describe_split(const Json& step) {
  const Json* pattern = find_member(step, "pattern");
  if (pattern == nullptr) return "";
  const std::string regex = text_of(*pattern, "Regex");
  const std::string behavior = text_of(step, "behavior");
  const bool inverted = flag(step, "invert", false);
  // "Everything else is removed" and "each match stands alone" cut these patterns alike: they
  // match all of a text.
  const bool isolated =
      (behavior == "Isolated" && !inverted) || (behavior == "Removed" && inverted);
  if (regex.empty() || !isolated) return "";
  return "split " + regex + "\n";
}

}  // namespace

std::span<const PreTokenizerDefinition> known_pre_tokenizers() { return kDefinitions; }

const PreTokenizerDefinition* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizerDefinition& known : kDefinitions) {
    if (lists_name(known.names, name)) return &known;
  }
  for (const PreTokenizerDefinition& known : kFurtherDefinitions) {
    if (lists_name(known.names, name)) return &known;
  }
  return nullptr;
}

std::string describe_pre_tokenizer(const Json& definition) {
  const std::string type = text_of(definition, "type");
  if (type == "Sequence") {
    const Json* list = find_member(definition, "pretokenizers");
    if (list == nullptr || !list->is_array()) return "";
    std::string steps;
    for (const Json& entry : *list) {
      const std::string step = describe_pre_tokenizer(entry);
      if (step.empty()) return "";
      steps += step;
    }
    return steps;
  }
  if (type == "ByteLevel" && !flag(definition, "add_prefix_space", true)) {
    return flag(definition, "use_regex", true) ? "gpt2\n" : "byte level\n";
  }
  if (type == "Digits") {
    return flag(definition, "individual_digits", false) ? "digits\n" : "digit runs\n";
  }
  if (type == "Split") return describe_split(definition);
  return "";
}

Json pre_tokenizer_json(std::string_view steps) {
  constexpr std::string_view kSplit = "split ";
  Json list = Json::array();
  while (!steps.empty()) {
    const std::size_t end = steps.find('\n');
    const std::string_view step = steps.substr(0, end);
    steps.remove_prefix(end == std::string_view::npos ? steps.size() : end + 1);
    Json entry = Json::object();
    if (step.starts_with(kSplit)) {
      entry["type"] = "Split";
      entry["pattern"]["Regex"] = std::string(step.substr(kSplit.size()));
      entry["behavior"] = "Isolated";
    } else if (step == "digits" || step == "digit runs") {
      entry["type"] = "Digits";
      entry["individual_digits"] = step == "digits";
    } else {
      entry["type"] = "ByteLevel";
      entry["add_prefix_space"] = false;
      entry["use_regex"] = step == "gpt2";
    }
    list.push_back(std::move(entry));
  }
  Json sequence = Json::object();
  sequence["type"] = "Sequence";
  sequence["pretokenizers"] = std::move(list);
  return sequence;
}

}  // namespace pajamas
