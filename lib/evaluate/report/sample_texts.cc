// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/sample_texts.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "evaluate/report/html_text.h"
#include "evaluate/report/quality_plot.h"
#include "evaluate/report/tabs.h"
#include "text/utf8.h"

namespace pajamas::report {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

// Where two texts part: at the beginning of the word that differs. Both are valid UTF-8.
std::size_t first_difference(std::string_view a, std::string_view b) {
  const auto differ = std::ranges::mismatch(a, b);
  auto at = static_cast<std::size_t>(differ.in1 - a.begin());
  const auto ends_word = [&](std::string_view text) {
    return at == text.size() || is_space(text[at]);
  };
  if (ends_word(a) && ends_word(b)) return at;  // the word before is the same
  while (at > 0 && !is_space(a[at - 1])) --at;
  return at;
}

// What both have in common, the word where they part, and the rest.
std::string marked(std::string_view text, std::size_t difference) {
  std::size_t begin = difference;
  while (begin < text.size() && is_space(text[begin])) ++begin;
  std::size_t end = begin;
  while (end < text.size() && !is_space(text[end])) ++end;
  const std::string same = escape(text.substr(0, begin));
  const std::string word = escape(text.substr(begin, end - begin));
  return fmt::format(
      "<span class=\"same\">{}</span>{}{}", same,
      word.empty() ? "<mark class=\"end\">end of text</mark>" : "<mark>" + word + "</mark>",
      escape(text.substr(end)));
}

std::string pair(const SampleText& sample, const std::string& name) {
  const std::string original = replace_invalid_utf8(sample.original);
  const std::string quantized = replace_invalid_utf8(sample.quantized);
  const bool is_same = original == quantized;
  const std::size_t difference = first_difference(original, quantized);
  const auto body = [&](const std::string& text) {
    return is_same ? escape(text) : marked(text, difference);
  };
  const std::string_view tokens = sample.tokens_in_common == 1 ? "token" : "tokens";
  const std::string verdict =
      is_same ? fmt::format("the same text, {} {}", sample.tokens_in_common, tokens)
              : fmt::format("{} {} in common", sample.tokens_in_common, tokens);
  return fmt::format(
      "<article class=\"sample\"><h3><q>{}</q><span class=\"verdict\">{}</span></h3><div "
      "class=\"pair\"><div><h4>Original</h4><p class=\"text\">{}</p></div><div><h4>{}</h4><p "
      "class=\"text\">{}</p></div></div></article>",
      escape(sample.prompt), verdict, body(original), escape(name), body(quantized));
}

}  // namespace

std::string sample_texts(const Validation& validation) {
  std::vector<Tab> views;
  for (const ModelQuality& model : validation.quantized) {
    if (model.samples.empty()) continue;
    const std::string name = short_name(validation, model);
    std::string html;
    for (const SampleText& sample : model.samples) html += pair(sample, name);
    views.push_back({name, html});
  }
  return views.empty() ? "" : tabs("sample", views);
}

}  // namespace pajamas::report
