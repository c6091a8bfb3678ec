// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validation_targets.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "base/sha256.h"
#include "formats/gguf/gguf_source.h"
#include "hub/hf_cache.h"
#include "models/model_description.h"
#include "pipeline/manifest.h"
#include "quantize/recipe.h"
#include "runtime/sequence_file.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

// "model-q4_k_m.gguf"; of a folder with the plain name of its format, its parent's name too.
std::string display_name(const fs::path& path) {
  const fs::path clean = fs::absolute(path).lexically_normal();
  const fs::path last = clean.has_filename() ? clean : clean.parent_path();
  const std::string name = last.filename().string();
  if (name != "mlx") return name;
  return (last.parent_path().filename() / name).string();
}

ValidationTarget plain_target(const fs::path& path) {
  return {.path = path, .name = display_name(path)};
}

bool is_safe_below(const fs::path& relative) {
  return !relative.empty() && !relative.is_absolute() &&
         std::ranges::none_of(relative, [](const fs::path& part) { return part == ".."; });
}

Result<std::vector<ValidationTarget>> targets_of_manifest(const fs::path& folder) {
  const Json manifest = PJ_TRY(read_manifest(folder));
  const Json* formats = find_member(manifest, "formats");
  std::vector<ValidationTarget> targets;
  if (formats != nullptr && formats->is_array()) {
    for (const Json& entry : *formats) {
      const std::string type = PJ_TRY(get_string(entry, "type")).value_or("");
      if (type != "gguf" && type != "mlx") continue;
      const std::string place = PJ_TRY(get_string(entry, "path")).value_or("");
      if (!is_safe_below(place)) {
        return make_error(ErrorCode::kInvalidData,
                          "'{}': manifest.json names '{}', expected a path inside the folder",
                          folder.string(), place);
      }
      std::error_code ignored;
      if (!fs::exists(folder / place, ignored)) continue;  // moved away: not to be had
      ValidationTarget target = plain_target(folder / place);
      target.method = PJ_TRY(get_string(entry, "method")).value_or("");
      target.artifact = folder;
      target.manifest_path = place;
      targets.push_back(std::move(target));
    }
  }
  if (!targets.empty()) return targets;
  return make_error(ErrorCode::kNotFound,
                    "'{}' has a manifest.json, but no GGUF file or MLX folder that it lists is "
                    "there",
                    folder.string());
}

std::vector<ValidationTarget> gguf_files_of(const fs::path& folder) {
  std::vector<ValidationTarget> targets;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_later_part =
        name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    if (name.ends_with(".gguf") && !is_later_part) targets.push_back(plain_target(entry.path()));
  }
  std::ranges::sort(targets, {}, &ValidationTarget::path);
  return targets;
}

// Where a file of an artifact folder, or its MLX folder, is named by itself: its entry in that
// folder's manifest.
void find_artifact(ValidationTarget& target) {
  std::error_code ignored;
  fs::path folder = fs::absolute(target.path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "out/mlx/"
  for (int level = 0; level < 2; ++level) {
    folder = folder.parent_path();
    if (!fs::exists(folder / kManifestName, ignored)) continue;
    const auto listed = targets_of_manifest(folder);
    if (!listed) continue;
    for (const ValidationTarget& entry : *listed) {
      if (!fs::equivalent(entry.path, target.path, ignored)) continue;
      target.method = entry.method;
      target.artifact = folder;
      target.manifest_path = entry.manifest_path;
      return;
    }
  }
}

// The name of general.file_type among our recipes; empty when it is none.
std::string recipe_of_gguf(const OpenedModel& model) {
  const auto source = open_gguf(model.source.path);
  if (!source) return "";
  const auto* type = (*source)->metadata().find_as<std::uint32_t>("general.file_type");
  if (type == nullptr) return "";
  for (const Recipe& recipe : all_recipes()) {
    if (recipe.file_type == *type) return std::string(recipe.name);
  }
  return "";
}

// The type that takes the most bytes, as people write it: "BF16", "affine4_g64".
std::string main_type(const Json& types) {
  std::string main;
  std::uint64_t most = 0;
  for (const auto& [name, sums] : types.items()) {
    const auto bytes = sums["size_bytes"].get<std::uint64_t>();
    if (bytes < most) continue;
    most = bytes;
    main = name;
  }
  if (main.find('_') == std::string::npos) {
    std::ranges::transform(main, main.begin(), [](unsigned char c) { return std::toupper(c); });
  }
  return main;
}

}  // namespace

Result<std::vector<ValidationTarget>> find_validation_targets(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' is not there; --quantized takes a .gguf file, a model folder or a "
                      "folder that `convert` made",
                      path.string());
  }
  const bool is_folder = fs::is_directory(path, ignored);
  if (is_folder && fs::exists(path / kManifestName, ignored)) return targets_of_manifest(path);
  if (is_folder && !fs::exists(path / "config.json", ignored)) {
    std::vector<ValidationTarget> targets = gguf_files_of(path);
    if (!targets.empty()) return targets;
  }
  ValidationTarget target = plain_target(path);
  find_artifact(target);
  return std::vector{std::move(target)};
}

Result<ValidationTarget> find_original(std::string_view what, const std::string& revision) {
  const fs::path path(what);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return plain_target(path);
  if (!is_repo_id(what)) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' is not there; --original takes a model folder, a .gguf file, or a repo "
                      "id like org/name that is in the local Hugging Face cache",
                      what);
  }
  const CachedSnapshot snapshot = PJ_TRY(find_in_hf_cache(what, revision));
  return ValidationTarget{.path = snapshot.folder, .name = snapshot.repo_id};
}

Result<ModelQuality> describe_quality(const ValidationTarget& target, const OpenedModel& model) {
  const Json description = describe_opened_model(model);
  ModelQuality quality{.name = target.name,
                       .path = target.path.string(),
                       .format = model.source.format,
                       .method = target.method,
                       .bits_per_weight = description["bits_per_weight"].get<double>()};
  for (const fs::path& file : model.tensors->files()) {
    const File opened = PJ_TRY(File::open_read(file));
    quality.size_bytes += PJ_TRY(opened.size_bytes());
  }
  if (quality.method.empty() && model.source.format == "gguf") {
    quality.method = recipe_of_gguf(model);
  }
  if (quality.method.empty()) quality.method = main_type(description["types"]);
  return quality;
}

Result<std::string> model_fingerprint(const OpenedModel& model) {
  // Any one shape: the cache is no part of a model.
  constexpr KvShape kShape{.type = KvType::kF16, .layers = 1, .kv_heads = 1, .head_dim = 64};
  return fingerprint_of(model, kShape);
}

Result<std::string> files_fingerprint(const OpenedModel& model) {
  Sha256 hash;
  const auto add = [&](std::string_view text) { hash.update(std::as_bytes(std::span(text))); };
  add(PJ_TRY(model_fingerprint(model)));
  for (const fs::path& path : model.tensors->files()) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      return make_error(ErrorCode::kIo, "cannot inspect '{}'", path.string());
    }
    add(fmt::format("|{}:{}:{}.{}", fs::absolute(path).string(), info.st_size, info.st_mtim.tv_sec,
                    info.st_mtim.tv_nsec));
  }
  return hash.finish_hex();
}

}  // namespace pajamas
