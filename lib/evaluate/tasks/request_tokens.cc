// SPDX-License-Identifier: Apache-2.0
#include "evaluate/tasks/request_tokens.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "evaluate/tasks/python_text.h"
#include "formats/printable.h"

namespace pajamas {
namespace {

using Tokens = std::vector<std::int32_t>;

struct TokenPair {
  Tokens context;
  Tokens continuation;
};

Result<std::int32_t> beginning_of_text(const Tokenizer& tokenizer) {
  if (const auto bos = tokenizer.bos_id()) return *bos;
  if (const auto eos = tokenizer.eos_id()) return *eos;
  return make_error(ErrorCode::kUnsupported,
                    "a question has an empty context, and the model's vocabulary has no token for "
                    "the beginning or the end of a text to stand for it");
}

Result<TokenPair> encode_alone(const Tokenizer& tokenizer, const std::string& continuation) {
  const std::int32_t first = PJ_TRY(beginning_of_text(tokenizer));
  Tokens tokens = PJ_TRY(tokenizer.encode(continuation, {.add_special = false}));
  if (tokens.empty() || tokens.front() != first) tokens.insert(tokens.begin(), first);
  return TokenPair{.context = {first}, .continuation = Tokens(tokens.begin() + 1, tokens.end())};
}

Result<TokenPair> encode_pair(const Tokenizer& tokenizer, const LikelihoodRequest& request) {
  const std::string context(python_rstrip(request.context));
  const std::string whole = request.context + request.continuation;
  // A text that spells the token of its beginning is not given another.
  const auto bos = tokenizer.bos_id();
  const std::string_view spelled = bos ? tokenizer.text(*bos) : std::string_view();
  const bool has_bos = !spelled.empty() && context.starts_with(spelled);
  const EncodeOptions options{.add_special = !has_bos};
  TokenPair pair{.context = PJ_TRY(tokenizer.encode(context, options)), .continuation = {}};
  const Tokens tokens = PJ_TRY(tokenizer.encode(whole, options));
  const std::size_t shared = std::min(pair.context.size(), tokens.size());
  pair.continuation.assign(tokens.begin() + static_cast<std::ptrdiff_t>(shared), tokens.end());
  return pair;
}

}  // namespace

Result<RequestTokens> encode_request(const Tokenizer& tokenizer, const LikelihoodRequest& request,
                                     std::int64_t max_tokens) {
  const TokenPair pair = request.context.empty()
                             ? PJ_TRY(encode_alone(tokenizer, request.continuation))
                             : PJ_TRY(encode_pair(tokenizer, request));
  const auto count = static_cast<std::int64_t>(pair.continuation.size());
  if (count == 0 || pair.context.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "the choice '{}' has no tokens of its own behind its question, expected at "
                      "least one",
                      printable(request.continuation));
  }
  if (count > max_tokens) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the choice '{}' has {} tokens, but the context holds {}; give a larger "
                      "--context",
                      printable(request.continuation), count, max_tokens);
  }
  RequestTokens result{.inputs = pair.context, .targets = pair.continuation};
  result.inputs.insert(result.inputs.end(), pair.continuation.begin(),
                       std::prev(pair.continuation.end()));
  const std::int64_t over = static_cast<std::int64_t>(result.inputs.size()) - max_tokens;
  if (over > 0) result.inputs.erase(result.inputs.begin(), result.inputs.begin() + over);
  return result;
}

}  // namespace pajamas
