// SPDX-License-Identifier: Apache-2.0
#include "evaluate/validation_json.h"

#include <cmath>

namespace pajamas {
namespace {

// JSON has no infinity; null says that there is no number.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const PerplexityResult& result) {
  return {{"method", result.method},
          {"context", result.context},
          {"stride", result.stride},
          {"windows", result.windows},
          {"scored_tokens", result.scored_tokens},
          {"mean_nll", number(result.mean_nll)},
          {"perplexity", number(result.perplexity)},
          {"standard_error", number(result.standard_error)}};
}

Json to_json(const Quantiles& quantiles) {
  return {{"mean", quantiles.mean},       {"standard_error", quantiles.standard_error},
          {"minimum", quantiles.minimum}, {"median", quantiles.median},
          {"p90", quantiles.p90},         {"p99", quantiles.p99},
          {"p99_9", quantiles.p99_9},     {"maximum", quantiles.maximum}};
}

Json to_json(const DivergenceResult& result) {
  return {{"positions", result.positions},
          {"kl", to_json(result.kl)},
          {"histogram", result.histogram},
          {"top1_agreement", result.top1_agreement},
          {"top1_standard_error", result.top1_standard_error},
          {"mean_probability_change", result.mean_probability_change},
          {"rms_probability_change", result.rms_probability_change}};
}

Json to_json(const TaskScore& score) {
  return {{"task", score.task},           {"metric", score.metric},
          {"value", score.value},         {"standard_error", score.standard_error},
          {"questions", score.questions}, {"few_shot", score.few_shot}};
}

Json to_json(const TensorError& error) {
  return {{"name", error.name},
          {"layer", error.layer},
          {"type", error.type},
          {"elements", error.elements},
          {"relative_mse", number(error.relative_mse)},
          {"snr_db", number(error.snr_db)},
          {"max_error", number(error.max_error)}};
}

Json to_json(const SampleText& sample) {
  return {{"prompt", sample.prompt},
          {"original", sample.original},
          {"quantized", sample.quantized},
          {"tokens_in_common", sample.tokens_in_common}};
}

template <typename T>
Json list_to_json(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

Json to_json(const ModelQuality& model) {
  Json json = {{"name", model.name},
               {"path", model.path},
               {"format", model.format},
               {"method", model.method},
               {"size_bytes", model.size_bytes},
               {"bits_per_weight", model.bits_per_weight},
               {"tokens_per_second", model.tokens_per_second},
               {"perplexity", list_to_json(model.perplexity)}};
  if (model.divergence) json["divergence"] = to_json(*model.divergence);
  if (!model.tasks.empty()) json["tasks"] = list_to_json(model.tasks);
  if (!model.tensors.empty()) json["tensors"] = list_to_json(model.tensors);
  if (!model.samples.empty()) json["samples"] = list_to_json(model.samples);
  return json;
}

const PerplexityResult* find_method(const ModelQuality& model, std::string_view method) {
  for (const PerplexityResult& result : model.perplexity) {
    if (result.method == method) return &result;
  }
  return nullptr;
}

}  // namespace

std::optional<double> perplexity_increase_pct(const ModelQuality& original,
                                              const ModelQuality& quantized) {
  for (const PerplexityResult& result : quantized.perplexity) {
    const PerplexityResult* before = find_method(original, result.method);
    if (before == nullptr) continue;
    // By way of the logarithms, which do not overflow.
    return 100 * std::expm1(result.mean_nll - before->mean_nll);
  }
  return std::nullopt;
}

Json validation_to_json(const Validation& validation) {
  Json quantized = Json::array();
  for (const ModelQuality& model : validation.quantized) {
    Json json = to_json(model);
    const auto increase = perplexity_increase_pct(validation.original, model);
    json["increase_pct"] = increase ? number(*increase) : Json(nullptr);
    quantized.push_back(std::move(json));
  }
  Json json = {{"validation_version", 1},
               {"measured_at", validation.measured_at},
               {"corpus",
                {{"name", validation.corpus},
                 {"sha256", validation.corpus_sha256},
                 {"tokens", validation.corpus_tokens}}},
               {"original", nullptr},
               {"quantized", std::move(quantized)}};
  if (!validation.original.name.empty()) json["original"] = to_json(validation.original);
  return json;
}

Json validation_summary(const Validation& validation, const ModelQuality& quantized) {
  Json summary = {{"perplexity_original", nullptr},
                  {"perplexity_quantized", nullptr},
                  {"increase_pct", nullptr},
                  {"kl_mean", nullptr},
                  {"kl_p99", nullptr},
                  {"top1_agreement", nullptr},
                  {"tasks", Json::object()}};
  if (!quantized.perplexity.empty()) {
    const PerplexityResult& result = quantized.perplexity.front();
    summary["perplexity_quantized"] = number(result.perplexity);
    if (const auto* before = find_method(validation.original, result.method)) {
      summary["perplexity_original"] = number(before->perplexity);
    }
  }
  if (const auto increase = perplexity_increase_pct(validation.original, quantized)) {
    summary["increase_pct"] = number(*increase);
  }
  if (quantized.divergence) {
    summary["kl_mean"] = quantized.divergence->kl.mean;
    summary["kl_p99"] = quantized.divergence->kl.p99;
    summary["top1_agreement"] = quantized.divergence->top1_agreement;
  }
  for (const TaskScore& score : quantized.tasks) {
    summary["tasks"][score.task][score.metric] = {{"value", score.value},
                                                  {"standard_error", score.standard_error},
                                                  {"questions", score.questions}};
  }
  return summary;
}

}  // namespace pajamas
