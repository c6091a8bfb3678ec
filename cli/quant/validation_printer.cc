// SPDX-License-Identifier: Apache-2.0
#include "validation_printer.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/human_units.h"
#include "evaluate/validation_json.h"
#include "evaluate/validation_summary.h"

namespace pajamas::cli {
namespace {

// A column of the table; `text` gives "" where a model has no such number.
struct Column {
  std::string title;
  std::function<std::string(const ModelQuality& model)> text;
};

const PerplexityResult* perplexity_of(const ModelQuality& model, std::string_view method) {
  const auto found = std::ranges::find(model.perplexity, method, &PerplexityResult::method);
  return found == model.perplexity.end() ? nullptr : &*found;
}

Column perplexity_column(std::string title, std::string method) {
  return {std::move(title), [method](const ModelQuality& model) {
            const PerplexityResult* result = perplexity_of(model, method);
            if (result == nullptr) return std::string();
            return fmt::format("{:.4f} +- {:.4f}", result->perplexity, result->standard_error);
          }};
}

Column divergence_column(std::string title,
                         std::function<std::string(const DivergenceResult&)> text) {
  return {std::move(title), [text](const ModelQuality& model) {
            return model.divergence ? text(*model.divergence) : std::string();
          }};
}

// One for each score that some model has.
std::vector<Column> task_columns(const Validation& validation) {
  std::vector<Column> columns;
  if (validation.quantized.empty()) return columns;
  for (const TaskScore& score : whole_task_scores(validation.quantized.front().tasks)) {
    columns.push_back({score.task + " " + score.metric, [score](const ModelQuality& model) {
                         for (const TaskScore& each : model.tasks) {
                           if (each.task != score.task || each.metric != score.metric) continue;
                           return fmt::format("{:.2f} +- {:.2f} %", 100 * each.value,
                                              100 * each.standard_error);
                         }
                         return std::string();
                       }});
  }
  return columns;
}

std::vector<Column> columns_of(const Validation& validation) {
  std::vector<Column> columns = {
      {"type", [](const ModelQuality& model) { return model.method; }},
      {"bits",
       [](const ModelQuality& model) {
         return model.bits_per_weight > 0 ? fmt::format("{:.2f}", model.bits_per_weight) : "";
       }},
      {"size",
       [](const ModelQuality& model) {
         return model.size_bytes > 0 ? format_bytes(model.size_bytes) : std::string();
       }},
      perplexity_column("perplexity", "llama.cpp"),
      perplexity_column("perplexity (hf)", "hf"),
      {"increase",
       [&](const ModelQuality& model) {
         const bool is_original = &model == &validation.original;
         const auto increase = perplexity_increase_pct(validation.original, model);
         return increase && !is_original ? fmt::format("{:+.3f} %", *increase) : std::string();
       }},
      divergence_column("KL mean",
                        [](const DivergenceResult& d) { return fmt::format("{:.6f}", d.kl.mean); }),
      divergence_column("KL p99",
                        [](const DivergenceResult& d) { return fmt::format("{:.5f}", d.kl.p99); }),
      divergence_column("same top",
                        [](const DivergenceResult& d) {
                          return fmt::format("{:.2f} +- {:.2f} %", 100 * d.top1_agreement,
                                             100 * d.top1_standard_error);
                        }),
      divergence_column("RMS dp",
                        [](const DivergenceResult& d) {
                          return fmt::format("{:.3f} %", 100 * d.rms_probability_change);
                        }),
      {"tok/s",
       [](const ModelQuality& model) {
         return model.tokens_per_second > 0 ? fmt::format("{:.0f}", model.tokens_per_second) : "";
       }},
      {"model", [](const ModelQuality& model) { return model.name; }},
  };
  const std::vector<Column> tasks = task_columns(validation);
  columns.insert(columns.end() - 2, tasks.begin(), tasks.end());
  return columns;
}

}  // namespace

QualityLimits make_limits(double max_ppl_increase_pct, double max_kl, double min_agreement) {
  QualityLimits limits;
  if (max_ppl_increase_pct >= 0) limits.max_ppl_increase_pct = max_ppl_increase_pct;
  if (max_kl >= 0) limits.max_kl = max_kl;
  if (min_agreement >= 0) limits.min_agreement = min_agreement;
  return limits;
}

void print_validation(const Validation& validation) {
  std::vector<const ModelQuality*> models;
  if (!validation.original.name.empty()) models.push_back(&validation.original);
  for (const ModelQuality& model : validation.quantized) models.push_back(&model);
  const std::string corpus = validation.corpus.empty() ? "the logits file" : validation.corpus;
  if (validation.corpus_tokens > 0) {
    fmt::print("{} tokens of {}\n\n", validation.corpus_tokens, corpus);
  }
  std::vector<std::string> lines(models.size() + 1);
  for (const Column& column : columns_of(validation)) {
    std::vector<std::string> cells = {column.title};
    for (const ModelQuality* model : models) cells.push_back(column.text(*model));
    // Left out where no model has a number.
    if (std::ranges::all_of(cells.begin() + 1, cells.end(), &std::string::empty)) continue;
    const std::size_t width = std::ranges::max(cells, {}, &std::string::size).size();
    const bool is_text = column.title == "type" || column.title == "model";
    for (std::size_t row = 0; row < cells.size(); ++row) {
      if (!lines[row].empty()) lines[row] += "  ";
      lines[row] += is_text ? fmt::format("{:<{}}", cells[row], width)
                            : fmt::format("{:>{}}", cells[row], width);
    }
  }
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

Json printable_validation(const Validation& validation, const Status& verdict) {
  Json json = validation_to_json(validation);
  json["passed"] = verdict.has_value();
  if (!verdict) json["failure"] = verdict.error().message;
  return json;
}

}  // namespace pajamas::cli
