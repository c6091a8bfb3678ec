// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <string_view>

#include <fmt/format.h>

namespace pajamas {

std::string Metrics::to_prometheus() const {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       double value) {
    text += fmt::format("# HELP pajamas_{0} {2}\n# TYPE pajamas_{0} {1}\npajamas_{0} {3}\n", name,
                        type, help, value);
  };
  const auto count = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    add(name, "counter", help, static_cast<double>(value));
  };
  count("generation_requests_total", "Requests that generated text.", requests);
  count("generation_failures_total", "Requests that ended in an error.", failures);
  count("prompt_tokens_total", "Tokens of prompts.", prompt_tokens);
  count("prompt_tokens_cached_total", "Tokens of prompts that were in the cache.", cached_tokens);
  count("completion_tokens_total", "Tokens generated.", completion_tokens);
  constexpr double kNs = 1e-9;
  add("first_token_seconds_total", "counter", "Seconds requests waited for their first token.",
      static_cast<double>(first_token_ns) * kNs);
  add("generation_seconds_total", "counter", "Seconds from the first token to the last.",
      static_cast<double>(generation_ns) * kNs);
  add("generation_requests_running", "gauge", "Requests that generate now.",
      static_cast<double>(running));
  return text;
}

}  // namespace pajamas
