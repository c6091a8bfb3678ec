// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>

#include <fmt/ranges.h>

#include "../flags.h"
#include "archs/arch_registry.h"
#include "codecs/codec.h"
#include "commands.h"
#include "quantize/mlx_recipe.h"
#include "quantize/recipe.h"

namespace pajamas::cli {
namespace {

struct ListFlags {
  bool json = false;
};

constexpr auto kListFlags = std::to_array<Flag<ListFlags>>({
    {"--json", &ListFlags::json, "", "print as JSON"},
});

double base_bits(const Recipe& recipe) {
  const DTypeInfo& info = dtype_info(recipe.base);
  return 8.0 * static_cast<double>(info.block_bytes) / static_cast<double>(info.block_elems);
}

std::string_view imatrix_use(const Recipe& recipe) {
  if (recipe.needs_imatrix) return "needed";
  const Codec* codec = find_codec(recipe.base);
  return codec != nullptr && codec->uses_importance ? "used" : "-";
}

Json to_json() {
  Json types = Json::array();
  for (const Recipe& recipe : all_recipes()) {
    types.push_back({{"name", recipe.name},
                     {"file_type", recipe.file_type},
                     {"base_type", dtype_name(recipe.base)},
                     {"base_bits_per_weight", base_bits(recipe)},
                     {"imatrix", imatrix_use(recipe)},
                     {"mixed", !recipe.rules.empty()}});
  }
  Json archs = Json::array();
  for (const ArchSpec* arch : all_archs()) {
    archs.push_back(
        {{"name", arch->name}, {"gguf_name", arch->gguf_name}, {"classes", arch->hf_class_names}});
  }
  return {{"gguf_types", std::move(types)},
          {"mlx_precisions", mlx_precision_names()},
          {"architectures", std::move(archs)}};
}

void print_lists() {
  fmt::print("GGUF types (convert --gguf-types)\n\n");
  fmt::print("  {:<10} {:<8} {:>9}  {:<8} {}\n", "type", "base", "base bpw", "imatrix", "mixture");
  for (const Recipe& recipe : all_recipes()) {
    fmt::print("  {:<10} {:<8} {:>9.4f}  {:<8} {}\n", recipe.name, dtype_name(recipe.base),
               base_bits(recipe), imatrix_use(recipe),
               recipe.rules.empty() ? "" : "more bits where they count");
  }
  fmt::print("\nMLX precisions (convert --formats mlx --precision)\n\n  {}\n",
             fmt::join(mlx_precision_names(), ", "));
  fmt::print("\nArchitectures\n\n");
  for (const ArchSpec* arch : all_archs()) {
    fmt::print("  {:<10} {}\n", arch->name, fmt::join(arch->hf_class_names, ", "));
  }
}

}  // namespace

Command add_list_methods(CLI::App& program) {
  CLI::App* app =
      add_command(program, "list-methods", "Types and architectures this version knows");
  auto flags = std::make_shared<ListFlags>();
  add_flags<ListFlags>(*app, *flags, kListFlags);
  const auto run = [flags](const CancelToken&) -> Status {
    if (flags->json) {
      fmt::print("{}\n", to_json().dump(2));
    } else {
      print_lists();
    }
    return {};
  };
  return {app, run, [flags] { return flags->json; }};
}

}  // namespace pajamas::cli
