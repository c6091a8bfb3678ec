// SPDX-License-Identifier: Apache-2.0
#include "evaluate/window_plan.h"

#include <algorithm>

namespace pajamas {
namespace {

// A window has two halves, and the second scores at least one token.
constexpr std::int64_t kMinContext = 4;

Status check_context(std::int64_t context, std::size_t tokens, std::int64_t needed) {
  if (context < kMinContext) {
    return make_error(ErrorCode::kInvalidArgument, "--context is {}, expected at least {}", context,
                      kMinContext);
  }
  if (static_cast<std::int64_t>(tokens) < needed) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the text has {} tokens, and one window of --context {} needs {}; give a "
                      "longer --dataset or a smaller --context",
                      tokens, context, needed);
  }
  return {};
}

}  // namespace

std::int32_t WindowPlan::input(const Window& window, std::int64_t place) const {
  return place == 0 && bos ? *bos : target(window, place);
}

std::int32_t WindowPlan::target(const Window& window, std::int64_t place) const {
  return tokens[static_cast<std::size_t>(window.begin + place)];
}

std::int64_t WindowPlan::scored_tokens() const {
  std::int64_t sum = 0;
  for (const Window& window : windows) sum += window.scored();
  return sum;
}

Result<std::vector<std::int32_t>> tokenize_corpus(const Tokenizer& tokenizer,
                                                  std::string_view text) {
  std::vector<std::int32_t> tokens =
      PJ_TRY(tokenizer.encode(text, {.add_special = true, .parse_special = false}));
  if (tokenizer.adds_eos() && !tokens.empty() && tokens.back() == tokenizer.eos_id()) {
    tokens.pop_back();
  }
  return tokens;
}

Result<WindowPlan> plan_llama_windows(std::vector<std::int32_t> tokens, std::int64_t context,
                                      std::optional<std::int32_t> bos, std::int64_t max_windows) {
  PJ_TRY(check_context(context, tokens.size(), context));
  std::int64_t count = static_cast<std::int64_t>(tokens.size()) / context;
  if (max_windows > 0) count = std::min(count, max_windows);
  WindowPlan plan{
      .method = "llama.cpp", .context = context, .stride = context, .tokens = std::move(tokens)};
  plan.bos = bos;
  plan.tokens.resize(static_cast<std::size_t>(count * context));
  for (std::int64_t window = 0; window < count; ++window) {
    plan.windows.push_back(
        {.begin = window * context, .length = context, .first_target = context / 2 + 1});
  }
  return plan;
}

Result<WindowPlan> plan_hf_windows(std::vector<std::int32_t> tokens, std::int64_t context,
                                   std::int64_t stride, std::int64_t max_windows) {
  PJ_TRY(check_context(context, tokens.size(), 2));
  if (stride < 1 || stride > context) {
    return make_error(ErrorCode::kInvalidArgument,
                      "--stride is {}, expected 1 to {}, the length of a window", stride, context);
  }
  WindowPlan plan{
      .method = "hf", .context = context, .stride = stride, .tokens = std::move(tokens)};
  const auto size = static_cast<std::int64_t>(plan.tokens.size());
  std::int64_t seen = 1;  // nothing predicts the first token
  for (std::int64_t begin = 0; seen < size; begin += stride) {
    const std::int64_t end = std::min(begin + context, size);
    if (end - begin < 2) break;  // a last token alone
    // Nothing predicts a window's first token either, which is new where windows do not overlap.
    const std::int64_t first_target = std::max<std::int64_t>(seen - begin, 1);
    plan.windows.push_back({.begin = begin, .length = end - begin, .first_target = first_target});
    seen = end;
    if (max_windows > 0 && static_cast<std::int64_t>(plan.windows.size()) == max_windows) break;
  }
  plan.tokens.resize(static_cast<std::size_t>(seen));
  return plan;
}

}  // namespace pajamas
