// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_data.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "evaluate/data/record_file.h"
#include "evaluate/tasks/data_files.h"
#include "evaluate/tasks/mmlu_files.h"
#include "evaluate/tasks/mmlu_subjects.h"
#include "evaluate/tasks/python_random.h"

namespace pajamas {
namespace {

// lm-evaluation-harness' fewshot_random_seed.
constexpr std::uint32_t kExampleSeed = 1234;

// Rows of one subject before they are questions.
struct SubjectRows {
  std::vector<Record> questions;
  std::vector<Record> examples;
};
using RowsBySubject = std::map<std::string, SubjectRows>;

Result<std::vector<Record>> read_rows(const std::filesystem::path& path) {
  return PJ_TRY(read_records(path)).records;
}

// The subject of a row; "" for a task that has none.
Result<std::string> subject_of(const TaskSpec& spec, const Record& record) {
  if (!spec.has_subjects) return std::string();
  std::string subject = PJ_TRY(record.text("subject"));
  if (find_mmlu_subject(subject) == nullptr) {
    return record.error(fmt::format("'subject' is '{}', expected one of MMLU's 57", subject));
  }
  return subject;
}

Result<std::filesystem::path> examples_file(const TaskSpec& spec, const TaskDataOptions& options) {
  if (!options.examples.empty()) return find_split_file(options.examples, spec.examples_split);
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(options.questions, error);
  auto found =
      find_split_file(is_folder ? options.questions
                                : std::filesystem::absolute(options.questions, error).parent_path(),
                      spec.examples_split);
  if (!found) {
    return std::unexpected(found.error().with_context(fmt::format(
        "{} examples are to stand before each question of {}", options.few_shot, spec.name)));
  }
  return found;
}

Result<RowsBySubject> read_row_files(const TaskSpec& spec, const TaskDataOptions& options) {
  RowsBySubject subjects;
  const auto questions = PJ_TRY(find_split_file(options.questions, spec.questions_split));
  for (Record& record : PJ_TRY(read_rows(questions))) {
    const std::string subject = PJ_TRY(subject_of(spec, record));
    subjects[subject].questions.push_back(std::move(record));
  }
  if (options.few_shot == 0) return subjects;
  for (Record& record : PJ_TRY(read_rows(PJ_TRY(examples_file(spec, options))))) {
    const std::string subject = PJ_TRY(subject_of(spec, record));
    const auto found = subjects.find(subject);
    if (found != subjects.end()) found->second.examples.push_back(std::move(record));
  }
  return subjects;
}

Result<RowsBySubject> read_subject_files(const std::vector<MmluFile>& files, int few_shot) {
  RowsBySubject subjects;
  for (const MmluFile& file : files) {
    if (find_mmlu_subject(file.subject) == nullptr) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}': '{}' is no subject of MMLU, expected the name of one before "
                        "'_test.csv'",
                        file.questions.string(), file.subject);
    }
    SubjectRows& rows = subjects[file.subject];
    rows.questions = PJ_TRY(read_mmlu_csv(file.questions));
    if (few_shot > 0) rows.examples = PJ_TRY(read_mmlu_csv(file.examples));
  }
  return subjects;
}

std::unexpected<Error> too_few(const TaskSpec& spec, const std::string& subject, std::size_t there,
                               std::size_t needed) {
  return make_error(ErrorCode::kInvalidArgument,
                    "{}{}{} has {} rows to take examples from, but {} are needed; ask for fewer",
                    spec.name, subject.empty() ? "" : ", ", subject, there, needed);
}

// Rows that equal the question are no examples for it.
Result<std::vector<std::size_t>> draw_others(PythonRandom& random, const Record& question,
                                             const std::vector<Record>& examples,
                                             std::size_t count) {
  const auto differs = [&](std::size_t index) {
    return examples[index].fields() != question.fields();
  };
  std::vector<std::size_t> drawn = random.sample(examples.size(), count + 1);
  std::erase_if(drawn, [&](std::size_t index) { return !differs(index); });
  if (drawn.size() >= count) {
    drawn.resize(count);
    return drawn;
  }
  // More than one row equals the question: drawn anew from all others.
  std::vector<std::size_t> others;
  for (std::size_t index = 0; index < examples.size(); ++index) {
    if (differs(index)) others.push_back(index);
  }
  if (others.size() < count) {
    return question.error(
        fmt::format("only {} rows differ from this question, but {} examples are needed",
                    others.size(), count));
  }
  drawn = random.sample(others.size(), count);
  for (std::size_t& index : drawn) index = others[index];
  return drawn;
}

// Draws go through the questions in order, with one generator for all.
Status draw_examples(const TaskSpec& spec, const SubjectRows& rows, std::size_t count,
                     QuestionSet& set) {
  const std::size_t needed = count + (spec.examples == ExampleRule::kRandomOthers ? 1 : 0);
  if (rows.examples.size() < needed) {
    return too_few(spec, set.subject, rows.examples.size(), needed);
  }
  PythonRandom random(kExampleSeed);
  for (std::size_t index = 0; index < set.questions.size(); ++index) {
    std::vector<std::size_t> drawn(count);
    if (spec.examples == ExampleRule::kFirst) {
      std::iota(drawn.begin(), drawn.end(), std::size_t{0});
    } else if (spec.examples == ExampleRule::kRandom) {
      drawn = random.sample(rows.examples.size(), count);
    } else {
      drawn = PJ_TRY(draw_others(random, rows.questions[index], rows.examples, count));
    }
    set.drawn.push_back(std::move(drawn));
  }
  return {};
}

Result<QuestionSet> make_set(const TaskSpec& spec, const TaskDataOptions& options,
                             const std::string& subject, const SubjectRows& rows) {
  QuestionSet set{.subject = subject,
                  .description = spec.has_subjects ? mmlu_description(subject) : "",
                  .questions = {},
                  .examples = {},
                  .drawn = {}};
  for (const Record& record : rows.questions) {
    if (options.limit > 0 && static_cast<std::int64_t>(set.questions.size()) == options.limit)
      break;
    set.questions.push_back(PJ_TRY(spec.read(spec, record)));
  }
  if (options.few_shot == 0) return set;
  for (const Record& record : rows.examples) {
    set.examples.push_back(PJ_TRY(spec.read(spec, record)));
  }
  PJ_TRY(draw_examples(spec, rows, static_cast<std::size_t>(options.few_shot), set));
  return set;
}

Status check_options(const TaskSpec& spec, const TaskDataOptions& options) {
  constexpr int kMaxExamples = 256;
  if (options.few_shot < 0 || options.few_shot > kMaxExamples) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} examples before a question, expected 0 to {}", options.few_shot,
                      kMaxExamples);
  }
  if (options.few_shot > 0 && spec.examples == ExampleRule::kNone) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} is asked without examples before its questions, but {} are wanted",
                      spec.name, options.few_shot);
  }
  if (options.limit < 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a limit of {} questions, expected at least 1, or 0 for all", options.limit);
  }
  return {};
}

}  // namespace

std::vector<LikelihoodRequest> QuestionSet::requests(std::size_t index) const {
  std::string before = description;
  if (!drawn.empty()) {
    for (const std::size_t example : drawn[index]) {
      const Question& shown = examples[example];
      before += shown.context(shown.gold) + " " + shown.ending(shown.gold) + "\n\n";
    }
  }
  const Question& question = questions[index];
  std::vector<LikelihoodRequest> requests;
  for (std::size_t choice = 0; choice < question.choices(); ++choice) {
    requests.push_back({.context = before + question.context(choice),
                        .continuation = " " + question.ending(choice)});
  }
  return requests;
}

std::int64_t TaskData::question_count() const {
  std::size_t count = 0;
  for (const QuestionSet& set : sets) count += set.questions.size();
  return static_cast<std::int64_t>(count);
}

Result<TaskData> load_task_data(const TaskSpec& spec, const TaskDataOptions& options) {
  PJ_TRY(check_options(spec, options));
  const std::vector<MmluFile> files =
      spec.has_subjects ? PJ_TRY(find_mmlu_files(options.questions, options.examples))
                        : std::vector<MmluFile>();
  const RowsBySubject subjects = files.empty()
                                     ? PJ_TRY(read_row_files(spec, options))
                                     : PJ_TRY(read_subject_files(files, options.few_shot));
  TaskData data;
  for (const auto& [subject, rows] : subjects) {
    data.sets.push_back(PJ_TRY(make_set(spec, options, subject, rows)));
  }
  return data;
}

}  // namespace pajamas
