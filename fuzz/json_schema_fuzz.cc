// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JSON schema. What it becomes must be a grammar that can be read, up to the limits.
#include <cstdint>

#include "base/check.h"
#include "sampling/grammar/grammar.h"
#include "sampling/grammar/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string text(data, data + bytes);
  const auto schema = pajamas::parse_json(text, "schema", {});
  if (!schema) return 0;
  const auto gbnf = pajamas::json_schema_to_gbnf(*schema);
  if (!gbnf) return 0;
  const auto grammar = pajamas::Grammar::parse(*gbnf, {.max_nodes = 50'000});
  if (grammar) return 0;
  // Limits, and a schema that begins with itself; anything else is a grammar that we wrote wrong.
  const std::string& message = grammar.error().message;
  PJ_CHECK(message.find("left recursion") != std::string::npos ||
           message.find("states") != std::string::npos ||
           message.find("repetition") != std::string::npos);
  return 0;
}
