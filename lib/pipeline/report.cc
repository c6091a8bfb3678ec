// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "base/human_units.h"
#include "base/process_stats.h"

namespace pajamas {

double relative_rmse(const TensorStats& stats) {
  return stats.squared_sum > 0 ? std::sqrt(stats.squared_error / stats.squared_sum) : 0;
}

double relative_rmse_of_output(const ExecuteResult& result, const PlannedOutput& planned,
                               std::size_t output) {
  TensorStats sum;
  for (std::size_t t = 0; t < result.tensors.size(); ++t) {
    if (!planned.tensors[t].is_quantized() || result.tensors[t].stats.empty()) continue;
    sum.squared_error += result.tensors[t].stats[output].squared_error;
    sum.squared_sum += result.tensors[t].stats[output].squared_sum;
  }
  return relative_rmse(sum);
}

std::string format_report(const ReportInput& input) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "llama-pajamas-quant {} quantization report\n\n", kPipelineVersion);
  fmt::format_to(out, "model        {}\nsource       {}\narchitecture {} ({})\nparameters   {}\n",
                 input.model.name, input.model.source.path, input.model.family,
                 input.model.recipe_model.arch, input.model.params_total);
  fmt::format_to(out, "threads      {}\nwall time    {}\ncpu time     {}\npeak memory  {}\n",
                 input.result.threads, format_duration(input.wall_seconds),
                 format_duration(cpu_seconds()), format_bytes(peak_rss_bytes()));
  if (input.result.resumed_tensors > 0) {
    fmt::format_to(out, "resumed      {} tensors were done by an earlier run\n",
                   input.result.resumed_tensors);
  }
  fmt::format_to(out, "\nsettings\n{}\n", input.settings);
  for (const std::string& warning : input.plan.warnings) {
    fmt::format_to(out, "warning: {}\n", warning);
  }
  for (std::size_t o = 0; o < input.outputs.size(); ++o) {
    const PlannedOutput& planned = *input.outputs[o].planned;
    fmt::format_to(out, "\n{}: relative RMSE {:.6f} over the quantized tensors\n", planned.method,
                   relative_rmse_of_output(input.result, planned, o));
    for (const FinishedFile& file : input.outputs[o].files) {
      fmt::format_to(out, "  {}  {} bytes  sha256 {}\n", file.path, file.bytes, file.sha256);
    }
    fmt::format_to(out, "  {:<40} {:>20} {:>12} {:>12} {:>10}\n", "tensor", "shape", "type",
                   "rel. RMSE", "seconds");
    for (std::size_t t = 0; t < input.model.outputs.size(); ++t) {
      if (planned.tensors[t].parts.empty()) continue;
      const std::vector<TensorStats>& stats = input.result.tensors[t].stats;
      const TensorStats of_tensor = stats.empty() ? TensorStats{} : stats[o];
      fmt::format_to(out, "  {:<40} {:>20} {:>12} {:>12.6f} {:>10.4f}{}\n",
                     input.model.outputs[t].name, input.model.outputs[t].shape.to_string(),
                     planned.tensors[t].type_name(), relative_rmse(of_tensor), of_tensor.seconds,
                     planned.tensors[t].is_fallback ? "  rows do not fit the recipe's type" : "");
    }
  }
  text +=
      "\nThe error is measured on every 8th row. Seconds are of one thread, all outputs of a "
      "tensor "
      "together.\n";
  return text;
}

}  // namespace pajamas
