// SPDX-License-Identifier: Apache-2.0
// Writes a report about real files for tests that look at it: the tensor errors and continuations
// are measured, the other numbers made up from them, and hostile text put where text can stand.
//
//   report_driver ORIGINAL OUTPUT_FOLDER METHOD=PATH... [--hostile]
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "evaluate/report_html.h"
#include "evaluate/samples.h"
#include "evaluate/tensor_errors.h"
#include "evaluate/validation_json.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPositions = 8192;

const std::vector<std::string>& prompts() {
  static const std::vector<std::string> kPrompts = {"Once upon a time there was a llama",
                                                    "The little fox looked at the moon and",
                                                    "In the morning the wind"};
  return kPrompts;
}

std::uint64_t size_of(const fs::path& path) {
  if (fs::is_regular_file(path)) return fs::file_size(path);
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".safetensors") bytes += entry.file_size();
  }
  return bytes;
}

Result<std::vector<Continuation>> go_on(const fs::path& path) {
  SilentProgress progress;
  const auto engine = PJ_TRY(Engine::open(
      path, {.threads = 1, .context = 128, .cache_positions = 512}, CancelToken(), progress));
  const ModelText text = PJ_TRY(ModelText::open(engine->model()));
  return continue_prompts(*engine, text, prompts(), {.max_tokens = 48}, CancelToken());
}

// A divergence as a model with this mean error could have it: normal in the logarithm.
DivergenceResult made_up_divergence(double mean_relative_mse) {
  DivergenceResult result{.positions = kPositions};
  const double centre = std::log10(mean_relative_mse) - 0.6;
  constexpr double kDeviation = 0.75;  // decades
  const auto at = [&](double deviations) {
    return std::pow(10.0, centre + kDeviation * deviations);
  };
  double total = 0;
  std::array<double, kDivergenceBins> weights{};
  for (std::size_t bin = 0; bin < kDivergenceBins; ++bin) {
    const double z = (-8 + (static_cast<double>(bin) + 0.5) / 4 - centre) / kDeviation;
    weights[bin] = std::exp(-z * z / 2);
    total += weights[bin];
  }
  for (std::size_t bin = 0; bin < kDivergenceBins; ++bin) {
    result.histogram[bin] = std::llround(kPositions * weights[bin] / total);
  }
  const double spread = kDeviation * std::log(10.0);
  result.kl = {.mean = at(0) * std::exp(spread * spread / 2),
               .standard_error = at(0) / 50,
               .minimum = at(-4),
               .median = at(0),
               .p90 = at(1.28),
               .p99 = at(2.33),
               .p99_9 = at(3.09),
               .maximum = at(4)};
  result.top1_agreement = std::exp(-1.5 * std::sqrt(result.kl.mean));
  result.top1_standard_error = 0.003;
  return result;
}

void make_up(ModelQuality& model, double mean_relative_mse) {
  const double loss = mean_relative_mse;
  model.perplexity = {{.method = "llama.cpp",
                       .context = 512,
                       .stride = 512,
                       .windows = 32,
                       .scored_tokens = kPositions,
                       .perplexity = 4.812 * std::exp(2 * loss),
                       .standard_error = 0.046},
                      {.method = "hf",
                       .context = 512,
                       .stride = 256,
                       .windows = 63,
                       .scored_tokens = 2 * kPositions,
                       .perplexity = 5.207 * std::exp(2 * loss),
                       .standard_error = 0.041}};
  model.tasks = {{"HellaSwag", "acc_norm", 0.412 - loss, 0.0049, 10042, 0},
                 {"ARC-Easy", "acc", 0.563 - loss, 0.0102, 2376, 0},
                 {"ARC-Easy", "acc_norm", 0.541 - loss, 0.0102, 2376, 0},
                 {"Winogrande", "acc", 0.522 - loss / 2, 0.014, 1267, 5}};
  model.tokens_per_second = 5200 + 9000 * loss;
}

Result<ModelQuality> describe(const OpenedModel& original, std::string_view method,
                              const fs::path& path, const std::vector<Continuation>& expected) {
  const OpenedModel opened = PJ_TRY(open_model_path(path));
  ModelQuality model{.name = path.filename().string(),
                     .path = path.string(),
                     .format = opened.source.format,
                     .method = std::string(method),
                     .size_bytes = size_of(path)};
  model.bits_per_weight =
      8.0 * static_cast<double>(model.size_bytes) / static_cast<double>(opened.params_total);
  SilentProgress progress;
  model.tensors =
      PJ_TRY(measure_tensor_errors(original, opened, {.threads = 1}, CancelToken(), progress));
  double squares = 0;
  double elements = 0;
  for (const TensorError& error : model.tensors) {
    squares += error.relative_mse * static_cast<double>(error.elements);
    elements += static_cast<double>(error.elements);
  }
  model.divergence = made_up_divergence(squares / elements);
  make_up(model, squares / elements);
  model.samples = compare_continuations(expected, PJ_TRY(go_on(path)));
  return model;
}

// Into every member that is text.
void make_hostile(Validation& validation) {
  const auto hostile = [](std::string_view place) {
    return fmt::format(
        "</title></style><script>window.hacked='{0}'</script><img src=x "
        "onerror=\"window.hacked='{0}'\">\"' onload=x {0} &lt; \xff\xc3 \u202E\x01",
        place);
  };
  validation.corpus = hostile("corpus");
  validation.corpus_sha256 = hostile("sha256");
  validation.measured_at = hostile("measured");
  const auto spoil = [&](ModelQuality& model) {
    for (std::string* text : {&model.name, &model.path, &model.method}) *text = hostile("model");
    for (PerplexityResult& result : model.perplexity) result.method = hostile("perplexity");
    for (TaskScore& score : model.tasks) {
      score.task = hostile("task");
      score.metric = hostile("metric");
    }
    for (TensorError& error : model.tensors) {
      error.name += hostile("tensor");
      error.type = hostile("type");
    }
    for (SampleText& sample : model.samples) {
      for (std::string* text : {&sample.prompt, &sample.original, &sample.quantized}) {
        *text += hostile("sample");
      }
    }
  };
  spoil(validation.original);
  for (ModelQuality& model : validation.quantized) spoil(model);
}

Status write_report(const std::vector<std::string>& arguments, bool is_hostile) {
  const fs::path original_path = arguments.at(0);
  const fs::path output = arguments.at(1);
  const OpenedModel original = PJ_TRY(open_model_path(original_path));
  const std::vector<Continuation> expected = PJ_TRY(go_on(original_path));
  Validation validation{.corpus = "default corpus",
                        .corpus_sha256 = std::string(64, 'a'),
                        .corpus_tokens = 2 * kPositions,
                        .measured_at = "2026-01-31T12:00:00Z"};
  validation.original = {.name = original.name,
                         .path = original_path.string(),
                         .format = original.source.format,
                         .method = "BF16",
                         .size_bytes = size_of(original_path),
                         .bits_per_weight = 16};
  make_up(validation.original, 0);
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    validation.quantized.push_back(PJ_TRY(describe(original, arguments[i].substr(0, equals),
                                                   arguments[i].substr(equals + 1), expected)));
  }
  if (is_hostile) make_hostile(validation);
  PJ_TRY(write_file_atomic(output / "report.html", report_html(validation)));
  return write_file_atomic(output / "validation.json", validation_json_text(validation));
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool is_hostile = std::erase(arguments, "--hostile") > 0;
  if (arguments.size() < 3) {
    std::fputs("usage: report_driver ORIGINAL OUTPUT_FOLDER METHOD=PATH... [--hostile]\n", stderr);
    return 2;
  }
  const auto done = pajamas::write_report(arguments, is_hostile);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}
