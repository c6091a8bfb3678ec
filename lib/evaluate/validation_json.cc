// SPDX-License-Identifier: Apache-2.0
#include "evaluate/validation_json.h"

#include <cmath>

#include "evaluate/validation_summary.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

constexpr int kVersion = 1;

Json number(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

Json text(const std::string& value) { return replace_invalid_utf8(value); }

Json to_json(const PerplexityResult& result) {
  return {{"method", text(result.method)},
          {"context", result.context},
          {"stride", result.stride},
          {"windows", result.windows},
          {"scored_tokens", result.scored_tokens},
          {"mean_nll", number(result.mean_nll)},
          {"perplexity", number(result.perplexity)},
          {"standard_error", number(result.standard_error)}};
}

Json to_json(const Quantiles& quantiles) {
  return {
      {"mean", number(quantiles.mean)},       {"standard_error", number(quantiles.standard_error)},
      {"minimum", number(quantiles.minimum)}, {"median", number(quantiles.median)},
      {"p90", number(quantiles.p90)},         {"p99", number(quantiles.p99)},
      {"p99_9", number(quantiles.p99_9)},     {"maximum", number(quantiles.maximum)}};
}

Json to_json(const DivergenceResult& result) {
  return {{"positions", result.positions},
          {"kl", to_json(result.kl)},
          {"histogram",
           {{"first_bin_log10", -8}, {"bins_per_decade", 4}, {"counts", Json(result.histogram)}}},
          {"top1_agreement", number(result.top1_agreement)},
          {"top1_standard_error", number(result.top1_standard_error)},
          {"mean_probability_change", number(result.mean_probability_change)},
          {"rms_probability_change", number(result.rms_probability_change)}};
}

Json to_json(const TaskScore& score) {
  return {{"task", text(score.task)},     {"metric", text(score.metric)},
          {"value", number(score.value)}, {"standard_error", number(score.standard_error)},
          {"questions", score.questions}, {"few_shot", score.few_shot}};
}

Json to_json(const TensorError& error) {
  Json json = {{"name", text(error.name)}};
  if (error.layer >= 0) json["layer"] = error.layer;
  json["type"] = text(error.type);
  json["elements"] = error.elements;
  json["relative_mse"] = number(error.relative_mse);
  json["snr_db"] = number(error.snr_db);
  json["max_error"] = number(error.max_error);
  return json;
}

Json to_json(const SampleText& sample) {
  return {{"prompt", text(sample.prompt)},
          {"original", text(sample.original)},
          {"quantized", text(sample.quantized)},
          {"tokens_in_common", sample.tokens_in_common}};
}

template <typename Values>
void add_list(Json& json, const char* key, const Values& values) {
  if (values.empty()) return;
  Json& list = json[key] = Json::array();
  for (const auto& value : values) list.push_back(to_json(value));
}

Json to_json(const ModelQuality& model) {
  Json json = {
      {"name", text(model.name)},       {"path", text(model.path)},
      {"format", text(model.format)},   {"method", text(model.method)},
      {"size_bytes", model.size_bytes}, {"bits_per_weight", number(model.bits_per_weight)}};
  if (model.tokens_per_second > 0) json["tokens_per_second"] = number(model.tokens_per_second);
  add_list(json, "perplexity", model.perplexity);
  if (model.divergence) json["divergence"] = to_json(*model.divergence);
  add_list(json, "tasks", model.tasks);
  add_list(json, "tensors", model.tensors);
  add_list(json, "samples", model.samples);
  return json;
}

}  // namespace

Json validation_to_json(const Validation& validation) {
  Json json = {{"validation_version", kVersion}, {"measured_at", text(validation.measured_at)}};
  if (!validation.corpus.empty()) {
    json["corpus"] = {{"name", text(validation.corpus)},
                      {"sha256", text(validation.corpus_sha256)},
                      {"tokens", validation.corpus_tokens}};
  }
  if (!validation.original.name.empty()) json["original"] = to_json(validation.original);
  json["quantized"] = Json::array();
  for (const ModelQuality& model : validation.quantized) {
    Json& entry = json["quantized"].emplace_back(to_json(model));
    if (const auto increase = perplexity_increase_pct(validation.original, model)) {
      entry["increase_pct"] = number(*increase);
    }
  }
  return json;
}

std::string validation_json_text(const Validation& validation) {
  return validation_to_json(validation).dump(2) + "\n";
}

}  // namespace pajamas
