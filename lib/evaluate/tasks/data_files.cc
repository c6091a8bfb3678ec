// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/data_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>

namespace pajamas {
namespace {

namespace fs = std::filesystem;

struct SplitName {
  DataSplit split;
  std::string_view word;
};

// The first of a split is its name in messages.
constexpr auto kSplitNames = std::to_array<SplitName>({
    {DataSplit::kTest, "test"},
    {DataSplit::kValidation, "validation"},
    {DataSplit::kValidation, "valid"},
    {DataSplit::kValidation, "val"},
    {DataSplit::kValidation, "dev"},
    {DataSplit::kTrain, "train"},
    {DataSplit::kTrain, "training"},
    {DataSplit::kDev, "dev"},
});
constexpr std::array<std::string_view, 4> kDataExtensions = {".jsonl", ".ndjson", ".json", ".csv"};

std::string_view name_of(DataSplit split) {
  return std::ranges::find(kSplitNames, split, &SplitName::split)->word;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

bool is_of_split(const fs::path& path, DataSplit split) {
  if (std::ranges::find(kDataExtensions, lower(path.extension().string())) ==
      kDataExtensions.end()) {
    return false;
  }
  const std::string stem = lower(path.stem().string());
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  for (auto at = stem.begin(); at != stem.end();) {
    const auto first = std::find_if(at, stem.end(), is_letter);
    at = std::find_if_not(first, stem.end(), is_letter);
    const std::string_view word(first, at);
    const bool names_it = std::ranges::any_of(kSplitNames, [&](const SplitName& name) {
      return name.split == split && name.word == word;
    });
    if (names_it) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<fs::path>> files_ending_in(const fs::path& folder, std::string_view end) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
    if (it->path().filename().string().ends_with(end)) files.push_back(it->path());
  }
  if (error) {
    return make_error(ErrorCode::kNotFound, "cannot read the folder '{}': {}", folder.string(),
                      error.message());
  }
  std::ranges::sort(files);
  return files;
}

Result<fs::path> find_split_file(const fs::path& path, DataSplit split) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  std::vector<fs::path> files = PJ_TRY(files_ending_in(path, ""));
  std::erase_if(files, [&](const fs::path& file) { return !is_of_split(file, split); });
  if (files.size() == 1) return files.front();
  std::string there;
  for (const fs::path& file : files) {
    there += (there.empty() ? "" : ", ") + file.filename().string();
  }
  return make_error(ErrorCode::kNotFound,
                    "the folder '{}' has {} files of the {} split{}{}, expected one (such as "
                    "'{}.jsonl'); name the file itself",
                    path.string(), files.size(), name_of(split), files.empty() ? "" : ": ", there,
                    name_of(split));
}

}  // namespace pajamas
