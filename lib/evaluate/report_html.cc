// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report_html.h"

#include <array>
#include <charconv>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "base/human_units.h"
#include "base/sha256.h"
#include "evaluate/report/divergence_histograms.h"
#include "evaluate/report/error_heat_map.h"
#include "evaluate/report/html_text.h"
#include "evaluate/report/quality_plot.h"
#include "evaluate/report/quality_tables.h"
#include "evaluate/report/sample_texts.h"
#include "evaluate/report/style.h"

namespace pajamas {
namespace {

using report::escape;
using report::format_thousands;

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? bytes[at + i] : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63];
    }
  }
  return text;
}

// How a content policy names the one style sheet that it allows.
std::string source_of(std::string_view style) {
  const std::string hex = sha256_hex(std::as_bytes(std::span(style)));
  std::array<std::uint8_t, 32> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, digest[i], 16);
  }
  return "sha256-" + base64(digest);
}

std::string head(const Validation& validation) {
  const std::string_view style = report::style_sheet();
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src '{}'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
      "content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Quantization report: "
      "{}</title>\n<style>{}</style>\n</head>\n",
      source_of(style), escape(validation.original.name), style);
}

std::string header(const Validation& validation) {
  const ModelQuality& original = validation.original;
  std::string facts;
  const auto add = [&](const std::string& fact) {
    if (fact.empty()) return;
    facts += facts.empty() ? "" : " · ";
    facts += fact;
  };
  add(fmt::format("{} against the original",
                  validation.quantized.size() == 1
                      ? std::string("one quantization")
                      : fmt::format("{} quantizations", validation.quantized.size())));
  if (original.size_bytes > 0) {
    add(fmt::format("original {}{}", escape(original.method),
                    (original.method.empty() ? "" : ", ") + format_bytes(original.size_bytes)));
  }
  if (!validation.corpus.empty()) {
    add(fmt::format("measured on {} ({} tokens)", escape(validation.corpus),
                    format_thousands(validation.corpus_tokens)));
  }
  return fmt::format(
      "<header><p class=\"kind\">Quantization report</p><h1>{}</h1><p>{}</p></header>\n",
      escape(original.name), facts);
}

// Nothing where there is nothing to show.
std::string section(std::string_view id, std::string_view heading, std::string_view lead,
                    const std::string& content) {
  if (content.empty()) return "";
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-heading\"><h2 id=\"{0}-heading\">{1}"
      "</h2><p class=\"lead\">{2}</p>{3}</section>\n",
      id, heading, lead, content);
}

std::string footer(const Validation& validation) {
  std::string text = "Made by Llama Pajamas";
  if (!validation.measured_at.empty()) text += " on " + escape(validation.measured_at);
  if (!validation.corpus_sha256.empty()) {
    text += fmt::format(". Corpus SHA-256 {}", escape(validation.corpus_sha256));
  }
  return "<footer><p>" + text + ".</p></footer>\n";
}

}  // namespace

std::string report_html(const Validation& validation) {
  std::string html = head(validation);
  html += "<body>\n<main>\n";
  html += header(validation);
  html += section("summary", "Summary",
                  "Smaller increases and divergences, and more agreement, are closer to the "
                  "original. Behind ± stands the standard error.",
                  report::summary_table(validation));
  html +=
      section("quality", "Quality against size", "The best trade-offs lie towards the lower left.",
              report::quality_plots(validation));
  html += section("divergence", "KL divergence by position",
                  "How far the next-token distributions are from the original's, over the scored "
                  "positions of the text. All histograms have the same axes.",
                  report::divergence_histograms(validation));
  html += section("tensors", "Error of the weights",
                  "Signal-to-noise ratio of each stored tensor against the original's. Hold the "
                  "pointer over a cell for its name, type and errors.",
                  report::error_heat_maps(validation));
  html += section("perplexity", "Perplexity by method",
                  "Values of different methods cannot be compared with each other.",
                  report::perplexity_table(validation));
  html += section("tasks", "Tasks",
                  "Share of right answers in percent, with its standard error; below it the change "
                  "from the original in percentage points.",
                  report::task_table(validation));
  html += section("samples", "Continuations",
                  "Both models go on from the same prompt with their most likely tokens. What they "
                  "have in common is grey, the word where they part is marked.",
                  report::sample_texts(validation));
  html += footer(validation);
  html += "</main>\n</body>\n</html>\n";
  return html;
}

}  // namespace pajamas
