// SPDX-License-Identifier: Apache-2.0
#include "serve/api/answer_format.h"

#include "sampling/grammar/json_schema.h"

namespace pajamas {
namespace {

using SharedGrammar = std::shared_ptr<const Grammar>;

// Requests bring grammars that their authors wrote; schemas become longer ones of ours.
constexpr std::size_t kMaxGrammarBytes = std::size_t{64} << 10;

ApiResult<SharedGrammar> compile(std::string_view gbnf, std::string_view param) {
  auto grammar = Grammar::parse(gbnf);
  if (!grammar) return bad_request(param, "'{}': {}", param, grammar.error().message);
  return std::move(*grammar);
}

ApiResult<SharedGrammar> read_response_format(const Json& format) {
  constexpr std::string_view kName = "response_format";
  if (!format.is_object()) {
    return bad_request(kName, "'response_format' is a {}, expected an object", format.type_name());
  }
  const RequestFields fields(format, "response_format.");
  const std::string type = PJ_TRY(fields.required_text("type"));
  if (type == "text") return SharedGrammar{};
  const Json* wrapped = fields.find("json_schema");
  const Json* schema = wrapped != nullptr ? find_member(*wrapped, "schema") : fields.find("schema");
  if (type == "json_object" && schema == nullptr) return compile(json_object_gbnf(), kName);
  if (type == "json_object" || type == "json_schema") {
    if (schema == nullptr) {
      return bad_request("response_format.json_schema.schema",
                         "'response_format.json_schema.schema' is missing");
    }
    return grammar_of_schema(*schema, "response_format.json_schema.schema");
  }
  return bad_request("response_format.type",
                     "'response_format.type' is '{}', expected text, json_object or json_schema",
                     type);
}

}  // namespace

ApiResult<SharedGrammar> grammar_of_schema(const Json& schema, std::string_view param) {
  auto gbnf = json_schema_to_gbnf(schema);
  if (!gbnf) return bad_request(param, "'{}': {}", param, gbnf.error().message);
  return compile(*gbnf, param);
}

ApiResult<SharedGrammar> read_answer_format(const RequestFields& fields) {
  const Json* format = fields.find("response_format");
  const Json* schema = fields.find("json_schema");
  const auto grammar = PJ_TRY(fields.text("grammar"));
  SharedGrammar result;
  if (format != nullptr) result = PJ_TRY(read_response_format(*format));
  const int given = (result != nullptr ? 1 : 0) + (schema != nullptr ? 1 : 0) + (grammar ? 1 : 0);
  if (given > 1) {
    return bad_request("response_format",
                       "give only one of 'response_format', 'json_schema' and 'grammar'");
  }
  if (schema != nullptr) return grammar_of_schema(*schema, "json_schema");
  if (grammar) {
    if (grammar->size() > kMaxGrammarBytes) {
      return bad_request("grammar", "'grammar' has {} bytes, at most {} are allowed",
                         grammar->size(), kMaxGrammarBytes);
    }
    return compile(*grammar, "grammar");
  }
  return result;
}

}  // namespace pajamas
