// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "../flags.h"
#include "../progress_printer.h"
#include "base/human_units.h"
#include "base/process_stats.h"
#include "commands.h"
#include "pipeline/convert.h"
#include "pipeline/report.h"

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
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

constexpr auto kPlanFlags = std::to_array<Flag<ConvertFlags>>({
    {"model", &ConvertFlags::model, "MODEL",
     "a model folder, a .gguf file, or a repo id in the local Hugging Face cache", true},
    {"--formats", &ConvertFlags::formats, "LIST", "output formats; this version writes gguf"},
    {"--gguf-types", &ConvertFlags::gguf_types, "LIST",
     "GGUF types, comma separated, like Q4_K_M,Q8_0 (list-methods shows all)"},
    {"--precision", &ConvertFlags::precision, "TYPE", "short for one GGUF type, like q4_k_m"},
    {"--name", &ConvertFlags::name, "NAME", "first part of the file names (default: the model's)"},
    {"--revision", &ConvertFlags::revision, "REV", "branch, tag or commit of a repo id"},
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

Result<ConvertOptions> to_options(const ConvertFlags& flags) {
  ConvertOptions options{.model = flags.model, .output = flags.output, .name = flags.name};
  for (const std::string& format : split_commas({flags.formats})) {
    if (format == "gguf") continue;
    return make_error(ErrorCode::kUnsupported,
                      "--formats '{}' is not in this version, which writes gguf", format);
  }
  options.gguf_types = split_commas(flags.gguf_types);
  for (const std::string& type : split_commas({flags.precision})) {
    options.gguf_types.push_back(type);
  }
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
    for (const PlannedShard& shard : output.shards) {
      files.push_back(
          {{"path", "gguf/" + shard.file_name}, {"size_bytes", shard.layout.file_bytes}});
    }
    std::map<std::string, int> types;
    for (const PlannedTensor& tensor : output.tensors)
      ++types[std::string(dtype_name(tensor.dtype))];
    outputs.push_back({{"method", output.recipe->name},
                       {"size_bytes", output.total_bytes()},
                       {"bits_per_weight", bits_per_weight(prepared.model, output.total_bytes())},
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

void print_plan(const PreparedConversion& prepared) {
  print_model_line(prepared.model);
  fmt::print("{:<10} {:>16} {:>12} {:>6}  {}\n", "type", "bytes", "size", "bpw", "file");
  for (const PlannedOutput& output : prepared.plan.outputs) {
    fmt::print(
        "{:<10} {:>16} {:>12} {:>6.2f}  gguf/{}{}\n", output.recipe->name, output.total_bytes(),
        format_bytes(output.total_bytes()), bits_per_weight(prepared.model, output.total_bytes()),
        output.shards.front().file_name,
        output.shards.size() > 1 ? fmt::format(" and {} more", output.shards.size() - 1) : "");
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
    const std::size_t more = report.outputs[o].files.size() - 1;
    fmt::print(
        "{:<10} {:>12} {:>6.2f} {:>10.5f}  {}{}\n", planned.recipe->name,
        format_bytes(planned.total_bytes()), bits_per_weight(prepared.model, planned.total_bytes()),
        relative_rmse_of_output(report.execution, planned, o),
        (std::filesystem::path(flags.output) / "gguf" / report.outputs[o].files.front().file_name)
            .string(),
        more > 0 ? fmt::format(" and {} more", more) : "");
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

Status run_convert(const ConvertFlags& flags, const CancelToken& cancel) {
  if (flags.dry_run) return run_estimate(flags);
  if (flags.output.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--output DIR is needed (or --dry-run to see the plan)");
  }
  const ConvertOptions options = PJ_TRY(to_options(flags));
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
  if (flags.json) {
    fmt::print("{}\n", report_to_json(*prepared, *report, flags).dump(2));
  } else {
    print_report(*prepared, *report, flags);
  }
  return {};
}

}  // namespace

Command add_convert(CLI::App& program) {
  CLI::App* app = program.add_subcommand("convert", "Convert and quantize a model");
  auto flags = std::make_shared<ConvertFlags>();
  add_flags<ConvertFlags>(*app, *flags, kPlanFlags);
  add_flags<ConvertFlags>(*app, *flags, kRunFlags);
  return {app, [flags](const CancelToken& cancel) { return run_convert(*flags, cancel); },
          [flags] { return flags->json; }};
}

Command add_estimate(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("estimate", "Exact output sizes of a conversion, before it runs");
  auto flags = std::make_shared<ConvertFlags>();
  add_flags<ConvertFlags>(*app, *flags, kPlanFlags);
  return {app, [flags](const CancelToken&) { return run_estimate(*flags); },
          [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
