// SPDX-License-Identifier: Apache-2.0
// POST /v1/embeddings, as numbers or as base64 of little-endian floats.
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include <openssl/evp.h>

#include "serve/api/answer_json.h"
#include "serve/api/chat_request.h"
#include "serve/endpoints/endpoints.h"

namespace pajamas {
namespace {

std::string to_base64(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((bits >> shift) & 0xFF);
  }
  std::vector<unsigned char> input(bytes.begin(), bytes.end());
  std::vector<unsigned char> output(4 * ((input.size() + 2) / 3) + 1);
  const int count = EVP_EncodeBlock(output.data(), input.data(), static_cast<int>(input.size()));
  return {output.begin(), output.begin() + count};
}

// Shorter vectors are the first numbers of the long one, scaled to length 1 again.
void shorten(std::vector<float>& values, std::size_t dimensions) {
  values.resize(dimensions);
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  const double scale = sum > 0.0 ? 1.0 / std::sqrt(sum) : 0.0;
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * scale);
}

ApiResult<Json> embed(const ApiContext& context, const http::Request& request, http::Reply& reply) {
  constexpr std::int64_t kMaxDimensions = 1 << 20;
  const Json body = PJ_TRY(parse_body(request.body));
  const RequestFields fields(body);
  const SharedModel model = PJ_TRY(model_of(context, body));
  const auto inputs = PJ_TRY(read_prompts(body, "input", model->info()));
  const std::string format = PJ_TRY(fields.text("encoding_format")).value_or("float");
  const auto dimensions = PJ_TRY(fields.integer("dimensions", 1, kMaxDimensions));
  if (format != "float" && format != "base64") {
    return bad_request("encoding_format", "'encoding_format' is '{}', expected float or base64",
                       format);
  }
  std::vector<std::vector<std::int32_t>> prompts;
  Usage usage;
  for (const auto& input : inputs) {
    if (const auto* text = std::get_if<std::string>(&input)) {
      prompts.push_back(PJ_TRY(for_client(model->tokenize(*text, {}))));
    } else {
      prompts.push_back(std::get<std::vector<std::int32_t>>(input));
    }
    if (prompts.back().empty()) return bad_request("input", "an entry of 'input' has no tokens");
    usage.prompt_tokens += static_cast<std::int64_t>(prompts.back().size());
  }
  auto vectors = PJ_TRY(for_client(model->embed(prompts, reply.cancel())));
  Json data = Json::array();
  for (std::size_t index = 0; index < vectors.size(); ++index) {
    std::vector<float>& values = vectors[index];
    if (dimensions && static_cast<std::size_t>(*dimensions) > values.size()) {
      return bad_request("dimensions", "'dimensions' is {}, the model's vectors have {}",
                         *dimensions, values.size());
    }
    if (dimensions) shorten(values, static_cast<std::size_t>(*dimensions));
    Json embedding = format == "base64" ? Json(to_base64(values)) : Json(values);
    data.push_back(
        {{"object", "embedding"}, {"index", index}, {"embedding", std::move(embedding)}});
  }
  context.metrics.of(model->info().id).prompt_tokens +=
      static_cast<std::uint64_t>(usage.prompt_tokens);
  return Json{
      {"object", "list"},
      {"data", std::move(data)},
      {"model", model->info().id},
      {"usage", {{"prompt_tokens", usage.prompt_tokens}, {"total_tokens", usage.prompt_tokens}}}};
}

}  // namespace

void add_embedding_routes(http::Router& router, const ApiContext& context) {
  for (const char* pattern : {"/v1/embeddings", "/embeddings"}) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = json_handler([context](const auto& request, auto& reply) {
                  return embed(context, request, reply);
                })});
  }
}

}  // namespace pajamas
