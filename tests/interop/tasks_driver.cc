// SPDX-License-Identifier: Apache-2.0
// Runs a task and prints what the model answers to each question, for comparisons with peers.
//
//   tasks_driver MODEL TASK DATA [--examples PATH] [--few-shot N] [--limit N] [--results FILE]
//                [--threads N] [--context N] [--kv f32|f16|q8_0]
//
// Standard output is one JSON object: "scores" and "items".
#include <cstdio>

#include <CLI/CLI.hpp>

#include "base/json.h"
#include "evaluate/tasks/task_runner.h"

namespace {

using namespace pajamas;

struct Arguments {
  std::string model;
  TaskRequest request;
  EngineOptions engine;
};

std::map<std::string, KvType> kv_types() {
  return {{"f32", KvType::kF32}, {"f16", KvType::kF16}, {"q8_0", KvType::kQ8_0}};
}

Result<Json> run(const Arguments& arguments) {
  const CancelToken cancel;
  SilentProgress progress;
  auto engine = PJ_TRY(Engine::open(arguments.model, arguments.engine, cancel, progress));
  const ModelText text = PJ_TRY(ModelText::open(engine->model()));
  const TaskRun done = PJ_TRY(run_task(*engine, text, arguments.request, cancel, progress));
  Json scores = Json::array();
  for (const TaskScore& score : done.scores) {
    scores.push_back({{"task", score.task},
                      {"metric", score.metric},
                      {"value", score.value},
                      {"standard_error", score.standard_error},
                      {"questions", score.questions},
                      {"few_shot", score.few_shot}});
  }
  Json items = Json::array();
  for (const ItemResult& item : done.items) items.push_back(Json::parse(item_line(item)));
  return Json{{"scores", std::move(scores)},
              {"items", std::move(items)},
              {"resumed_items", done.resumed_items},
              {"computed_tokens", done.computed_tokens}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs a task."};
  Arguments arguments;
  app.add_option("model", arguments.model)->required();
  app.add_option("task", arguments.request.name)->required();
  app.add_option("data", arguments.request.data)->required();
  app.add_option("--examples", arguments.request.examples);
  app.add_option("--few-shot", arguments.request.few_shot);
  app.add_option("--limit", arguments.request.limit);
  app.add_option("--results", arguments.request.results);
  app.add_option("--threads", arguments.engine.threads);
  app.add_option("--context", arguments.engine.context);
  app.add_option("--kv", arguments.engine.kv_type)->transform(CLI::CheckedTransformer(kv_types()));
  CLI11_PARSE(app, argc, argv);
  const Result<Json> done = run(arguments);
  if (done) {
    std::printf("%s\n", done->dump().c_str());
    return 0;
  }
  std::fprintf(stderr, "tasks_driver: %s\n", done.error().message.c_str());
  return static_cast<int>(done.error().code);
}
