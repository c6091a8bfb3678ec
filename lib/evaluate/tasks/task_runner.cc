// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/task_runner.h"

#include <map>
#include <span>
#include <utility>

#include "base/sha256.h"
#include "evaluate/tasks/likelihood.h"
#include "evaluate/tasks/python_text.h"
#include "evaluate/tasks/task_data.h"
#include "runtime/sequence_file.h"

namespace pajamas {
namespace {

// Questions between two writes of the results file.
constexpr std::size_t kBatchQuestions = 64;

using ItemKey = std::pair<std::string, std::int64_t>;  // subject, index
using FoundItems = std::map<ItemKey, ItemResult>;

std::string fingerprint_of_requests(std::span<const LikelihoodRequest> requests) {
  Sha256 hash;
  for (const LikelihoodRequest& request : requests) {
    for (const std::string* part : {&request.context, &request.continuation}) {
      hash.update(std::as_bytes(std::span(part->c_str(), part->size() + 1)));
    }
  }
  return hash.finish_hex().substr(0, 16);
}

Result<const TaskSpec*> spec_of(const TaskRequest& request) {
  if (const TaskSpec* spec = find_task(request.name)) return spec;
  std::string names;
  for (const TaskSpec& spec : task_table()) {
    names += (names.empty() ? "" : ", ") + std::string(spec.name);
  }
  return make_error(ErrorCode::kInvalidArgument, "there is no task '{}'; the tasks are {}",
                    request.name, names);
}

TaskDataOptions data_options(const TaskRequest& request) {
  return {.questions = request.data,
          .examples = request.examples,
          .few_shot = request.few_shot,
          .limit = request.limit};
}

Result<std::optional<ResultsFile>> open_results(Engine& engine, const TaskRequest& request) {
  if (request.results.empty()) return std::nullopt;
  const KvShape shape = engine.new_sequence().pool().shape();
  const ResultsHeader header{.task = request.name,
                             .few_shot = request.few_shot,
                             .context = engine.context(),
                             .model = PJ_TRY(fingerprint_of(engine.model(), shape))};
  return PJ_TRY(ResultsFile::open(request.results, header));
}

// Asks the questions of one set and collects items of all.
class TaskRunner {
 public:
  TaskRunner(Engine& engine, const ModelText& text, const TaskRequest& request,
             std::optional<ResultsFile> results, const CancelToken& cancel, Progress& progress)
      : scorer_(engine, text),
        request_(request),
        results_(std::move(results)),
        cancel_(cancel),
        progress_(progress) {
    if (!results_) return;
    for (const ItemResult& item : results_->found()) {
      found_.insert_or_assign({item.subject, item.index}, item);
    }
  }

  Status ask(const TaskData& data) {
    total_ = static_cast<std::uint64_t>(data.question_count());
    for (const QuestionSet& set : data.sets) {
      for (std::size_t first = 0; first < set.questions.size(); first += kBatchQuestions) {
        PJ_TRY(ask_batch(set, first, std::min(first + kBatchQuestions, set.questions.size())));
      }
    }
    return {};
  }

  TaskRun finish(const TaskSpec& spec) {
    run_.scores = score_items(spec, run_.items, request_.few_shot);
    run_.computed_tokens = scorer_.computed_tokens();
    return std::move(run_);
  }

 private:
  Status ask_batch(const QuestionSet& set, std::size_t first, std::size_t last) {
    PJ_TRY(cancel_.check());
    std::vector<LikelihoodRequest> requests;
    std::vector<std::size_t> asked;  // places in run_.items
    for (std::size_t index = first; index < last; ++index) {
      std::vector<LikelihoodRequest> own = set.requests(index);
      ItemResult item = make_item(set, index, own);
      if (const ItemResult* known = PJ_TRY(find_known(item))) {
        run_.items.push_back(*known);
        ++run_.resumed_items;
        continue;
      }
      asked.push_back(run_.items.size());
      run_.items.push_back(std::move(item));
      std::ranges::move(own, std::back_inserter(requests));
    }
    PJ_TRY(score_batch(requests, asked));
    progress_.update({.stage = request_.name,
                      .item = set.subject,
                      .done_bytes = run_.items.size(),
                      .total_bytes = total_,
                      .unit = "questions"});
    return {};
  }

  Status score_batch(const std::vector<LikelihoodRequest>& requests,
                     const std::vector<std::size_t>& asked) {
    if (asked.empty()) return {};
    const std::vector<Likelihood> likelihoods = PJ_TRY(scorer_.score(requests, cancel_));
    auto next = likelihoods.begin();
    std::vector<ItemResult> fresh;
    for (const std::size_t place : asked) {
      for (ChoiceResult& choice : run_.items[place].choices) {
        choice.log_probability = next->log_probability;
        choice.is_greedy = next->is_greedy;
        choice.tokens = next->tokens;
        ++next;
      }
      fresh.push_back(run_.items[place]);
    }
    return results_ ? results_->append(fresh) : Status();
  }

  // Without what the model says.
  static ItemResult make_item(const QuestionSet& set, std::size_t index,
                              std::span<const LikelihoodRequest> requests) {
    const Question& question = set.questions[index];
    ItemResult item{.subject = set.subject,
                    .index = static_cast<std::int64_t>(index),
                    .prompt = fingerprint_of_requests(requests),
                    .gold = static_cast<std::int64_t>(question.gold),
                    .choices = {}};
    for (std::size_t choice = 0; choice < question.choices(); ++choice) {
      item.choices.push_back({.characters = python_length(question.ending(choice))});
    }
    return item;
  }

  // The item as the results file has it; nullptr when it has not.
  [[nodiscard]] Result<const ItemResult*> find_known(const ItemResult& item) const {
    const auto known = found_.find({item.subject, item.index});
    if (known == found_.end()) return nullptr;
    const bool is_same = known->second.prompt == item.prompt && known->second.gold == item.gold &&
                         known->second.choices.size() == item.choices.size();
    if (is_same) return &known->second;
    return make_error(ErrorCode::kConflict,
                      "'{}' holds another question {}{}{} than the data: the data or the examples "
                      "were changed; name another file, or delete it",
                      request_.results.string(), item.subject, item.subject.empty() ? "" : " ",
                      item.index);
  }

  LikelihoodScorer scorer_;
  const TaskRequest& request_;
  std::optional<ResultsFile> results_;
  const CancelToken& cancel_;
  Progress& progress_;
  FoundItems found_;
  std::uint64_t total_ = 0;
  TaskRun run_;
};

}  // namespace

std::vector<KnownTask> known_tasks() {
  std::vector<KnownTask> tasks;
  for (const TaskSpec& spec : task_table()) {
    tasks.push_back({.name = spec.name,
                     .source = spec.source,
                     .takes_examples = spec.examples != ExampleRule::kNone});
  }
  return tasks;
}

Status check_task_data(const TaskRequest& request) {
  const TaskSpec* spec = PJ_TRY(spec_of(request));
  PJ_TRY(load_task_data(*spec, data_options(request)));
  return {};
}

Result<TaskRun> run_task(Engine& engine, const ModelText& text, const TaskRequest& request,
                         const CancelToken& cancel, Progress& progress) {
  const TaskSpec* spec = PJ_TRY(spec_of(request));
  const TaskData data = PJ_TRY(load_task_data(*spec, data_options(request)));
  TaskRunner runner(engine, text, request, PJ_TRY(open_results(engine, request)), cancel, progress);
  const Status done = runner.ask(data);
  if (!done) return std::unexpected(done.error().with_context(request.name));
  return runner.finish(*spec);
}

}  // namespace pajamas
