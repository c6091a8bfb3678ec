// SPDX-License-Identifier: Apache-2.0
// The verbs `info` and `verify`: what a model or an artifact folder is, and whether it is intact.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "pipeline/model.h"

namespace pajamas {

// Facts of any model open_model() takes, as JSON: name, format, architecture, sizes, types.
Result<Json> describe_model(std::string_view what, const ModelOptions& options);

struct VerifiedFile {
  std::string path;  // below the artifact folder
  std::uint64_t bytes = 0;
};

// Checks every file a manifest lists: there, of that size, with that SHA-256, readable. The first
// that is not is an error naming it.
Result<std::vector<VerifiedFile>> verify_artifacts(const std::filesystem::path& folder,
                                                   const CancelToken& cancel, Progress& progress);

}  // namespace pajamas
