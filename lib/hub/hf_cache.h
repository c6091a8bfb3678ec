// SPDX-License-Identifier: Apache-2.0
// Finds models in the local Hugging Face cache, where `hf download`, transformers and others put
// them. Reads only; nothing is downloaded and nothing in the cache is changed.
//
//   <cache>/models--ORG--NAME/refs/REVISION      the commit a branch or tag stood at, 40 hex digits
//   <cache>/models--ORG--NAME/snapshots/COMMIT/  the files, as links into ../../blobs
//
// Plain functions without state; safe from any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

// What the location of the cache depends on, so that tests need not change the process.
struct HubEnvironment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::filesystem::path home;

  static HubEnvironment from_process();
};

struct CachedSnapshot {
  std::filesystem::path folder;  // a model folder like any other
  std::string repo_id;
  std::string revision;  // the commit, 40 lower-case hex digits
};

// "NAME" or "ORG/NAME" as the hub names repositories. Says nothing about whether it exists; a
// relative path may look the same, so ask the file system first.
bool is_repo_id(std::string_view text);

// HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub,
// else ~/.cache/huggingface/hub. A leading ~ and $NAME or ${NAME} are replaced.
std::filesystem::path hf_cache_folder(const HubEnvironment& environment);

// `revision`: a branch, a tag, or a commit of 40 hex digits. Errors: not a repo id or an unsafe
// revision (kInvalidArgument); not in the cache, with the place that was looked at and the command
// that fetches it (kNotFound); a cache entry that is damaged or half downloaded (kInvalidData).
Result<CachedSnapshot> find_in_hf_cache(
    std::string_view repo_id, std::string_view revision = "main",
    const HubEnvironment& environment = HubEnvironment::from_process());

}  // namespace pajamas
