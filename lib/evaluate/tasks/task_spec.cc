// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_spec.h"

#include <algorithm>
#include <array>

#include "evaluate/tasks/python_text.h"

namespace pajamas {
namespace {

Result<std::vector<std::string>> read_choices(const TaskSpec& spec, const Record& record) {
  std::vector<std::string> choices;
  switch (spec.choice_rule) {
    case ChoiceRule::kNames:
      choices.assign(spec.choices.begin(), spec.choices.end());
      break;
    case ChoiceRule::kFields:
      for (const std::string_view field : spec.choices) {
        choices.push_back(PJ_TRY(record.text(field)));
      }
      break;
    case ChoiceRule::kList:
      choices = PJ_TRY(record.texts(spec.choices.front()));
      break;
  }
  if (choices.empty()) return record.error("the question has no choices");
  return choices;
}

Result<std::size_t> read_labelled(const TaskSpec& spec, const Record& record, std::size_t choices) {
  const std::string label = PJ_TRY(record.text(spec.gold));
  const std::vector<std::string> labels = PJ_TRY(record.texts(spec.gold_labels));
  const auto found = std::ranges::find(labels, python_strip(label));
  const auto index = static_cast<std::size_t>(found - labels.begin());
  if (found == labels.end() || index >= choices) {
    return record.error(fmt::format("'{}' is '{}', expected the label of one of the {} choices",
                                    spec.gold, label, choices));
  }
  return index;
}

Result<std::size_t> read_first(const TaskSpec& spec, const Record& record) {
  const Json* labels = &record.fields();
  // "mc1_targets.labels"
  for (std::string_view rest = spec.gold_labels; labels != nullptr && !rest.empty();) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    labels = find_member(*labels, rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  if (labels == nullptr || !labels->is_array() || labels->empty() || labels->front() != 1) {
    return record.error(fmt::format(
        "'{}' does not begin with 1, expected the right choice to be the first", spec.gold_labels));
  }
  return 0;
}

}  // namespace

std::string_view task_metric_name(TaskMetric metric) {
  constexpr std::array<std::string_view, 4> kNames = {"acc", "acc_norm", "acc_token", "acc"};
  return kNames[static_cast<std::size_t>(metric)];
}

Result<std::string> fill_prompt(std::string_view prompt, const Record& record) {
  std::string text;
  while (true) {
    const std::size_t open = prompt.find('{');
    text += prompt.substr(0, open);
    if (open == std::string_view::npos) return text;
    const std::size_t close = prompt.find('}', open);
    text += PJ_TRY(record.text(prompt.substr(open + 1, close - open - 1)));
    prompt.remove_prefix(close + 1);
  }
}

Result<std::size_t> read_gold(const Record& record, std::string_view name, std::size_t choices) {
  const std::int64_t gold = PJ_TRY(record.integer(name));
  if (gold < 0 || gold >= static_cast<std::int64_t>(choices)) {
    return record.error(
        fmt::format("'{}' is {}, expected 0 to {}{}", name, gold, choices - 1,
                    gold == -1 ? " (the answers of this split are hidden: use validation)" : ""));
  }
  return static_cast<std::size_t>(gold);
}

Result<Question> read_templated_question(const TaskSpec& spec, const Record& record) {
  Question question;
  question.contexts.push_back(PJ_TRY(fill_prompt(spec.prompt, record)));
  question.endings = PJ_TRY(read_choices(spec, record));
  const std::size_t choices = question.endings.size();
  switch (spec.gold_rule) {
    case GoldRule::kIndex:
      question.gold = PJ_TRY(read_gold(record, spec.gold, choices));
      break;
    case GoldRule::kLabel:
      question.gold = PJ_TRY(read_labelled(spec, record, choices));
      break;
    case GoldRule::kFirst:
      question.gold = PJ_TRY(read_first(spec, record));
      break;
  }
  return question;
}

}  // namespace pajamas
