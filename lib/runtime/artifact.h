// SPDX-License-Identifier: Apache-2.0
// Which file of an artifact folder to run: the folder that `llama-pajamas-quant convert` writes,
// with manifest.json at its root.
//
// A manifest is a file anyone can write: its paths may not leave the folder, and what it says of
// sizes is checked against the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

// What this runtime calls itself in runtime_requirements ("llama_pajamas_run": ">=0.1.0").
inline constexpr std::string_view kRuntimeVersion = "0.1.0";

struct ArtifactChoice {
  std::filesystem::path path;  // of the file or folder to open
  std::string method;          // "Q4_K_M"; empty when the path was given as it is
};

// `path` itself unless it is a folder with a manifest.json, or a folder with GGUF files and no
// config.json. gguf_type: the type to take, or the precision of an MLX folder; empty: the one of
// the most bits per weight whose file takes at most three quarters of `memory_bytes`, else the
// smallest; an MLX folder only where there is no GGUF file. Errors: no file of that type (names
// those there are), a manifest of a later version, a file that needs a later runtime.
Result<ArtifactChoice> choose_artifact(const std::filesystem::path& path,
                                       std::string_view gguf_type, std::uint64_t memory_bytes);

// Whether `version` ("1.2.3") meets `requirement` (">=1.2.0"). A requirement of another form is not
// met.
bool meets_requirement(std::string_view version, std::string_view requirement);

}  // namespace pajamas
