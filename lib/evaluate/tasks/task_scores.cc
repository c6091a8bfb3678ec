// SPDX-License-Identifier: Apache-2.0
// Of questions answered, the scores: lm-evaluation-harness' means and standard errors.
#include <algorithm>
#include <cmath>
#include <map>

#include "evaluate/tasks/mmlu_subjects.h"
#include "evaluate/tasks/task_results.h"

namespace pajamas {
namespace {

// Questions of one subject that were answered rightly, of how many.
struct Tally {
  std::int64_t right = 0;
  std::int64_t questions = 0;

  [[nodiscard]] double mean() const {
    return static_cast<double>(right) / static_cast<double>(questions);
  }
  // Sample deviation over the root of the number; NaN for a single question.
  [[nodiscard]] double standard_error() const {
    const auto n = static_cast<double>(questions);
    const double p = mean();
    return std::sqrt(p * (1 - p) * n / (n - 1)) / std::sqrt(n);
  }
};
using Tallies = std::map<std::string, Tally>;  // by subject

// The mean over all questions; the variances of the subjects' questions are pooled.
TaskScore combine(const std::vector<Tally>& tallies) {
  Tally all;
  double squares = 0;
  for (const Tally& tally : tallies) {
    all.right += tally.right;
    all.questions += tally.questions;
    const auto n = static_cast<double>(tally.questions);
    squares += (n - 1) * n * tally.standard_error() * tally.standard_error();
  }
  const auto n = static_cast<double>(all.questions);
  const double variance = squares / (n - static_cast<double>(tallies.size()));
  return {.task = {},
          .metric = {},
          .value = all.mean(),
          .standard_error = std::sqrt(variance / n),
          .questions = all.questions};
}

template <typename Choose>
std::vector<Tally> choose(const Tallies& tallies, Choose is_chosen) {
  std::vector<Tally> chosen;
  for (const auto& [subject, tally] : tallies) {
    if (is_chosen(subject)) chosen.push_back(tally);
  }
  return chosen;
}

std::string_view category_of(const std::string& subject) {
  const MmluSubject* found = find_mmlu_subject(subject);
  return found == nullptr ? "" : found->category;
}

void add_subjects(const Tallies& tallies, const std::string& task, std::vector<TaskScore>& scores) {
  for (const std::string_view category : {"stem", "humanities", "social_sciences", "other"}) {
    const auto chosen =
        choose(tallies, [&](const std::string& name) { return category_of(name) == category; });
    if (chosen.empty()) continue;
    scores.push_back(combine(chosen));
    scores.back().task = fmt::format("{}_{}", task, category);
  }
  for (const auto& [subject, tally] : tallies) {
    scores.push_back(combine({tally}));
    scores.back().task = fmt::format("{}_{}", task, subject);
  }
}

double value_of(const ChoiceResult& choice, TaskMetric metric) {
  switch (metric) {
    case TaskMetric::kAccNorm:
      return choice.log_probability / static_cast<double>(choice.characters);
    case TaskMetric::kAccToken:
      return choice.log_probability / static_cast<double>(choice.tokens);
    default:
      return choice.log_probability;
  }
}

}  // namespace

bool is_right(const ItemResult& item, TaskMetric metric) {
  const auto gold = static_cast<std::size_t>(item.gold);
  if (metric == TaskMetric::kGreedy) return item.choices[gold].is_greedy;
  const auto best = std::ranges::max_element(
      item.choices, {}, [&](const ChoiceResult& choice) { return value_of(choice, metric); });
  return best - item.choices.begin() == item.gold;
}

std::vector<TaskScore> score_items(const TaskSpec& spec, const std::vector<ItemResult>& items,
                                   int few_shot) {
  std::vector<TaskScore> scores;
  if (items.empty()) return scores;
  for (const TaskMetric metric : spec.metrics) {
    Tallies tallies;
    for (const ItemResult& item : items) {
      Tally& tally = tallies[item.subject];
      tally.right += is_right(item, metric) ? 1 : 0;
      ++tally.questions;
    }
    const std::size_t first = scores.size();
    scores.push_back(combine(choose(tallies, [](const std::string&) { return true; })));
    scores.back().task = spec.name;
    if (spec.has_subjects) add_subjects(tallies, std::string(spec.name), scores);
    for (std::size_t i = first; i < scores.size(); ++i) {
      scores[i].metric = task_metric_name(metric);
      scores[i].few_shot = few_shot;
    }
  }
  return scores;
}

}  // namespace pajamas
