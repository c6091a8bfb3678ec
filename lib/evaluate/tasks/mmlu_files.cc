// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/mmlu_files.h"

#include <memory>
#include <system_error>
#include <utility>

#include "evaluate/data/csv_rows.h"
#include "evaluate/data/data_text.h"
#include "evaluate/tasks/data_files.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kQuestionsEnd = "_test.csv";
constexpr std::string_view kExamplesEnd = "_dev.csv";
constexpr std::size_t kColumns = 6;  // question, A, B, C, D, answer

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// dev/<subject>_dev.csv beside test/, or in the questions' own folder.
fs::path examples_beside(const fs::path& questions, const std::string& subject) {
  const std::string name = subject + std::string(kExamplesEnd);
  fs::path parallel = questions.parent_path() / ".." / "dev" / name;
  return is_there(parallel) ? parallel : questions.parent_path() / name;
}

}  // namespace

Result<std::vector<MmluFile>> find_mmlu_files(const fs::path& path, const fs::path& examples) {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(path, error)) {
    const fs::path inner = path / "test";
    files = PJ_TRY(files_ending_in(fs::is_directory(inner, error) ? inner : path, kQuestionsEnd));
  } else if (path.filename().string().ends_with(kQuestionsEnd)) {
    files.push_back(path);
  }
  std::vector<MmluFile> found;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    MmluFile entry{.subject = name.substr(0, name.size() - kQuestionsEnd.size()),
                   .questions = file,
                   .examples = {}};
    entry.examples = examples.empty() ? examples_beside(file, entry.subject)
                     : fs::is_directory(examples, error)
                         ? examples / (entry.subject + std::string(kExamplesEnd))
                         : examples;
    found.push_back(std::move(entry));
  }
  return found;
}

Result<std::vector<Record>> read_mmlu_csv(const fs::path& path) {
  const std::string text = PJ_TRY(read_data_text(path, kMaxRecordFileBytes));
  const auto file = std::make_shared<const std::string>(path.string());
  const std::vector<CsvRow> rows = PJ_TRY(parse_csv(text, fmt::format("'{}'", *file)));
  std::vector<Record> records;
  for (const CsvRow& row : rows) {
    if (row.cells.size() != kColumns) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}', line {}: {} cells, expected 6: question, A, B, C, D, answer", *file,
                        row.line, row.cells.size());
    }
    const bool is_header =
        &row == &rows.front() && row.cells.front() == "question" && row.cells.back() == "answer";
    if (is_header) continue;
    Json fields = Json::object();
    fields["question"] = row.cells.front();
    fields["choices"] = std::vector<std::string>(row.cells.begin() + 1, row.cells.end() - 1);
    fields["answer"] = row.cells.back();
    records.emplace_back(std::move(fields), file, "line", row.line);
  }
  if (records.empty()) {
    return make_error(ErrorCode::kInvalidData, "'{}' has no questions, expected at least one",
                      *file);
  }
  return records;
}

}  // namespace pajamas
