// SPDX-License-Identifier: Apache-2.0
#include "model_flags.h"

#include <fmt/format.h>

#include "../progress_printer.h"
#include "base/human_units.h"

namespace pajamas::cli {
namespace {

struct KvTypeName {
  std::string_view name;
  KvType type;
};
constexpr auto kKvTypes = std::to_array<KvTypeName>(
    {{"f32", KvType::kF32}, {"f16", KvType::kF16}, {"q8_0", KvType::kQ8_0}});

struct AbsentBackend {
  std::string_view name;
  std::string_view advice;
};
constexpr auto kAbsentBackends = std::to_array<AbsentBackend>({
    {"cuda", "run the GGUF file with a CUDA build of llama.cpp"},
});

Status check_backend(const std::string& name) {
  if (name == "auto" || name == "cpu" || name == "mlx") return {};
  for (const AbsentBackend& absent : kAbsentBackends) {
    if (absent.name != name) continue;
    return make_error(ErrorCode::kUnsupported,
                      "the backend '{}' is not in this version, which has cpu and mlx; {}", name,
                      absent.advice);
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "--backend '{}' is not known, expected auto, cpu or mlx", name);
}

Result<KvType> parse_kv_type(const std::string& name) {
  for (const KvTypeName& known : kKvTypes) {
    if (known.name == name) return known.type;
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "--kv-type '{}' is not a type of the KV cache, expected f32, f16 or q8_0",
                    name);
}

}  // namespace

Result<EngineOptions> engine_options(const ModelFlags& flags) {
  PJ_TRY(check_backend(flags.backend));
  EngineOptions options{.threads = flags.threads,
                        .context = flags.context,
                        .kv_type = PJ_TRY(parse_kv_type(flags.kv_type)),
                        .micro_batch = flags.batch,
                        .gguf_type = flags.gguf_type,
                        .backend = flags.backend == "mlx" ? flags.backend : ""};
  if (!flags.max_memory.empty()) {
    options.memory_limit_bytes = PJ_TRY(parse_bytes(flags.max_memory));
  }
  return options;
}

Result<std::unique_ptr<Engine>> open_engine(const ModelFlags& flags, const CancelToken& cancel) {
  const EngineOptions options = PJ_TRY(engine_options(flags));
  ProgressPrinter progress(flags.quiet ? Verbosity::kQuiet : Verbosity::kNormal);
  auto engine = PJ_TRY(Engine::open(flags.model, options, cancel, progress));
  if (!flags.quiet) {
    for (const std::string& warning : engine->warnings()) progress.warn(warning);
  }
  return engine;
}

}  // namespace pajamas::cli
