// SPDX-License-Identifier: Apache-2.0
#include "pipeline/manifest.h"

#include <chrono>
#include <map>

#include <fmt/chrono.h>

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kManifestLimits{.max_bytes = std::uint64_t{16} << 20, .max_depth = 16};
constexpr std::string_view kLoaders = "llama.cpp";
constexpr int kGgufVersion = 3;
constexpr int kMlxVersion = 1;  // of our metadata; MLX folders themselves have none

std::string model_id(const Model& model) {
  return model.source.repo_id.empty() ? model.name : model.source.repo_id;
}

// Bytes the source's tensors take, to tell the compression.
std::uint64_t source_bytes(const Model& model) {
  std::uint64_t sum = 0;
  for (const TensorInfo& tensor : model.tensors->tensors()) sum += tensor.bytes;
  return sum;
}

Json describe_source(const Model& model, const std::vector<FileHash>& files) {
  Json source = {{"format", model.source.format}, {"path", model.source.path}};
  if (!model.source.repo_id.empty()) {
    source["repo"] = model.source.repo_id;
    source["revision"] = model.source.revision;
  }
  source["files"] = Json::array();
  for (const FileHash& file : files) {
    source["files"].push_back(
        {{"name", file.name}, {"size_bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return source;
}

Json describe_files(const FinishedOutput& output) {
  Json files = Json::array();
  for (const FinishedFile& file : output.files) {
    files.push_back({{"path", file.path}, {"size_bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return files;
}

Json describe_output(const Model& model, const FinishedOutput& output) {
  const PlannedOutput& planned = *output.planned;
  const bool is_folder = planned.format == OutputFormat::kMlx;
  const std::uint64_t weights = planned.weight_bytes();
  const std::string_view type = output_format_name(planned.format);
  Json entry = {{"type", type},
                {"path", is_folder ? std::string(type) : output.files.front().path},
                {"method", planned.method},
                {"size_bytes", planned.total_bytes()},
                {"bits_per_weight", bits_per_weight(model, weights)},
                {"compression", static_cast<double>(source_bytes(model)) /
                                    static_cast<double>(weights == 0 ? 1 : weights)}};
  if (!is_folder) entry["sha256"] = output.files.front().sha256;
  if (is_folder || output.files.size() > 1) entry["files"] = describe_files(output);
  return entry;
}

// What a reader of each format in the list needs.
Json format_versions(const Json& formats) {
  Json versions = Json::object();
  for (const Json& format : formats) {
    const Json* type = find_member(format, "type");
    if (type == nullptr || !type->is_string()) continue;
    versions[type->get<std::string>()] = *type == "gguf" ? kGgufVersion : kMlxVersion;
  }
  return versions;
}

Json runtime_requirements(const Json& versions) {
  Json requirements = Json::object();
  for (const auto& [type, version] : versions.items()) {
    requirements[type] = {{"llama_pajamas_run", ">=0.1.0"}};
  }
  return requirements;
}

// Puts `entry` where an entry with the same value under `key` stands, or at the end.
void put(Json& list, const Json& entry, const char* key) {
  for (Json& item : list) {
    if (item.is_object() && item.contains(key) && item[key] == entry[key]) {
      item = entry;
      return;
    }
  }
  list.push_back(entry);
}

Json existing_list(const Json& document, std::string_view key) {
  const Json* list = find_member(document, key);
  return list != nullptr && list->is_array() ? *list : Json::array();
}

}  // namespace

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

double bits_per_weight(const Model& model, std::uint64_t bytes) {
  if (model.params_total == 0) return 0;
  return static_cast<double>(bytes) * 8 / static_cast<double>(model.params_total);
}

Result<Json> make_manifest(const Model& model, const std::vector<FileHash>& source_files,
                           const std::vector<FinishedOutput>& outputs, const Json& existing) {
  const std::string id = model_id(model);
  const auto found = PJ_TRY(get_string(existing, "model_id"));
  if (found && *found != id) {
    return make_error(ErrorCode::kConflict,
                      "the output folder holds '{}' already, and this is '{}'; choose another "
                      "--output",
                      *found, id);
  }
  Json formats = existing_list(existing, "formats");
  for (const FinishedOutput& output : outputs) put(formats, describe_output(model, output), "path");
  const Json versions = format_versions(formats);
  Json manifest = {{"manifest_version", 1},
                   {"model_id", id},
                   {"source", describe_source(model, source_files)},
                   {"quantized_at", utc_now()},
                   {"pipeline_version", kPipelineVersion},
                   {"architecture",
                    {{"family", model.family},
                     {"type", model.recipe_model.arch},
                     {"params_total", model.params_total},
                     {"params_non_embedding", model.params_non_embedding}}},
                   {"formats", std::move(formats)},
                   {"runtime_requirements", runtime_requirements(versions)},
                   {"format_versions", versions},
                   {"validation", nullptr}};
  // What was measured of outputs that stay is still true.
  if (const Json* measured = find_member(existing, "validation")) {
    manifest["validation"] = *measured;
  }
  return manifest;
}

void put_validation(Json& manifest, std::string_view path, Json validation) {
  for (Json& entry : manifest["formats"]) {
    const auto place = get_string(entry, "path");
    if (!place || *place != path) continue;
    entry["validation"] = std::move(validation);
    return;
  }
}

Json make_gguf_metadata(const Model& model, const std::vector<FinishedOutput>& outputs,
                        const std::string& imatrix_path, const Json& existing) {
  Json files = existing_list(existing, "files");
  for (const FinishedOutput& output : outputs) {
    if (output.planned->format != OutputFormat::kGguf) continue;
    std::map<std::string, std::int64_t> counts;
    for (const PlannedTensor& tensor : output.planned->tensors) ++counts[tensor.type_name()];
    Json entry = {{"path", fs::path(output.files.front().path).filename().string()},
                  {"quantization_method", output.planned->method},
                  {"tensor_types", counts},
                  {"imatrix", nullptr}};
    if (!imatrix_path.empty()) entry["imatrix"] = imatrix_path;
    put(files, entry, "path");
  }
  return {{"format", "gguf"},
          {"format_version", 3},
          {"architecture", model.recipe_model.arch},
          {"files", std::move(files)},
          {"compatible_backends", {"cpu", "cuda", "metal", "vulkan"}},
          {"runtime_requirements", {{"loads_in", kLoaders}}}};
}

Result<Json> read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kManifestName;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Json(nullptr);
  return read_json_file(path, kManifestLimits);
}

}  // namespace pajamas
