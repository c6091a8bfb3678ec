// SPDX-License-Identifier: Apache-2.0
// What a user names to `validate`, as models to open: files, folders, repositories in the local
// cache, and artifact folders, which stand for all their outputs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "evaluate/validation.h"
#include "models/opened_model.h"

namespace pajamas {

struct ValidationTarget {
  std::filesystem::path path;      // what a reader opens
  std::string name;                // for tables
  std::string method;              // by the manifest; empty: by the file itself
  std::filesystem::path artifact;  // the folder whose manifest lists it; empty: none
  std::string manifest_path;       // its entry there
};

// A file or model folder is itself; a folder with a manifest, all outputs it lists; a folder of
// GGUF files, all of them. Errors: nothing there, an artifact folder whose files are gone.
Result<std::vector<ValidationTarget>> find_validation_targets(const std::filesystem::path& path);

// A path that is there, or a repo id of the local Hugging Face cache.
Result<ValidationTarget> find_original(std::string_view what, const std::string& revision);

// Name, format, method, size and bits per weight.
Result<ModelQuality> describe_quality(const ValidationTarget& target, const OpenedModel& model);

// Of everything that decides what a model computes: what it says of itself, a sample of each
// tensor's bytes.
Result<std::string> model_fingerprint(const OpenedModel& model);
// The same, and place, size and time of its files.
Result<std::string> files_fingerprint(const OpenedModel& model);

}  // namespace pajamas
