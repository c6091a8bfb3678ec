// SPDX-License-Identifier: Apache-2.0
// Times the choice of a token and the masks of a grammar.
//
// sampling_bench [PIECES]
// PIECES: a vocabulary, the bytes of one token in hexadecimal a line; without it, 128k made-up
// pieces. Prints the median time of a choice for several options, and the mean time of a mask along
// a JSON text, with nothing kept before and on a second pass.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "sampling/grammar/grammar_matcher.h"
#include "sampling/grammar/json_schema.h"
#include "sampling/sampler.h"

namespace pajamas {
namespace {

double now_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

std::vector<std::string> made_up_pieces(std::size_t count) {
  std::vector<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  Rng rng(1);
  while (pieces.size() < count) {
    std::string piece = rng.next() % 2 == 0 ? " " : "";
    const std::size_t letters = 2 + rng.next() % 8;
    for (std::size_t at = 0; at < letters; ++at) {
      piece += rng.next() % 20 == 0 ? "\",:{}[]01"[rng.next() % 9]
                                    : static_cast<char>('a' + rng.next() % 26);
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<std::string> read_pieces(const char* path) {
  std::vector<std::string> pieces;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::string piece;
    for (std::size_t at = 0; at + 1 < line.size(); at += 2) {
      piece += static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16));
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

void time_choices(std::size_t tokens) {
  const std::vector<std::string> pieces(tokens, "x");
  Rng rng(2);
  std::vector<float> logits(tokens);
  for (float& logit : logits) {  // near a normal distribution
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += rng.uniform();
    logit = static_cast<float>((sum - 6) * 2.5);
  }
  const std::pair<const char*, SamplerOptions> kinds[] = {
      {"greedy", {.temperature = 0.0F}},
      {"top_k 40", {.top_p = 1.0F, .min_p = 0.0F}},
      {"defaults, penalties, DRY", {.penalties = {.repeat = 1.1F}, .dry = {.multiplier = 0.8F}}},
      {"top_p 0.9 without top_k", {.top_k = 0, .top_p = 0.9F}},
      {"min_p 0.05 without top_k", {.top_k = 0, .top_p = 1.0F}},
      {"defaults, top_logprobs 5", {.top_logprobs = 5}}};
  for (const auto& [name, options] : kinds) {
    Sampler sampler = Sampler::create(options, {pieces, {}}).value();
    for (int i = 0; i < 512; ++i)
      static_cast<void>(sampler.accept(static_cast<std::int32_t>(rng.next() % 999)));
    std::vector<double> times;
    for (int round = 0; round < 50; ++round) {
      const double start = now_ms();
      static_cast<void>(sampler.sample(logits));
      times.push_back(now_ms() - start);
    }
    std::nth_element(times.begin(), times.begin() + 25, times.end());
    fmt::print("{:>7} logits  {:28} {:.3f} ms\n", tokens, name, times[25]);
  }
}

// Longest piece first.
std::vector<std::int32_t> tokens_of(const TokenTrie& trie, std::string_view text) {
  std::vector<std::int32_t> ids;
  while (!text.empty()) {
    std::size_t best = 0;
    std::int32_t id = -1;
    for (const std::int32_t token : trie.tokens()) {
      const std::string& piece = trie.piece(static_cast<std::size_t>(token));
      if (piece.size() > best && text.starts_with(piece)) best = piece.size(), id = token;
    }
    if (id < 0) break;
    ids.push_back(id);
    text.remove_prefix(best);
  }
  return ids;
}

void time_masks(const char* name, const std::string& gbnf,
                const std::shared_ptr<const TokenTrie>& trie, std::string_view text) {
  const double before = now_ms();
  const auto grammar = Grammar::parse(gbnf).value();
  const double compiled = now_ms() - before;
  const auto ids = tokens_of(*trie, text);
  GrammarMatcher matcher(grammar, trie);
  double ms[2] = {};
  double worst = 0;
  for (double& total : ms) {
    matcher.reset();
    for (const std::int32_t id : ids) {
      const double start = now_ms();
      static_cast<void>(matcher.allowed().value());
      const bool is_allowed = matcher.accept(id).has_value();
      const double took = now_ms() - start;
      worst = std::max(worst, took);
      total += took;
      if (!is_allowed) fmt::print("{}: a token of the text is not allowed\n", name);
    }
  }
  const auto count = static_cast<double>(ids.size());
  fmt::print(
      "{:>7} tokens  {:28} {} tokens of text: {:.3f} ms a token at first, {:.4f} again, worst "
      "{:.2f}; compiled in {:.2f} ms\n",
      trie->vocabulary_size(), name, ids.size(), ms[0] / count, ms[1] / count, worst, compiled);
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  using namespace pajamas;
  for (const std::size_t tokens : {128'000U, 256'000U}) time_choices(tokens);
  const auto pieces = argc > 1 ? read_pieces(argv[1]) : made_up_pieces(128'000);
  const auto trie = TokenTrie::create({pieces, {}}).value();
  std::string text = "{";
  for (int item = 0; item < 12; ++item) {
    text += fmt::format(
        "{}\"person {}\": {{\"name\": \"Some Body the {}th\", \"age\": {}, \"tags\": [\"red\", "
        "\"green and blue\", null], \"ok\": true}}",
        item == 0 ? "" : ", ", item, item, 20 + item);
  }
  time_masks("json_object", json_object_gbnf(), trie, text + "}");
  const Json schema =
      parse_json(
          R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},"tags":{"type":"array","items":{"enum":["red","green","blue"]}},"note":{"type":"string","maxLength":200}},"required":["name","age"]})",
          "schema", {})
          .value();
  time_masks(
      "schema", json_schema_to_gbnf(schema).value(), trie,
      R"({"name": "Some Body of the North", "age": 42, "tags": ["red", "blue"], "note": "a longer text with many words in it, none of which matters much to anyone"})");
  return 0;
}
