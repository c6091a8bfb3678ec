// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/quality_tables.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/human_units.h"
#include "evaluate/report/html_text.h"
#include "evaluate/report/quality_plot.h"

namespace pajamas::report {
namespace {

constexpr std::size_t kHeadingCharacters = 20;
constexpr std::size_t kFileNameCharacters = 80;

// What a model has in a column, "" where it has nothing. Markup.
struct Column {
  std::string heading;
  std::string explanation;
  std::function<std::string(const ModelQuality&)> cell;
};

std::vector<const ModelQuality*> all_models(const Validation& validation) {
  std::vector<const ModelQuality*> models = {&validation.original};
  for (const ModelQuality& model : validation.quantized) models.push_back(&model);
  return models;
}

std::string with_error(const std::string& value, const std::string& error) {
  return fmt::format("{}<span class=\"error\"> ±\u202F{}</span>", value, error);
}

bool is_same_way(const PerplexityResult& a, const PerplexityResult& b) {
  return a.method == b.method && a.context == b.context && a.stride == b.stride;
}

// The model's perplexity that was measured in this way; nullptr when it was not.
const PerplexityResult* find(const ModelQuality& model, const PerplexityResult& way) {
  const auto found = std::ranges::find_if(
      model.perplexity, [&](const PerplexityResult& each) { return is_same_way(each, way); });
  return found == model.perplexity.end() ? nullptr : &*found;
}

bool is_same_score(const TaskScore& a, const TaskScore& b) {
  return a.task == b.task && a.metric == b.metric && a.few_shot == b.few_shot;
}

const TaskScore* find(const ModelQuality& model, const TaskScore& score) {
  const auto found = std::ranges::find_if(
      model.tasks, [&](const TaskScore& each) { return is_same_score(each, score); });
  return found == model.tasks.end() ? nullptr : &*found;
}

// Ways of measuring perplexity, and scores, in the order in which models have them.
std::vector<PerplexityResult> ways_of(const Validation& validation) {
  std::vector<PerplexityResult> ways;
  for (const ModelQuality* model : all_models(validation)) {
    for (const PerplexityResult& result : model->perplexity) {
      if (std::ranges::none_of(ways, [&](const auto& way) { return is_same_way(way, result); })) {
        ways.push_back(result);
      }
    }
  }
  return ways;
}

std::vector<TaskScore> scores_of(const Validation& validation) {
  std::vector<TaskScore> scores;
  for (const ModelQuality* model : all_models(validation)) {
    for (const TaskScore& score : model->tasks) {
      if (std::ranges::none_of(scores, [&](const auto& s) { return is_same_score(s, score); })) {
        scores.push_back(score);
      }
    }
  }
  return scores;
}

std::string perplexity_cell(const PerplexityResult* result) {
  if (result == nullptr) return "";
  return with_error(format_fixed(result->perplexity, 3), format_fixed(result->standard_error, 3));
}

std::string score_cell(const TaskScore* score) {
  if (score == nullptr) return "";
  return with_error(format_fixed(100 * score->value, 1),
                    format_fixed(100 * score->standard_error, 1));
}

std::string describe(const PerplexityResult& way) {
  return fmt::format("{}, windows of {}, stride {}", way.method, way.context, way.stride);
}

void add_sizes(const Validation& validation, std::vector<Column>& columns) {
  columns.push_back({"Bits", "Bits per weight", [](const ModelQuality& model) {
                       return model.bits_per_weight > 0 ? format_fixed(model.bits_per_weight, 2)
                                                        : std::string();
                     }});
  const auto original = static_cast<double>(validation.original.size_bytes);
  columns.push_back({"Size", "Bytes of the file or folder, and the share of the original's",
                     [original, &validation](const ModelQuality& model) {
                       if (model.size_bytes == 0) return std::string();
                       const std::string size = format_bytes(model.size_bytes);
                       if (original <= 0 || &model == &validation.original) return size;
                       const double share = static_cast<double>(model.size_bytes) / original;
                       return size + "<span class=\"detail\">" + format_percent(share, 0) +
                              "</span>";
                     }});
}

void add_perplexity(const Validation& validation, std::vector<Column>& columns) {
  const std::vector<PerplexityResult> ways = ways_of(validation);
  if (ways.empty()) return;
  const PerplexityResult way = ways.front();
  columns.push_back({"Perplexity", describe(way), [way](const ModelQuality& model) {
                       return perplexity_cell(find(model, way));
                     }});
  columns.push_back(
      {"Increase", "Of the perplexity over the original's",
       [way, &validation](const ModelQuality& model) {
         const PerplexityResult* original = find(validation.original, way);
         const PerplexityResult* result = find(model, way);
         if (original == nullptr || result == nullptr || &model == &validation.original) {
           return std::string();
         }
         return format_signed_percent(result->perplexity / original->perplexity - 1, 2);
       }});
}

void add_divergence(std::vector<Column>& columns) {
  using Get = std::function<std::string(const DivergenceResult&)>;
  const auto add = [&](std::string heading, std::string explanation, Get get) {
    columns.push_back({std::move(heading), std::move(explanation),
                       [get = std::move(get)](const ModelQuality& model) {
                         return model.divergence ? get(*model.divergence) : std::string();
                       }});
  };
  add("KL mean", "KL divergence from the original's next-token distribution, in nats",
      [](const DivergenceResult& d) { return format_number(d.kl.mean); });
  add("KL 99\u00A0%", "99 % of the positions have a smaller KL divergence",
      [](const DivergenceResult& d) { return format_number(d.kl.p99); });
  add("Same top\u00A01", "Positions where both models have the same most likely token",
      [](const DivergenceResult& d) {
        return with_error(format_percent(d.top1_agreement, 1),
                          format_fixed(100 * d.top1_standard_error, 1));
      });
}

void add_rest(const Validation& validation, std::vector<Column>& columns) {
  columns.push_back(
      {"Tokens/s", "Speed of the scoring passes on this machine", [](const ModelQuality& model) {
         if (!(model.tokens_per_second > 0)) return std::string();
         return format_thousands(std::llround(model.tokens_per_second));
       }});
  std::vector<std::string> tasks;
  for (const TaskScore& score : scores_of(validation)) {
    if (std::ranges::find(tasks, score.task) != tasks.end()) continue;
    tasks.push_back(score.task);
    columns.push_back(
        {score.task, fmt::format("{} in %, {} questions", score.metric, score.questions),
         [score](const ModelQuality& model) { return score_cell(find(model, score)); }});
  }
}

std::string model_heading(const Validation& validation, const ModelQuality& model) {
  const bool is_original = &model == &validation.original;
  const std::string name = is_original ? "original" : short_name(validation, model);
  const std::string detail =
      is_original && !model.method.empty() ? model.method + " " + model.name : model.name;
  const std::string shown = escape(shorten(name, kFileNameCharacters));
  if (name == detail) return shown;
  return fmt::format("{}<span class=\"detail\">{}</span>", shown,
                     escape(shorten(detail, kFileNameCharacters)));
}

std::string table(std::string_view name, const std::string& head, const std::string& body) {
  return fmt::format(
      "<div class=\"scroll\"><table class=\"{}\"><thead><tr>{}</tr></thead><tbody>{}"
      "</tbody></table></div>",
      name, head, body);
}

// Models side by side under their short names.
std::string model_columns(const Validation& validation) {
  std::string head = "<th scope=\"col\" class=\"number\">original</th>";
  for (const ModelQuality& model : validation.quantized) {
    fmt::format_to(std::back_inserter(head), "<th scope=\"col\" class=\"number\">{}</th>",
                   escape(shorten(short_name(validation, model), kHeadingCharacters)));
  }
  return head;
}

}  // namespace

std::string summary_table(const Validation& validation) {
  std::vector<Column> columns;
  add_sizes(validation, columns);
  add_perplexity(validation, columns);
  add_divergence(columns);
  add_rest(validation, columns);
  const std::vector<const ModelQuality*> models = all_models(validation);
  std::erase_if(columns, [&](const Column& column) {
    return std::ranges::all_of(models, [&](const auto* m) { return column.cell(*m).empty(); });
  });
  std::string head = "<th scope=\"col\">Model</th>";
  for (const Column& column : columns) {
    fmt::format_to(std::back_inserter(head),
                   "<th scope=\"col\" class=\"number\" title=\"{}\">{}</th>",
                   escape(column.explanation), escape(shorten(column.heading, kHeadingCharacters)));
  }
  std::string body;
  for (const ModelQuality* model : models) {
    body += model == &validation.original ? "<tr class=\"original\">" : "<tr>";
    body += "<th scope=\"row\">" + model_heading(validation, *model) + "</th>";
    for (const Column& column : columns) {
      body += "<td class=\"number\">" + column.cell(*model) + "</td>";
    }
    body += "</tr>";
  }
  return table("summary", head, body);
}

std::string perplexity_table(const Validation& validation) {
  const std::vector<PerplexityResult> ways = ways_of(validation);
  if (ways.size() < 2) return "";
  std::string body;
  for (const PerplexityResult& way : ways) {
    fmt::format_to(std::back_inserter(body),
                   "<tr><th scope=\"row\">{}<span class=\"detail\">windows of {}, stride {}, {} "
                   "scored tokens</span></th>",
                   escape(way.method), way.context, way.stride,
                   format_thousands(way.scored_tokens));
    for (const ModelQuality* model : all_models(validation)) {
      body += "<td class=\"number\">" + perplexity_cell(find(*model, way)) + "</td>";
    }
    body += "</tr>";
  }
  return table("perplexities", "<th scope=\"col\">Perplexity</th>" + model_columns(validation),
               body);
}

std::string task_table(const Validation& validation) {
  const std::vector<TaskScore> scores = scores_of(validation);
  if (scores.empty()) return "";
  std::string body;
  for (const TaskScore& score : scores) {
    const TaskScore* original = find(validation.original, score);
    fmt::format_to(std::back_inserter(body),
                   "<tr><th scope=\"row\">{}<span class=\"detail\">{} in %, {} questions, {}"
                   "-shot</span></th>",
                   escape(score.task), escape(score.metric), format_thousands(score.questions),
                   score.few_shot);
    for (const ModelQuality* model : all_models(validation)) {
      const TaskScore* found = find(*model, score);
      body += "<td class=\"number\">" + score_cell(found);
      if (found != nullptr && original != nullptr && found != original) {
        const double change = 100 * (found->value - original->value);
        body += "<span class=\"detail\">" + format_signed(change, 1) + "</span>";
      }
      body += "</td>";
    }
    body += "</tr>";
  }
  return table("tasks", "<th scope=\"col\">Task</th>" + model_columns(validation), body);
}

}  // namespace pajamas::report
