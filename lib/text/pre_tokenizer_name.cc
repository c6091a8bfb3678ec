// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer_name.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sha256.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer_definitions.h"

namespace pajamas {

// Data, not prose: llama.cpp's converter hashes the ids of exactly these characters, and every hash
// of the table depends on them.
const std::string_view kPreTokenizerCheckText =
    "\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n🚀 (normal) 😶\u200d🌫️ (multiple emojis "
    "concatenated) "
    "✅ 🦙🦙 3 33 333 3333 33333 333333 3333333 33333333 3.3 3..3 3...3 កាន់តែពិសេសអាច😁 "
    "?我想在apple工作1314151天～ ------======= нещо на Български "
    "''''''```````\"\"\"\"......!!!!!!?????? "
    "I've been 'told he's there, 'RE you sure? 'M not sure I'll make it, 'D you like some tea? "
    "We'Ve a'lL";

namespace {

struct HashRow {
  std::string_view hash;
  std::string_view name;
};

constexpr HashRow kHashes[] = {
#include "text/pre_tokenizer_hashes.inc"
};

bool has_name(const PreTokenizerDefinition& definition, std::string_view name) {
  return fmt::format(" {} ", definition.names).find(fmt::format(" {} ", name)) != std::string::npos;
}

std::string_view first_name(const PreTokenizerDefinition& definition) {
  return definition.names.substr(0, definition.names.find(' '));
}

const PreTokenizerDefinition* find_definition(std::string_view steps, bool ignore_merges) {
  if (steps.empty()) return nullptr;
  for (const PreTokenizerDefinition& known : known_pre_tokenizers()) {
    if (known.steps == steps && known.ignore_merges.value_or(ignore_merges) == ignore_merges) {
      return &known;
    }
  }
  return nullptr;
}

BpePipeline pipeline_of(const PreTokenizerDefinition& known, bool with_nfc) {
  BpePipeline pipeline{.ignore_merges = known.ignore_merges};
  if (with_nfc) pipeline.normalizer = {{"type", "NFC"}};
  pipeline.pre_tokenizer = pre_tokenizer_json(known.steps);
  return pipeline;
}

BpePipeline pipeline_of_file(const Json& tokenizer) {
  BpePipeline pipeline;
  if (const Json* normalizer = find_member(tokenizer, "normalizer")) {
    pipeline.normalizer = *normalizer;
  }
  if (const Json* pre_tokenizer = find_member(tokenizer, "pre_tokenizer")) {
    pipeline.pre_tokenizer = *pre_tokenizer;
  }
  return pipeline;
}

constexpr std::string_view kLlama3Start = "<|begin_of_text|>";

// What the tokenizer may put around a text, most likely first. Settings outside tokenizer.json
// can change its post-processor, and a wrong guess cannot match a hash by accident.
std::vector<TextSurroundings> possible_surroundings(const PreTokenizerQuery& query) {
  std::vector<TextSurroundings> all;
  if (query.folder.tokenizer) {
    if (const Json* post = find_member(*query.folder.tokenizer, "post_processor")) {
      all.push_back(read_post_processor(*post));
    }
  }
  if (query.folder.tokenizer) all.push_back({});
  const auto one = [](std::optional<std::int64_t> id) {
    return id ? std::vector{static_cast<std::int32_t>(*id)} : std::vector<std::int32_t>{};
  };
  std::vector<std::int64_t> firsts;
  if (query.bos_id) firsts.push_back(*query.bos_id);
  for (const auto& [id, token] : query.added) {
    if (token.text == kLlama3Start && query.bos_id != id) firsts.push_back(id);
  }
  if (const auto id = query.model.find(kLlama3Start)) firsts.push_back(*id);
  for (const std::int64_t first : firsts) all.push_back({one(first), {}});
  if (!query.folder.tokenizer) all.push_back({});
  if (query.eos_id) all.push_back({{}, one(query.eos_id)});
  if (query.bos_id && query.eos_id) all.push_back({one(query.bos_id), one(query.eos_id)});
  return all;
}

struct Attempt {
  std::string hash;  // as the files say it
  std::optional<std::string_view> name;
};

Result<Attempt> try_hash(const PreTokenizerQuery& query, const BpeEncoder& encoder) {
  const std::vector<std::int32_t> ids = PJ_TRY(encoder.encode(kPreTokenizerCheckText));
  Attempt attempt;
  for (const TextSurroundings& around : possible_surroundings(query)) {
    std::vector<std::int32_t> whole = around.before;
    whole.insert(whole.end(), ids.begin(), ids.end());
    whole.insert(whole.end(), around.after.begin(), around.after.end());
    const std::string hash = hash_token_ids(whole);
    if (attempt.hash.empty()) attempt.hash = hash;
    if (const auto name = pre_tokenizer_of_hash(hash)) return Attempt{hash, name};
  }
  return attempt;
}

Result<Attempt> try_file(const PreTokenizerQuery& query, const BpePipeline& pipeline) {
  const BpeEncoder encoder = PJ_TRY(BpeEncoder::create(query.model, query.added, pipeline));
  return try_hash(query, encoder);
}

// A known definition that cuts the check text into the same words.
const PreTokenizerDefinition* find_equivalent(const BpePipeline& pipeline, bool ignore_merges) {
  const auto words_of = [](const Json& definition) -> std::vector<std::string> {
    const Result<PreTokenizer> pre_tokenizer = PreTokenizer::from_json(definition);
    if (!pre_tokenizer) return {};
    return pre_tokenizer->run(kPreTokenizerCheckText, true).value_or(std::vector<std::string>{});
  };
  const std::vector<std::string> words = words_of(pipeline.pre_tokenizer);
  if (words.empty()) return nullptr;
  for (const PreTokenizerDefinition& known : known_pre_tokenizers()) {
    if (known.ignore_merges.value_or(ignore_merges) != ignore_merges) continue;
    if (words_of(pre_tokenizer_json(known.steps)) == words) return &known;
  }
  return nullptr;
}

void name_by_guess(const PreTokenizerQuery& query, const PreTokenizerDefinition* definition,
                   const BpePipeline& pipeline, PreTokenizerName& result) {
  if (definition != nullptr) {
    // Certain enough to say nothing: a vocabulary of one's own has a hash of its own.
    result.name = first_name(*definition);
    return;
  }
  std::string how;
  if (const auto* equivalent = find_equivalent(pipeline, query.model.ignore_merges)) {
    result.name = first_name(*equivalent);
    how = "the words it cuts a test text into";
  } else {
    result.name = query.fallback.value_or("default");
    how = query.fallback ? "the architecture" : "nothing known about it";
  }
  result.warnings.push_back(fmt::format(
      "the pre-tokenizer is not one that llama.cpp's converter knows (hash {}); '{}' is "
      "written because of {}",
      result.hash.empty() ? "unknown" : result.hash, result.name, how));
}

PreTokenizerName name_by_file(const PreTokenizerQuery& query) {
  PreTokenizerName result;
  const BpePipeline pipeline = pipeline_of_file(*query.folder.tokenizer);
  const PreTokenizerDefinition* definition =
      find_definition(describe_pre_tokenizer(pipeline.pre_tokenizer), query.model.ignore_merges);
  const Result<Attempt> attempt = try_file(query, pipeline);
  if (!attempt) {
    result.warnings.push_back(
        fmt::format("the check text cannot be encoded: {}", attempt.error().message));
  } else {
    result.hash = attempt->hash;
  }
  if (!attempt || !attempt->name) {
    name_by_guess(query, definition, pipeline, result);
    return result;
  }
  result.name = *attempt->name;
  if (definition != nullptr && !has_name(*definition, result.name)) {
    result.warnings.push_back(
        fmt::format("the pre-tokenizer is '{}' by the hash of a test text, but its definition is "
                    "that of '{}'",
                    result.name, first_name(*definition)));
  }
  return result;
}

// The first known definition with which the hash is known.
Result<Attempt> try_definitions(const PreTokenizerQuery& query, std::string_view assumed) {
  std::vector<const PreTokenizerDefinition*> order;
  for (const PreTokenizerDefinition& known : known_pre_tokenizers()) order.push_back(&known);
  std::ranges::stable_partition(order,
                                [&](const auto* known) { return first_name(*known) == assumed; });
  BpeEncoder encoder = PJ_TRY(BpeEncoder::create(query.model, query.added, {}));
  Attempt first;
  for (const PreTokenizerDefinition* known : order) {
    for (const bool with_nfc : {false, true}) {
      const Status status = encoder.set_pipeline(query.added, pipeline_of(*known, with_nfc));
      if (!status) return std::unexpected(status.error());
      Attempt attempt = PJ_TRY(try_hash(query, encoder));
      if (attempt.name) return attempt;
      if (first.hash.empty()) first = std::move(attempt);
    }
  }
  return first;
}

// vocab.json and merges.txt say nothing about words: the class name does, or the hash finds out.
PreTokenizerName name_by_trial(const PreTokenizerQuery& query) {
  const bool is_qwen = query.folder.tokenizer_class().starts_with("Qwen2");
  const std::string_view assumed = is_qwen ? "qwen2" : "gpt-2";
  const Result<Attempt> attempt = try_definitions(query, assumed);
  PreTokenizerName result;
  if (attempt) result.hash = attempt->hash;
  if (attempt && attempt->name) {
    result.name = *attempt->name;
    return result;
  }
  result.name = query.fallback.value_or(std::string(assumed));
  result.warnings.push_back(fmt::format(
      "the folder has no tokenizer.json and no known pre-tokenizer gives a known hash; '{}' is "
      "written because of {}",
      result.name, query.fallback ? "the architecture" : "the tokenizer's class"));
  return result;
}

}  // namespace

std::string hash_token_ids(const std::vector<std::int32_t>& ids) {
  const std::string text = fmt::format("[{}]", fmt::join(ids, ", "));
  return sha256_hex(std::as_bytes(std::span(text)));
}

std::optional<std::string_view> pre_tokenizer_of_hash(std::string_view hash) {
  std::optional<std::string_view> name;
  for (const HashRow& row : kHashes) {
    if (row.hash == hash) name = row.name;
  }
  return name;
}

PreTokenizerName name_pre_tokenizer(const PreTokenizerQuery& query) {
  return query.folder.tokenizer ? name_by_file(query) : name_by_trial(query);
}

}  // namespace pajamas
