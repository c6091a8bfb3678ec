// SPDX-License-Identifier: Apache-2.0
// The last step: finished files are opened again, checked, and renamed to their final names; the
// manifest comes last. A crash at any point leaves a state the same command completes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "pipeline/manifest.h"
#include "pipeline/plan.h"

namespace pajamas {

// Re-opens every output in `folder` as a reader would and checks its tensors against the plan.
Status validate_files(const Model& model, const Plan& plan, const std::filesystem::path& folder);

// Moves the files of the plan from `from` to `to`, an MLX folder as a whole: it replaces the one
// that stands there. A file that is not in `from` any more was moved by an earlier run that was cut
// short; then the one in `to` must have the hash it was sealed with.
Result<std::vector<FinishedOutput>> publish_files(
    const Plan& plan, const std::filesystem::path& from, const std::filesystem::path& to,
    const std::map<std::string, std::string>& sha256_by_file);

// SHA-256 of a whole file.
Result<std::string> hash_file(const std::filesystem::path& path, const CancelToken* cancel);

}  // namespace pajamas
