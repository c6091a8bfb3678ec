// SPDX-License-Identifier: Apache-2.0
#include "pipeline/convert.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/human_units.h"
#include "base/sha256.h"
#include "pipeline/publish.h"
#include "pipeline/report.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWorkFolder = ".pajamas";

Result<std::vector<const Recipe*>> find_recipes(const std::vector<std::string>& names) {
  std::vector<const Recipe*> recipes;
  for (const std::string& name : names) {
    const Recipe* recipe = find_recipe(name);
    if (recipe == nullptr) {
      std::vector<std::string_view> known;
      for (const Recipe& each : all_recipes()) known.push_back(each.name);
      return make_error(ErrorCode::kInvalidArgument, "'{}' is not a GGUF type; the types are {}",
                        name, fmt::join(known, ", "));
    }
    if (std::ranges::find(recipes, recipe) == recipes.end()) recipes.push_back(recipe);
  }
  return recipes;
}

Result<MlxPlanOptions> plan_options_of(const MlxRequest& request) {
  MlxPlanOptions options{
      .recipe = PJ_TRY(make_mlx_recipe(request.precision, request.recipe_options)),
      .recipe_options = request.recipe_options,
      .rounding = request.rounding,
      .quality = request.quality};
  if (request.max_shard_bytes > 0) options.max_shard_bytes = request.max_shard_bytes;
  if (request.dtype.empty()) return options;
  options.dtype = parse_dtype(request.dtype);
  if (options.dtype == DType::kF32 || options.dtype == DType::kF16 ||
      options.dtype == DType::kBF16) {
    return options;
  }
  return make_error(ErrorCode::kInvalidArgument, "--mlx-dtype '{}' is not one of f32, f16 and bf16",
                    request.dtype);
}

Status check_anything_asked(const ConvertOptions& options) {
  if (options.gguf_types.empty() && !options.mlx) {
    return make_error(ErrorCode::kInvalidArgument,
                      "no type was asked for; name one or more, like --gguf-types Q4_K_M,Q8_0");
  }
  return {};
}

// A name that is safe as a file name on every system, in lower case.
std::string file_name_of(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool is_plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                          lower == '-' || lower == '_' || lower == '.';
    result += is_plain ? lower : '-';
  }
  while (result.starts_with('.')) result.erase(0, 1);
  return result.empty() ? "model" : result;
}

std::string describe_settings(const ConvertOptions& options, const PreparedConversion& prepared) {
  const RecipeOptions& recipe = options.recipe_options;
  std::vector<std::string> lines;
  const auto add_if = [&](bool is_set, std::string line) {
    if (is_set) lines.push_back("  " + std::move(line));
  };
  add_if(!options.gguf_types.empty(), fmt::format("types {}", fmt::join(options.gguf_types, ",")));
  for (const PlannedOutput& output : prepared.plan.outputs) {
    if (output.format != OutputFormat::kMlx) continue;
    const MlxEncoding& encoding = output.mlx_encoding;
    add_if(true, fmt::format("mlx {}, {}, {} rounding, {} quality", output.method,
                             dtype_name(encoding.scale_dtype),
                             encoding.rounding == MlxRounding::kMetal ? "metal" : "cpu",
                             encoding.quality == MlxQuality::kBest ? "best" : "default"));
  }
  add_if(!options.imatrix.empty(), "imatrix " + options.imatrix.string());
  add_if(recipe.pure, "pure");
  add_if(recipe.leave_output_tensor, "leave-output-tensor");
  if (recipe.output_tensor_type) {
    add_if(true, fmt::format("output-tensor-type {}", dtype_name(*recipe.output_tensor_type)));
  }
  if (recipe.token_embedding_type) {
    add_if(true, fmt::format("token-embedding-type {}", dtype_name(*recipe.token_embedding_type)));
  }
  for (const TensorTypeOverride& entry : recipe.tensor_types) {
    add_if(true, fmt::format("tensor-type {}={}", entry.pattern, dtype_name(entry.dtype)));
  }
  for (const std::string& entry : options.override_keys) add_if(true, "override-kv " + entry);
  add_if(options.split.keep_split, "keep-split");
  add_if(options.split.max_bytes > 0, fmt::format("split-max-size {}", options.split.max_bytes));
  add_if(options.split.max_tensors > 0,
         fmt::format("split-max-tensors {}", options.split.max_tensors));
  add_if(true, "name " + prepared.name);
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

Result<std::string> file_identity(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return make_error(ErrorCode::kIo, "cannot inspect '{}'", path.string());
  }
  return fmt::format("|{}:{}:{}.{}", path.string(), info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec);
}

// Says whether two runs would write the same bytes: everything the plan decided, and the identity
// of the source files.
Result<std::string> plan_fingerprint(const PreparedConversion& prepared) {
  Sha256 hash;
  const auto add = [&](std::string_view text) { hash.update(std::as_bytes(std::span(text))); };
  add(kPipelineVersion);
  for (const fs::path& path : prepared.model.tensors->files()) add(PJ_TRY(file_identity(path)));
  for (const PlannedOutput& output : prepared.plan.outputs) {
    for (const PlannedFile& file : output.files) {
      add(fmt::format("|{}:{}:", file.path, file.bytes));
      add(file.header);
      if (!file.copied_from.empty()) add(PJ_TRY(file_identity(file.copied_from)));
    }
    for (const PlannedTensor& tensor : output.tensors) {
      add(tensor.importance == nullptr ? "|-" : "|i");
      if (tensor.importance != nullptr) {
        hash.update(std::as_bytes(std::span(tensor.importance->values)));
      }
    }
  }
  return hash.finish_hex();
}

// Enough space for what is not there yet, told before the first write.
Status check_disk_space(const Plan& plan, const fs::path& folder) {
  std::uint64_t needed = 0;
  for (const PlannedOutput& output : plan.outputs) {
    for (const PlannedFile& file : output.files) {
      struct stat info{};
      const bool is_there = ::stat((folder / file.path).c_str(), &info) == 0;
      const std::uint64_t present = is_there ? static_cast<std::uint64_t>(info.st_blocks) * 512 : 0;
      if (file.bytes > present) needed += file.bytes - present;
    }
  }
  const std::uint64_t free = PJ_TRY(free_disk_bytes(folder));
  if (needed <= free) return {};
  return make_error(ErrorCode::kNoSpace,
                    "the output needs {} ({} bytes) and '{}' has {} ({} bytes) free; free some "
                    "space, choose fewer or smaller types, or another --output",
                    format_bytes(needed), needed, folder.parent_path().parent_path().string(),
                    format_bytes(free), free);
}

Result<ExecuteResult> execute_with_space(PreparedConversion& prepared,
                                         const ConvertOptions& options, const fs::path& folder,
                                         Journal& journal, const CancelToken& cancel,
                                         Progress& progress) {
  PJ_TRY(check_disk_space(prepared.plan, folder));
  auto hasher = std::move(prepared.model.hasher);
  if (hasher == nullptr) hasher = PJ_TRY(SourceHasher::open(prepared.model.tensors->files()));
  return execute_plan(prepared.model, prepared.plan, folder, journal, *hasher, options.execute,
                      cancel, progress);
}

void remove_partial_files(const Plan& plan, const fs::path& folder) {
  for (const PlannedOutput& output : plan.outputs) {
    for (const PlannedFile& file : output.files) {
      static_cast<void>(remove_file_if_present(folder / file.path));
    }
  }
}

// What an earlier run that got as far as the seal had done.
ExecuteResult sealed_result(const Model& model, const Journal& journal) {
  ExecuteResult result;
  result.source_files = journal.source_files();
  result.tensors.resize(model.outputs.size());
  for (const auto& [tensor, entry] : journal.done()) {
    if (static_cast<std::size_t>(tensor) >= result.tensors.size()) continue;
    result.tensors[static_cast<std::size_t>(tensor)] = entry;
  }
  result.resumed_tensors = static_cast<std::int64_t>(journal.done().size());
  return result;
}

Status write_gguf_metadata(const PreparedConversion& prepared, const ConvertOptions& options,
                           const ConvertReport& report) {
  const fs::path path = options.output / "gguf" / "metadata.json";
  Json existing(nullptr);
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    if (auto found = read_json_file(path, {})) existing = std::move(*found);
  }
  const Json metadata =
      make_gguf_metadata(prepared.model, report.outputs, options.imatrix.string(), existing);
  return write_file_atomic(path, metadata.dump(2) + "\n");
}

Status write_documents(const PreparedConversion& prepared, const ConvertOptions& options,
                       const ConvertReport& report, const Json& manifest) {
  if (!options.gguf_types.empty()) PJ_TRY(write_gguf_metadata(prepared, options, report));
  const std::string text = format_report({.model = prepared.model,
                                          .plan = prepared.plan,
                                          .result = report.execution,
                                          .outputs = report.outputs,
                                          .settings = describe_settings(options, prepared),
                                          .wall_seconds = report.wall_seconds});
  PJ_TRY(write_file_atomic(options.output / "quantization_report.log", text));
  return write_file_atomic(options.output / kManifestName, manifest.dump(2) + "\n");
}

// A folder that will be replaced as a whole must be one that this program made.
Status check_replaced_folder(const Plan& plan, const fs::path& output) {
  const fs::path folder = output / output_format_name(OutputFormat::kMlx);
  std::error_code ignored;
  const bool is_planned = std::ranges::find(plan.outputs, OutputFormat::kMlx,
                                            &PlannedOutput::format) != plan.outputs.end();
  if (!is_planned || !fs::exists(folder, ignored)) return {};
  if (const auto metadata = read_json_file(folder / "metadata.json", {})) {
    if (get_string(*metadata, "format").value_or("") == "mlx") return {};
  }
  return make_error(ErrorCode::kConflict,
                    "'{}' is there and not a folder this program made; it would be replaced. Move "
                    "it away, or choose another --output",
                    folder.string());
}

}  // namespace

Result<std::unique_ptr<PreparedConversion>> prepare_conversion(const ConvertOptions& options) {
  PJ_TRY(check_anything_asked(options));
  auto prepared = std::make_unique<PreparedConversion>();
  PlanOptions plan_options{.recipes = PJ_TRY(find_recipes(options.gguf_types)),
                           .recipe_options = options.recipe_options,
                           .split = options.split};
  if (options.mlx) plan_options.mlx = PJ_TRY(plan_options_of(*options.mlx));
  for (const std::string& text : options.override_keys) {
    plan_options.override_keys.push_back(PJ_TRY(parse_override_key(text)));
  }
  if (!options.imatrix.empty()) {
    prepared->imatrix = PJ_TRY(read_imatrix(options.imatrix));
    plan_options.imatrix = &*prepared->imatrix;
    plan_options.imatrix_path = options.imatrix.string();
    plan_options.recipe_options.has_imatrix = true;
  }
  prepared->model = PJ_TRY(open_model(options.model, options.model_options));
  prepared->name = file_name_of(options.name.empty() ? prepared->model.name : options.name);
  plan_options.name = prepared->name;
  prepared->plan = PJ_TRY(make_plan(prepared->model, plan_options));
  return prepared;
}

Result<ConvertReport> convert(PreparedConversion& prepared, const ConvertOptions& options,
                              const CancelToken& cancel, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const Json existing = PJ_TRY(read_manifest(options.output));
  // Whether this model may go into that folder shows before any work is done.
  PJ_TRY(make_manifest(prepared.model, {}, {}, existing));
  for (const std::string& warning : prepared.model.warnings) progress.warn(warning);
  for (const std::string& warning : prepared.plan.warnings) progress.warn(warning);

  const fs::path work_folder = options.output / kWorkFolder;
  const fs::path partial_folder = work_folder / "partial";
  Journal journal = PJ_TRY(Journal::open(work_folder, PJ_TRY(plan_fingerprint(prepared))));
  if (journal.discarded_other()) {
    progress.warn("an unfinished run with other settings was here; its partial files are removed");
  }
  PJ_TRY(make_directories(partial_folder));

  ConvertReport report;
  report.was_complete = !journal.sealed().empty();
  std::map<std::string, std::string> hashes = journal.sealed();
  if (!report.was_complete) {
    PJ_TRY(check_replaced_folder(prepared.plan, options.output));
    Result<ExecuteResult> executed =
        execute_with_space(prepared, options, partial_folder, journal, cancel, progress);
    if (!executed) {
      const bool is_full = executed.error().code == ErrorCode::kNoSpace;
      if (is_full) remove_partial_files(prepared.plan, partial_folder);
      return std::unexpected(executed.error());
    }
    report.execution = std::move(*executed);
    PJ_TRY(validate_files(prepared.model, prepared.plan, partial_folder));
    hashes = report.execution.sha256_by_file;
    PJ_TRY(journal.seal(hashes, report.execution.source_files));
  } else {
    report.execution = sealed_result(prepared.model, journal);
  }
  report.outputs = PJ_TRY(publish_files(prepared.plan, partial_folder, options.output, hashes));
  report.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Json manifest = PJ_TRY(
      make_manifest(prepared.model, report.execution.source_files, report.outputs, existing));
  PJ_TRY(write_documents(prepared, options, report, manifest));
  PJ_TRY(journal.remove());
  return report;
}

}  // namespace pajamas
