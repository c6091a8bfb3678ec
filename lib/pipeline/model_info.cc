// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_info.h"

#include <algorithm>

#include "base/file.h"
#include "formats/gguf/gguf_source.h"
#include "formats/mlx/mlx_folder.h"
#include "models/model_description.h"
#include "pipeline/manifest.h"
#include "pipeline/publish.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

// A manifest is a file anyone can write: its paths may not leave the folder.
Result<fs::path> path_inside(const fs::path& folder, const std::string& relative) {
  const fs::path path(relative);
  const bool leaves = path.is_absolute() ||
                      std::ranges::any_of(path, [](const fs::path& part) { return part == ".."; });
  if (leaves || relative.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "manifest.json names '{}', expected a path inside the folder", relative);
  }
  return folder / path;
}

Result<VerifiedFile> verify_file(const fs::path& folder, const Json& entry,
                                 const CancelToken& cancel, Progress& progress) {
  const std::string relative = PJ_TRY(get_string(entry, "path")).value_or("");
  const std::int64_t bytes = PJ_TRY(get_int(entry, "size_bytes")).value_or(-1);
  const std::string sha256 = PJ_TRY(get_string(entry, "sha256")).value_or("");
  const fs::path path = PJ_TRY(path_inside(folder, relative));
  const File file = PJ_TRY(File::open_read(path));
  const auto found_bytes = static_cast<std::int64_t>(PJ_TRY(file.size_bytes()));
  if (found_bytes != bytes) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' has {} bytes, the manifest says {}; convert again", path.string(),
                      found_bytes, bytes);
  }
  progress.update({.stage = "verify",
                   .item = relative,
                   .done_bytes = 0,
                   .total_bytes = static_cast<std::uint64_t>(bytes)});
  const std::string found = PJ_TRY(hash_file(path, &cancel));
  if (found != sha256) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}' has SHA-256 {}, the manifest says {}; the file was changed or damaged. "
                      "Convert again",
                      path.string(), found, sha256);
  }
  return VerifiedFile{relative, static_cast<std::uint64_t>(bytes)};
}

}  // namespace

Result<Json> describe_model(std::string_view what, const ModelOptions& options) {
  ModelOptions any = options;
  any.allow_requantize = true;  // looking changes nothing
  const Model model = PJ_TRY(open_model(what, any));
  return describe_opened_model(model);
}

Result<std::vector<VerifiedFile>> verify_artifacts(const fs::path& folder,
                                                   const CancelToken& cancel, Progress& progress) {
  const Json manifest = PJ_TRY(read_manifest(folder));
  const Json* formats = find_member(manifest, "formats");
  if (formats == nullptr || !formats->is_array()) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' has no manifest.json with formats; expected a folder made by `convert`",
                      folder.string());
  }
  std::vector<VerifiedFile> verified;
  for (const Json& format : *formats) {
    const Json* files = find_member(format, "files");
    const Json list = files != nullptr && files->is_array() ? *files : Json::array({format});
    for (const Json& entry : list) {
      verified.push_back(PJ_TRY(verify_file(folder, entry, cancel, progress)));
    }
    const std::string type = PJ_TRY(get_string(format, "type")).value_or("");
    const std::string place = PJ_TRY(get_string(format, "path")).value_or("");
    if (type == "gguf") PJ_TRY(open_gguf(PJ_TRY(path_inside(folder, place))));
    if (type == "mlx") PJ_TRY(open_mlx_folder(PJ_TRY(path_inside(folder, place))));
  }
  return verified;
}

}  // namespace pajamas
