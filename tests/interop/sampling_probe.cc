// SPDX-License-Identifier: Apache-2.0
// Answers questions about the sampling layer for test_sampling.py and test_grammars.py.
//
// Reads one JSON object a line from standard input and writes one answer a line. "op" says what is
// asked; the functions below called answer_NAME say what the others of the members are.
#include <cmath>
#include <iostream>
#include <string>

#include <fmt/core.h>

#include "base/json.h"
#include "sampling/grammar/grammar_matcher.h"
#include "sampling/grammar/json_schema.h"
#include "sampling/sampler.h"

namespace pajamas {
namespace {

constexpr JsonLimits kLimits{.max_bytes = std::uint64_t{1} << 28, .max_depth = 200};

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  }
  return bytes;
}

struct Vocabulary {
  std::vector<std::string> pieces;
  std::vector<std::int32_t> ends;
  [[nodiscard]] VocabularyView view() const { return {pieces, ends}; }
};

// {pieces: hexadecimal bytes of each token, ends: ids}
Vocabulary vocabulary_of(const Json& request) {
  Vocabulary vocabulary{{}, request.value("ends", std::vector<std::int32_t>())};
  for (const Json& piece : request["pieces"]) {
    vocabulary.pieces.push_back(from_hex(piece.get<std::string>()));
  }
  return vocabulary;
}

SamplerOptions options_of(const Json& given) {
  SamplerOptions options;
  options.temperature = given.value("temperature", 1.0F);
  options.top_k = given.value("top_k", 0);
  options.top_p = given.value("top_p", 1.0F);
  options.min_p = given.value("min_p", 0.0F);
  options.typical_p = given.value("typical_p", 1.0F);
  options.min_keep = given.value("min_keep", 0);
  options.penalties = {.last_n = given.value("last_n", 64),
                       .repeat = given.value("repeat", 1.0F),
                       .frequency = given.value("frequency", 0.0F),
                       .presence = given.value("presence", 0.0F)};
  options.dry.multiplier = given.value("dry_multiplier", 0.0F);
  options.dry.base = given.value("dry_base", 1.75F);
  options.dry.allowed_length = given.value("dry_allowed_length", 2);
  options.dry.last_n = given.value("dry_last_n", -1);
  options.dry.sequence_breakers =
      given.value("dry_breakers", std::vector<std::string>{"\n", ":", "\"", "*"});
  options.xtc = {given.value("xtc_probability", 0.0F), given.value("xtc_threshold", 0.1F)};
  options.mirostat = {given.contains("mirostat_tau"), given.value("mirostat_tau", 5.0F),
                      given.value("mirostat_eta", 0.1F)};
  for (const Json& bias : given.value("logit_bias", Json::array())) {
    options.logit_bias.push_back({bias[0].get<std::int32_t>(), bias[1].get<float>()});
  }
  options.seed = given.value("seed", 1);
  return options;
}

// {pieces, options, history: ids, logits}: what the chain would choose from.
Result<Json> answer_distribution(const Json& request) {
  const Vocabulary vocabulary = vocabulary_of(request);
  Sampler sampler = PJ_TRY(Sampler::create(options_of(request["options"]), vocabulary.view()));
  for (const Json& id : request["history"]) PJ_TRY(sampler.accept(id.get<std::int32_t>()));
  const auto logits = request["logits"].get<std::vector<float>>();
  Json answer = Json::array();
  const auto items = PJ_TRY(sampler.distribution(logits));
  for (const Candidate& item : items) {
    answer.push_back({item.id, item.p});
  }
  return answer;
}

// {pieces, ends, grammar, ids}: the allowed tokens before each id and behind the last one.
Result<Json> answer_masks(const Json& request) {
  const Vocabulary vocabulary = vocabulary_of(request);
  const auto grammar = PJ_TRY(Grammar::parse(request["grammar"].get<std::string>()));
  GrammarMatcher matcher(grammar, PJ_TRY(TokenTrie::create(vocabulary.view())));
  Json masks = Json::array();
  const auto add_mask = [&]() -> Status {
    const TokenMask* mask = PJ_TRY(matcher.allowed());
    Json ids = Json::array();
    for (std::size_t id = 0; id < mask->tokens(); ++id) {
      if (mask->contains(id)) ids.push_back(id);
    }
    masks.push_back(std::move(ids));
    return {};
  };
  PJ_TRY(add_mask());
  for (const Json& id : request["ids"]) {
    PJ_TRY(matcher.accept(id.get<std::int32_t>()));
    PJ_TRY(add_mask());
  }
  return masks;
}

// {schema}: the grammar's text.
Result<Json> answer_schema(const Json& request) {
  return Json(PJ_TRY(json_schema_to_gbnf(request["schema"])));
}

// A random text of the grammar. After `patience` tokens the shortest way out is taken: the token
// of fewest bytes among those that close something.
Result<std::string> walk(GrammarMatcher& matcher, const Vocabulary& vocabulary, Rng& rng,
                         std::size_t patience) {
  constexpr std::string_view kClosing = "\"}]";
  std::string text;
  for (std::size_t step = 0; step < 4000; ++step) {
    const TokenMask* mask = PJ_TRY(matcher.allowed());
    if (matcher.may_end() && (step >= patience || rng.uniform() < 0.3)) return text;
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> closing;
    for (std::size_t id = 0; id < mask->tokens(); ++id) {
      if (!mask->contains(id) || vocabulary.pieces[id].empty()) continue;
      ids.push_back(static_cast<std::int32_t>(id));
      const std::string& piece = vocabulary.pieces[id];
      if (piece.size() == 1 && kClosing.find(piece[0]) != std::string_view::npos) {
        closing.push_back(static_cast<std::int32_t>(id));
      }
    }
    const auto& choices =
        step >= patience && !closing.empty() && rng.uniform() < 0.9 ? closing : ids;
    if (choices.empty() && matcher.may_end()) return text;
    if (choices.empty()) return make_error(ErrorCode::kInternal, "no way on behind '{}'", text);
    const std::int32_t id = choices[rng.next() % choices.size()];
    PJ_TRY(matcher.accept(id));
    text += vocabulary.pieces[static_cast<std::size_t>(id)];
  }
  return make_error(ErrorCode::kInternal, "no end behind '{}'", text);
}

// {pieces, ends, grammar or schema, count, seed, patience}: texts from random tokens.
Result<Json> answer_walk(const Json& request) {
  const Vocabulary vocabulary = vocabulary_of(request);
  const std::string text = request.contains("schema")
                               ? PJ_TRY(json_schema_to_gbnf(request["schema"]))
                               : request["grammar"].get<std::string>();
  const auto grammar = PJ_TRY(Grammar::parse(text));
  GrammarMatcher matcher(grammar, PJ_TRY(TokenTrie::create(vocabulary.view())));
  Rng rng(request["seed"].get<std::uint64_t>());
  Json texts = Json::array();
  for (std::size_t round = 0; round < request["count"].get<std::size_t>(); ++round) {
    matcher.reset();
    texts.push_back(
        PJ_TRY(walk(matcher, vocabulary, rng, request.value("patience", std::size_t{60}))));
  }
  return texts;
}

Result<Json> answer(const std::string& line) {
  const Json request = PJ_TRY(parse_json(line, "request", kLimits));
  const std::string op = request["op"].get<std::string>();
  if (op == "distribution") return answer_distribution(request);
  if (op == "masks") return answer_masks(request);
  if (op == "schema") return answer_schema(request);
  if (op == "walk") return answer_walk(request);
  return make_error(ErrorCode::kInvalidArgument, "unknown op '{}'", op);
}

}  // namespace
}  // namespace pajamas

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto result = pajamas::answer(line);
    const pajamas::Json reply = result ? pajamas::Json{{"answer", *result}}
                                       : pajamas::Json{{"error", result.error().message}};
    std::cout << reply.dump(-1, ' ', true, pajamas::Json::error_handler_t::replace) << std::endl;
  }
  return 0;
}
