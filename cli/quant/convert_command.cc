// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "../flags.h"
#include "../progress_printer.h"
#include "base/human_units.h"
#include "base/process_stats.h"
#include "base/thread_pool.h"
#include "commands.h"
#include "pipeline/convert.h"
#include "pipeline/report.h"
#include "validation_printer.h"

namespace pajamas::cli {
namespace {

struct ConvertFlags {
  std::string model;
  std::string output;
  std::string formats = "gguf";
  std::vector<std::string> gguf_types;
  std::string precision;
  std::string name;
  std::string revision = "main";
  int mlx_bits = 0;
  int mlx_group_size = 0;
  std::string mlx_mode;
  std::string mlx_dtype;
  int mlx_embedding_bits = 0;
  int mlx_head_bits = 0;
  std::string mlx_rounding = "cpu";
  std::string mlx_shard_size;
  std::string quality = "default";
  std::string imatrix;
  std::vector<std::string> tensor_type;
  std::string tensor_type_file;
  std::string output_tensor_type;
  std::string token_embedding_type;
  bool pure = false;
  bool leave_output_tensor = false;
  bool allow_requantize = false;
  bool keep_split = false;
  std::string split_max_size;
  int split_max_tensors = 0;
  std::vector<std::string> override_kv;
  int threads = 0;
  std::string max_memory;
  double checkpoint_seconds = 2.0;
  bool validate = false;
  std::string dataset;
  double max_ppl_increase = -1;
  double max_kl = -1;
  double min_agreement = -1;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

constexpr auto kPlanFlags = std::to_array<Flag<ConvertFlags>>({
    {"model", &ConvertFlags::model, "MODEL",
     "a model folder, a .gguf file, or a repo id in the local Hugging Face cache", true},
    {"--formats", &ConvertFlags::formats, "LIST",
     "output formats: gguf, mlx, or both with a comma"},
    {"--gguf-types", &ConvertFlags::gguf_types, "LIST",
     "GGUF types, comma separated, like Q4_K_M,Q8_0 (list-methods shows all)"},
    {"--precision", &ConvertFlags::precision, "P[:P]",
     "a precision for each of --formats in its order, like q4_k_m:4bit"},
    {"--name", &ConvertFlags::name, "NAME", "first part of the file names (default: the model's)"},
    {"--revision", &ConvertFlags::revision, "REV", "branch, tag or commit of a repo id"},
    {"--mlx-bits", &ConvertFlags::mlx_bits, "N", "MLX: bits of a weight, 2 to 6 or 8"},
    {"--mlx-group-size", &ConvertFlags::mlx_group_size, "N",
     "MLX: weights that share a scale, 32, 64 or 128"},
    {"--mlx-mode", &ConvertFlags::mlx_mode, "MODE", "MLX: affine, mxfp4, mxfp8 or nvfp4"},
    {"--mlx-dtype", &ConvertFlags::mlx_dtype, "TYPE",
     "MLX: f32, f16 or bf16 for what is not quantized (default: the model's)"},
    {"--mlx-embedding-bits", &ConvertFlags::mlx_embedding_bits, "N",
     "MLX: bits of the token embedding; 16 leaves it as it is"},
    {"--mlx-head-bits", &ConvertFlags::mlx_head_bits, "N",
     "MLX: bits of the output head; 16 leaves it as it is"},
    {"--mlx-rounding", &ConvertFlags::mlx_rounding, "KIND",
     "MLX: cpu or metal, whose kernels' bytes to give"},
    {"--mlx-shard-size", &ConvertFlags::mlx_shard_size, "SIZE",
     "MLX: tensor data of a file at most (default 5G)"},
    {"--quality", &ConvertFlags::quality, "LEVEL",
     "default, or best: search for smaller errors in the same MLX format"},
    {"--imatrix", &ConvertFlags::imatrix, "FILE", "importance matrix, GGUF or legacy .dat"},
    {"--tensor-type", &ConvertFlags::tensor_type, "REGEX=TYPE",
     "type of the tensors whose name matches; repeatable, first match wins"},
    {"--tensor-type-file", &ConvertFlags::tensor_type_file, "FILE",
     "REGEX=TYPE entries separated by white space"},
    {"--output-tensor-type", &ConvertFlags::output_tensor_type, "TYPE", "type of output.weight"},
    {"--token-embedding-type", &ConvertFlags::token_embedding_type, "TYPE",
     "type of token_embd.weight"},
    {"--pure", &ConvertFlags::pure, "", "the base type for every tensor, no mixture"},
    {"--leave-output-tensor", &ConvertFlags::leave_output_tensor, "",
     "do not quantize output.weight"},
    {"--allow-requantize", &ConvertFlags::allow_requantize, "",
     "accept a GGUF that is quantized already"},
    {"--keep-split", &ConvertFlags::keep_split, "", "as many output files as the source has"},
    {"--split-max-size", &ConvertFlags::split_max_size, "SIZE",
     "split the output into files of at most this much tensor data, like 4G"},
    {"--split-max-tensors", &ConvertFlags::split_max_tensors, "N",
     "split the output into files of at most N tensors"},
    {"--override-kv", &ConvertFlags::override_kv, "KEY=TYPE:VALUE",
     "set a key of the output; TYPE is int, float, bool or str; repeatable"},
    {"--json", &ConvertFlags::json, "", "print the result as JSON"},
});

constexpr auto kRunFlags = std::to_array<Flag<ConvertFlags>>({
    {"-o,--output", &ConvertFlags::output, "DIR", "artifact folder to write"},
    {"-t,--threads", &ConvertFlags::threads, "N", "worker threads (default: all CPUs)"},
    {"--max-memory", &ConvertFlags::max_memory, "SIZE", "limit of resident memory, like 512M"},
    {"--checkpoint-seconds", &ConvertFlags::checkpoint_seconds, "S",
     "time between saved resume points"},
    {"--validate", &ConvertFlags::validate, "",
     "measure what was written against the source, as `validate` does"},
    {"--dataset", &ConvertFlags::dataset, "FILE",
     "text for --validate (default: one that is built in)"},
    {"--max-ppl-increase", &ConvertFlags::max_ppl_increase, "PCT",
     "fail (exit code 3) when a perplexity is more than PCT % over the source's"},
    {"--max-kl", &ConvertFlags::max_kl, "X", "fail when a mean KL divergence is over X nats"},
    {"--min-agreement", &ConvertFlags::min_agreement, "X",
     "fail when fewer than X (0 to 1) of the positions have the source's most likely token"},
    {"--dry-run", &ConvertFlags::dry_run, "", "show the plan with exact sizes, write nothing"},
    {"-q,--quiet", &ConvertFlags::quiet, "", "no progress"},
});

Result<std::optional<DType>> parse_type_flag(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto dtype = parse_dtype(text);
  if (dtype) return dtype;
  return make_error(ErrorCode::kInvalidArgument, "{} '{}' is not a tensor type, like q6_k or f16",
                    flag, text);
}

Status read_tensor_types(const ConvertFlags& flags, RecipeOptions& options) {
  std::vector<std::string> entries = flags.tensor_type;
  if (!flags.tensor_type_file.empty()) {
    const std::string text = PJ_TRY(read_text_file(flags.tensor_type_file, 1 << 20));
    std::istringstream words(text);
    for (std::string word; words >> word;) entries.push_back(word);
  }
  for (const std::string& entry : entries) {
    options.tensor_types.push_back(PJ_TRY(parse_tensor_type(entry)));
  }
  return {};
}

// "q4_k_m:4bit": one precision for each format, in the order of --formats.
Result<std::vector<std::string>> split_precision(const std::string& text, std::size_t formats) {
  std::vector<std::string> parts;
  if (text.empty()) return std::vector<std::string>(formats);
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t colon = std::min(text.find(':', start), text.size());
    parts.push_back(text.substr(start, colon - start));
    start = colon + 1;
  }
  if (parts.size() == formats) return parts;
  return make_error(ErrorCode::kInvalidArgument,
                    "--precision '{}' has {} parts for {} formats; give one for each of --formats, "
                    "like q4_k_m:4bit for gguf,mlx",
                    text, parts.size(), formats);
}

Result<MlxRequest> mlx_request(const ConvertFlags& flags, const std::string& precision) {
  MlxRequest request{.precision = precision,
                     .recipe_options = {.bits = flags.mlx_bits,
                                        .group_size = flags.mlx_group_size,
                                        .mode = flags.mlx_mode,
                                        .embedding_bits = flags.mlx_embedding_bits,
                                        .head_bits = flags.mlx_head_bits},
                     .dtype = flags.mlx_dtype};
  if (flags.mlx_rounding != "cpu" && flags.mlx_rounding != "metal") {
    return make_error(ErrorCode::kInvalidArgument, "--mlx-rounding '{}' is neither cpu nor metal",
                      flags.mlx_rounding);
  }
  if (flags.quality != "default" && flags.quality != "best") {
    return make_error(ErrorCode::kInvalidArgument, "--quality '{}' is neither default nor best",
                      flags.quality);
  }
  if (flags.mlx_rounding == "metal") request.rounding = MlxRounding::kMetal;
  if (flags.quality == "best") request.quality = MlxQuality::kBest;
  if (!flags.mlx_shard_size.empty()) {
    request.max_shard_bytes = PJ_TRY(parse_bytes(flags.mlx_shard_size));
  }
  return request;
}

bool has_mlx_flags(const ConvertFlags& flags) {
  const ConvertFlags none;
  return flags.mlx_bits != 0 || flags.mlx_group_size != 0 || !flags.mlx_mode.empty() ||
         !flags.mlx_dtype.empty() || flags.mlx_embedding_bits != 0 || flags.mlx_head_bits != 0 ||
         flags.mlx_rounding != none.mlx_rounding || !flags.mlx_shard_size.empty() ||
         flags.quality != none.quality;
}

Status read_formats(const ConvertFlags& flags, ConvertOptions& options) {
  const std::vector<std::string> formats = split_commas({flags.formats});
  const auto precisions = PJ_TRY(split_precision(flags.precision, formats.size()));
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (std::ranges::count(formats, formats[i]) > 1) {
      return make_error(ErrorCode::kInvalidArgument, "--formats names '{}' twice", formats[i]);
    }
    if (formats[i] == "gguf") {
      options.gguf_types = split_commas(flags.gguf_types);
      for (const std::string& type : split_commas({precisions[i]})) {
        options.gguf_types.push_back(type);
      }
      if (options.gguf_types.empty()) {
        return make_error(ErrorCode::kInvalidArgument,
                          "no type was asked for; name one or more, like --gguf-types Q4_K_M,Q8_0");
      }
    } else if (formats[i] == "mlx") {
      options.mlx = PJ_TRY(mlx_request(flags, precisions[i]));
    } else {
      return make_error(ErrorCode::kUnsupported,
                        "--formats '{}' is not in this version, which writes gguf and mlx",
                        formats[i]);
    }
  }
  if (!options.mlx && has_mlx_flags(flags)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--mlx-* and --quality are for MLX folders; add mlx to --formats");
  }
  return {};
}

Result<ConvertOptions> to_options(const ConvertFlags& flags) {
  ConvertOptions options{.model = flags.model, .output = flags.output, .name = flags.name};
  PJ_TRY(read_formats(flags, options));
  options.model_options = {.revision = flags.revision, .allow_requantize = flags.allow_requantize};
  options.recipe_options.pure = flags.pure;
  options.recipe_options.leave_output_tensor = flags.leave_output_tensor;
  options.recipe_options.output_tensor_type =
      PJ_TRY(parse_type_flag("--output-tensor-type", flags.output_tensor_type));
  options.recipe_options.token_embedding_type =
      PJ_TRY(parse_type_flag("--token-embedding-type", flags.token_embedding_type));
  PJ_TRY(read_tensor_types(flags, options.recipe_options));
  options.imatrix = flags.imatrix;
  options.split.keep_split = flags.keep_split;
  if (!flags.split_max_size.empty()) {
    options.split.max_bytes = PJ_TRY(parse_bytes(flags.split_max_size));
  }
  if (flags.split_max_tensors < 0 || flags.threads < 0 || !(flags.checkpoint_seconds >= 0)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--split-max-tensors, --threads and --checkpoint-seconds cannot be negative");
  }
  options.split.max_tensors = static_cast<std::uint64_t>(flags.split_max_tensors);
  options.override_keys = flags.override_kv;
  options.execute.threads = flags.threads;
  options.execute.checkpoint_seconds = flags.checkpoint_seconds;
  if (!flags.max_memory.empty()) {
    options.execute.max_memory_bytes = PJ_TRY(parse_bytes(flags.max_memory));
  }
  return options;
}

Json plan_to_json(const PreparedConversion& prepared) {
  Json outputs = Json::array();
  for (const PlannedOutput& output : prepared.plan.outputs) {
    Json files = Json::array();
    for (const PlannedFile& file : output.files) {
      files.push_back({{"path", file.path}, {"size_bytes", file.bytes}});
    }
    std::map<std::string, int> types;
    for (const PlannedTensor& tensor : output.tensors) {
      if (!tensor.parts.empty()) ++types[tensor.type_name()];
    }
    outputs.push_back({{"format", output_format_name(output.format)},
                       {"method", output.method},
                       {"size_bytes", output.total_bytes()},
                       {"bits_per_weight", bits_per_weight(prepared.model, output.weight_bytes())},
                       {"tensor_types", types},
                       {"files", std::move(files)}});
  }
  return {{"model", prepared.model.name},
          {"architecture", prepared.model.recipe_model.arch},
          {"params_total", prepared.model.params_total},
          {"size_bytes", prepared.plan.total_bytes()},
          {"outputs", std::move(outputs)},
          {"warnings", prepared.plan.warnings}};
}

void print_model_line(const Model& model) {
  fmt::print("{}: {}, {} parameters, {} tensors\n\n", model.name, model.recipe_model.arch,
             format_count(static_cast<std::uint64_t>(model.params_total)), model.outputs.size());
}

// What a user opens: a file, the first of several, or a folder.
std::string describe_place(const PlannedOutput& output) {
  if (output.format == OutputFormat::kMlx) return "mlx";
  const std::size_t more = output.files.size() - 1;
  return output.files.front().path + (more > 0 ? fmt::format(" and {} more", more) : "");
}

void print_plan(const PreparedConversion& prepared) {
  print_model_line(prepared.model);
  fmt::print("{:<10} {:>16} {:>12} {:>6}  {}\n", "type", "bytes", "size", "bpw", "file");
  for (const PlannedOutput& output : prepared.plan.outputs) {
    fmt::print("{:<10} {:>16} {:>12} {:>6.2f}  {}\n", output.method, output.total_bytes(),
               format_bytes(output.total_bytes()),
               bits_per_weight(prepared.model, output.weight_bytes()), describe_place(output));
  }
  fmt::print("{:<10} {:>16} {:>12}\n", "total", prepared.plan.total_bytes(),
             format_bytes(prepared.plan.total_bytes()));
}

Json report_to_json(const PreparedConversion& prepared, const ConvertReport& report,
                    const ConvertFlags& flags) {
  Json result = plan_to_json(prepared);
  for (std::size_t o = 0; o < report.outputs.size(); ++o) {
    result["outputs"][o]["relative_rmse"] =
        relative_rmse_of_output(report.execution, *report.outputs[o].planned, o);
    for (std::size_t f = 0; f < report.outputs[o].files.size(); ++f) {
      result["outputs"][o]["files"][f]["sha256"] = report.outputs[o].files[f].sha256;
    }
  }
  result["output"] = flags.output;
  result["threads"] = report.execution.threads;
  result["resumed_tensors"] = report.execution.resumed_tensors;
  result["wall_seconds"] = report.wall_seconds;
  result["cpu_seconds"] = cpu_seconds();
  result["peak_rss_bytes"] = peak_rss_bytes();
  result["settings"] = flags_to_json<ConvertFlags>(flags, kPlanFlags);
  return result;
}

void print_report(const PreparedConversion& prepared, const ConvertReport& report,
                  const ConvertFlags& flags) {
  print_model_line(prepared.model);
  fmt::print("{:<10} {:>12} {:>6} {:>10}  {}\n", "type", "size", "bpw", "rel. RMSE", "file");
  for (std::size_t o = 0; o < report.outputs.size(); ++o) {
    const PlannedOutput& planned = *report.outputs[o].planned;
    fmt::print("{:<10} {:>12} {:>6.2f} {:>10.5f}  {}\n", planned.method,
               format_bytes(planned.total_bytes()),
               bits_per_weight(prepared.model, planned.weight_bytes()),
               relative_rmse_of_output(report.execution, planned, o),
               (std::filesystem::path(flags.output) / describe_place(planned)).string());
  }
  if (report.execution.resumed_tensors > 0) {
    fmt::print("\nresumed: {} of {} tensors were done by an earlier run\n",
               report.execution.resumed_tensors, prepared.model.outputs.size());
  }
  fmt::print("\ndone in {} with {} thread{}, peak memory {}\nmanifest: {}\n",
             format_duration(report.wall_seconds), report.execution.threads,
             report.execution.threads == 1 ? "" : "s", format_bytes(peak_rss_bytes()),
             (std::filesystem::path(flags.output) / kManifestName).string());
}

Status run_estimate(const ConvertFlags& flags) {
  const auto prepared = PJ_TRY(prepare_conversion(PJ_TRY(to_options(flags))));
  if (flags.json) {
    fmt::print("{}\n", plan_to_json(*prepared).dump(2));
    return {};
  }
  print_plan(*prepared);
  for (const std::string& warning : prepared->plan.warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  return {};
}

QualityLimits limits_of(const ConvertFlags& flags) {
  return make_limits(flags.max_ppl_increase, flags.max_kl, flags.min_agreement);
}

Status check_validate_flags(const ConvertFlags& flags) {
  const QualityLimits limits = limits_of(flags);
  const bool has_limits = limits.max_ppl_increase_pct || limits.max_kl || limits.min_agreement;
  if (flags.validate || (!has_limits && flags.dataset.empty())) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    "--dataset, --max-ppl-increase, --max-kl and --min-agreement are for "
                    "--validate; add it");
}

// The outputs of this run against its source.
Result<Validation> validate_outputs(const ConvertReport& report, const ConvertFlags& flags,
                                    const CancelToken& cancel) {
  ValidateOptions options{.original = flags.model,
                          .revision = flags.revision,
                          .dataset = flags.dataset,
                          .threads = flags.threads,
                          .output = flags.output,
                          .checkpoint_seconds = flags.checkpoint_seconds};
  for (const FinishedOutput& output : report.outputs) {
    const bool is_mlx = output.planned->format == OutputFormat::kMlx;
    options.quantized.push_back(std::filesystem::path(flags.output) /
                                (is_mlx ? std::string("mlx") : output.files.front().path));
  }
  ProgressPrinter progress(flags.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
  auto validation = validate(options, cancel, progress);
  if (validation || validation.error().code != ErrorCode::kCancelled) return validation;
  std::string command = fmt::format("llama-pajamas-quant validate --original {} --output {}",
                                    flags.model, flags.output);
  for (const std::filesystem::path& path : options.quantized) {
    command += fmt::format(" --quantized {}", path.string());
  }
  if (!flags.dataset.empty()) command += " --dataset " + flags.dataset;
  return make_error(ErrorCode::kCancelled,
                    "interrupted; the conversion is complete, its validation is not. Go on with\n"
                    "  {}",
                    command);
}

Status finish(const PreparedConversion& prepared, const ConvertReport& report,
              const ConvertFlags& flags, const CancelToken& cancel, bool& is_printed) {
  if (!flags.json) print_report(prepared, report, flags);
  std::optional<Validation> validation;
  Status verdict;
  if (flags.validate) {
    validation = PJ_TRY(validate_outputs(report, flags, cancel));
    verdict = check_limits(limits_of(flags), *validation);
  }
  if (flags.json) {
    Json json = report_to_json(prepared, report, flags);
    if (validation) json["validation"] = printable_validation(*validation, verdict);
    fmt::print("{}\n", json.dump(2));
    is_printed = true;
  } else if (validation) {
    fmt::print("\n");
    print_validation(*validation);
  }
  return verdict;
}

Status run_convert(const ConvertFlags& flags, const CancelToken& cancel, bool& is_printed) {
  PJ_TRY(check_validate_flags(flags));
  if (flags.dry_run) return run_estimate(flags);
  if (flags.output.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--output DIR is needed (or --dry-run to see the plan)");
  }
  ConvertOptions options = PJ_TRY(to_options(flags));
  options.model_options.hash_ahead = flags.threads != 1 && usable_cpu_count() > 1;
  const auto prepared = PJ_TRY(prepare_conversion(options));
  Result<ConvertReport> report = [&] {
    ProgressPrinter progress(flags.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
    return convert(*prepared, options, cancel, progress);
  }();
  if (!report && report.error().code == ErrorCode::kCancelled) {
    return make_error(
        ErrorCode::kCancelled,
        "interrupted; nothing is published yet. What is done is kept in '{}': run the "
        "same command again to go on, or remove that folder",
        (options.output / ".pajamas").string());
  }
  if (!report) return std::unexpected(report.error());
  return finish(*prepared, *report, flags, cancel, is_printed);
}

}  // namespace

Command add_convert(CLI::App& program) {
  CLI::App* app = add_command(program, "convert", "Convert and quantize a model");
  auto flags = std::make_shared<ConvertFlags>();
  add_flags<ConvertFlags>(*app, *flags, kPlanFlags);
  add_flags<ConvertFlags>(*app, *flags, kRunFlags);
  // A verdict is part of what was printed: no second document for it.
  auto is_printed = std::make_shared<bool>(false);
  return {app,
          [flags, is_printed](const CancelToken& cancel) {
            return run_convert(*flags, cancel, *is_printed);
          },
          [flags, is_printed] { return flags->json && !*is_printed; }};
}

Command add_estimate(CLI::App& program) {
  CLI::App* app =
      add_command(program, "estimate", "Exact output sizes of a conversion, before it runs");
  auto flags = std::make_shared<ConvertFlags>();
  add_flags<ConvertFlags>(*app, *flags, kPlanFlags);
  return {app, [flags](const CancelToken&) { return run_estimate(*flags); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
