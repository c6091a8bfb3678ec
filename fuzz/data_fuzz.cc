// SPDX-License-Identifier: Apache-2.0
// Any bytes as a data set: an error, or rows that every task reads as a whole question or refuses.
#include "base/check.h"
#include "evaluate/data/corpus.h"
#include "evaluate/data/data_text.h"
#include "evaluate/data/record_file.h"
#include "evaluate/tasks/mmlu_files.h"
#include "evaluate/tasks/task_results.h"
#include "evaluate/tasks/task_spec.h"
#include "memory_file.h"

namespace {

using namespace pajamas;

void read_questions(const Record& record) {
  for (const TaskSpec& spec : task_table()) {
    const auto question = spec.read(spec, record);
    if (!question) continue;
    PJ_CHECK(!question->contexts.empty() && !question->endings.empty());
    PJ_CHECK(question->gold < question->choices());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const MemoryFile file;
  file.set_content({data, bytes});
  if (const auto corpus = read_corpus(file.path())) PJ_CHECK(!corpus->text.empty());
  if (const auto rows = read_mmlu_csv(file.path())) {
    for (const Record& record : *rows) read_questions(record);
  }
  const auto text = read_data_text(file.path(), kMaxRecordFileBytes);
  if (!text) return 0;
  static_cast<void>(parse_item_line(*text, "input"));
  for (const DataFormat format :
       {DataFormat::kJsonLines, DataFormat::kJsonRows, DataFormat::kCsv}) {
    const auto rows = parse_records("input", *text, format);
    if (!rows) continue;
    PJ_CHECK(!rows->records.empty());
    for (const Record& record : rows->records) read_questions(record);
  }
  return 0;
}
