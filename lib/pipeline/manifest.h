// SPDX-License-Identifier: Apache-2.0
// manifest.json and <format>/metadata.json: what an artifact folder holds and where it came from.
// The runtime and people read them. Fields: docs/formats/manifest.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "pipeline/execute.h"
#include "pipeline/model.h"
#include "pipeline/plan.h"

namespace pajamas {

inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kPipelineVersion = "0.1.0";

// One file of one output, as it was written.
struct FinishedFile {
  std::string path;  // below the artifact folder
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct FinishedOutput {
  const PlannedOutput* planned = nullptr;
  std::vector<FinishedFile> files;  // parallel to planned->files
};

// The time now as the manifest has it: ISO 8601, UTC, to the second.
std::string utc_now();

// Mean stored bits of a weight, all tensors and the header counted.
double bits_per_weight(const Model& model, std::uint64_t bytes);

// The manifest after this run: `existing` (null when there is none) with this run's outputs added
// or replaced. An existing manifest of another model is kConflict.
Result<Json> make_manifest(const Model& model, const std::vector<FileHash>& source_files,
                           const std::vector<FinishedOutput>& outputs, const Json& existing);

// gguf/metadata.json of the GGUF outputs, with the same rule for what is there already.
Json make_gguf_metadata(const Model& model, const std::vector<FinishedOutput>& outputs,
                        const std::string& imatrix_path, const Json& existing);

// Puts the measured quality of the output at `path` beside what the manifest says of it; nothing
// when it lists no such output.
void put_validation(Json& manifest, std::string_view path, Json validation);

// The manifest of an artifact folder, null when it has none.
Result<Json> read_manifest(const std::filesystem::path& folder);

}  // namespace pajamas
