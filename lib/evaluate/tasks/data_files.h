// SPDX-License-Identifier: Apache-2.0
// Which files of a folder hold a split of a data set.
//
// A file belongs to a split when one of the words of its name says so: "validation.jsonl",
// "hellaswag_val.json", "test-00000-of-00001.jsonl", "ARC-Easy-Test.jsonl". None, or more than one,
// is an error that names what was looked for and what is there.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "evaluate/tasks/task_spec.h"

namespace pajamas {

// The file itself when `path` is one, else the only file of the split in the folder.
Result<std::filesystem::path> find_split_file(const std::filesystem::path& path, DataSplit split);

// The files of a folder whose names end so, by name. A folder that is not there is an error.
Result<std::vector<std::filesystem::path>> files_ending_in(const std::filesystem::path& folder,
                                                           std::string_view end);

}  // namespace pajamas
