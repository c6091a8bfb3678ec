// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_info.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "formats/gguf/gguf_source.h"
#include "formats/mlx/mlx_folder.h"
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

struct StoredTensor {
  std::string type;
  std::uint64_t bytes = 0;
};

// The tensors as they are stored; of an MLX folder, modules with all their parts.
Result<std::vector<StoredTensor>> stored_tensors(const Model& model) {
  std::vector<StoredTensor> stored;
  if (model.source.format != "mlx") {
    for (const TensorInfo& tensor : model.tensors->tensors()) {
      stored.push_back({std::string(dtype_name(tensor.dtype)), tensor.bytes});
    }
    return stored;
  }
  const auto folder = PJ_TRY(open_mlx_folder(model.source.path));
  for (const MlxTensor& tensor : folder->tensors()) {
    StoredTensor entry{.type = tensor.quantization ? tensor.quantization->name()
                                                   : std::string(dtype_name(tensor.dtype))};
    for (const TensorInfo* part : {tensor.codes, tensor.scales, tensor.biases}) {
      if (part != nullptr) entry.bytes += part->bytes;
    }
    stored.push_back(std::move(entry));
  }
  return stored;
}

Json describe_types(const std::vector<StoredTensor>& tensors) {
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> by_type;
  for (const StoredTensor& tensor : tensors) {
    auto& [count, bytes] = by_type[tensor.type];
    ++count;
    bytes += tensor.bytes;
  }
  Json types = Json::object();
  for (const auto& [name, sums] : by_type) {
    types[name] = {{"tensors", sums.first}, {"size_bytes", sums.second}};
  }
  return types;
}

}  // namespace

Result<Json> describe_model(std::string_view what, const ModelOptions& options) {
  ModelOptions any = options;
  any.allow_requantize = true;  // looking changes nothing
  const Model model = PJ_TRY(open_model(what, any));
  std::uint64_t bytes = 0;
  const std::vector<StoredTensor> tensors = PJ_TRY(stored_tensors(model));
  for (const StoredTensor& tensor : tensors) bytes += tensor.bytes;
  const std::string& arch = model.recipe_model.arch;
  Json info = {{"name", model.name},
               {"format", model.source.format},
               {"path", model.source.path},
               {"family", model.family},
               {"architecture", arch},
               {"params_total", model.params_total},
               {"params_non_embedding", model.params_non_embedding},
               {"layers", model.recipe_model.layers},
               {"heads", model.recipe_model.heads},
               {"kv_heads", model.recipe_model.kv_heads}};
  if (model.recipe_model.experts > 0) info["experts"] = model.recipe_model.experts;
  for (const std::string_view key : {"embedding_length", "feed_forward_length", "context_length"}) {
    const auto* value = model.gguf_keys.find_as<std::uint32_t>(fmt::format("{}.{}", arch, key));
    if (value != nullptr) info[std::string(key)] = *value;
  }
  if (const auto* tokens =
          model.gguf_keys.find_as<std::vector<std::string>>("tokenizer.ggml.tokens")) {
    info["vocabulary"] = tokens->size();
  }
  if (const auto* tokenizer = model.gguf_keys.find_as<std::string>("tokenizer.ggml.model")) {
    info["tokenizer"] = *tokenizer;
  }
  info["chat_template"] = model.gguf_keys.find("tokenizer.chat_template") != nullptr;
  info["tensor_bytes"] = bytes;
  info["bits_per_weight"] = bits_per_weight(model, bytes);
  info["types"] = describe_types(tensors);
  info["files"] = model.tensors->files().size();
  info["warnings"] = model.warnings;
  return info;
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
