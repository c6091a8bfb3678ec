// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <charconv>

#include "pipeline/plan_outputs.h"

namespace pajamas {
namespace {

void warn_of_fallbacks(const Model& model, const PlannedOutput& output, Plan& plan) {
  std::size_t count = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < output.tensors.size(); ++i) {
    if (output.tensors[i].is_fallback && count++ == 0) first = i;
  }
  if (count == 0) return;
  plan.warnings.push_back(fmt::format(
      "{}: {} of {} tensors have rows that do not fit the type's block and use a larger type "
      "instead (first: '{}' with rows of {} becomes {})",
      output.method, count, output.tensors.size(), model.outputs[first].name,
      model.outputs[first].shape.cols(), output.tensors[first].type_name()));
}

}  // namespace

std::string_view output_format_name(OutputFormat format) {
  return format == OutputFormat::kGguf ? "gguf" : "mlx";
}

std::string PlannedTensor::type_name() const {
  return mlx ? mlx->name() : std::string(dtype_name(dtype));
}

std::uint64_t PlannedOutput::total_bytes() const {
  std::uint64_t sum = 0;
  for (const PlannedFile& file : files) sum += file.bytes;
  return sum;
}

std::uint64_t PlannedOutput::weight_bytes() const {
  std::uint64_t sum = 0;
  for (const PlannedFile& file : files) sum += file.has_weights ? file.bytes : 0;
  return sum;
}

std::uint64_t Plan::total_bytes() const {
  std::uint64_t sum = 0;
  for (const PlannedOutput& output : outputs) sum += output.total_bytes();
  return sum;
}

Result<Plan> make_plan(const Model& model, const PlanOptions& options) {
  Plan plan;
  for (const Recipe* recipe : options.recipes) {
    plan.outputs.push_back(PJ_TRY(plan_gguf_output(model, options, *recipe)));
    warn_of_fallbacks(model, plan.outputs.back(), plan);
  }
  if (options.mlx) {
    plan.outputs.push_back(PJ_TRY(plan_mlx_output(model, *options.mlx)));
    warn_of_fallbacks(model, plan.outputs.back(), plan);
  }
  return plan;
}

Result<std::pair<std::string, MetadataValue>> parse_override_key(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--override-kv '{}': {}; expected KEY=TYPE:VALUE with TYPE int, float, bool "
                      "or str",
                      text, why);
  };
  const std::size_t equals = text.find('=');
  const std::size_t colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
  if (equals == std::string_view::npos || equals == 0 || colon == std::string_view::npos) {
    return bad("not of that form");
  }
  const std::string key(text.substr(0, equals));
  const std::string_view type = text.substr(equals + 1, colon - equals - 1);
  const std::string_view value = text.substr(colon + 1);
  const auto parse = [&](auto& number) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc{} && end == value.data() + value.size();
  };
  if (type == "str") return std::pair{key, MetadataValue(std::string(value))};
  if (type == "bool") {
    if (value != "true" && value != "false") return bad("a bool is true or false");
    return std::pair{key, MetadataValue(value == "true")};
  }
  if (type == "int") {
    std::uint32_t number = 0;
    if (!parse(number)) return bad("an int is a whole number from 0 to 4294967295");
    return std::pair{key, MetadataValue(number)};
  }
  if (type == "float") {
    float number = 0;
    if (!parse(number)) return bad("that float cannot be read");
    return std::pair{key, MetadataValue(number)};
  }
  return bad(fmt::format("'{}' is not a type", type));
}

}  // namespace pajamas
