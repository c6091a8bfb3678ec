// SPDX-License-Identifier: Apache-2.0
// MMLU as its authors publish it: a CSV file for each subject, without a header, with the columns
// question, A, B, C, D, answer; test/<subject>_test.csv holds the questions and
// dev/<subject>_dev.csv the examples. A header line and answers counted from 0, as copies have
// them, are taken too.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "evaluate/data/record.h"

namespace pajamas {

struct MmluFile {
  std::string subject;
  std::filesystem::path questions;
  std::filesystem::path examples;  // the dev file; may not exist
};

// Empty when `path` is not laid out so: the questions are rows then.
Result<std::vector<MmluFile>> find_mmlu_files(const std::filesystem::path& path,
                                              const std::filesystem::path& examples);

// Rows with the fields of the hub: question, choices, answer.
Result<std::vector<Record>> read_mmlu_csv(const std::filesystem::path& path);

}  // namespace pajamas
