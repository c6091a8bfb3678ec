// SPDX-License-Identifier: Apache-2.0
// A JSON schema as a grammar: every text that the grammar accepts is JSON that the schema
// validates. docs/grammars.md lists the keywords.
//
// The converse does not hold: properties come in the order in which the schema names them, and
// what a schema leaves open is narrowed (no further properties, bounded numbers and white space).
// A keyword that the grammar would not respect is an error that names it and its place. Schemas
// are hostile input: nesting, references, merges and the size of the result have limits.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

// GBNF text with the rule `root`.
Result<std::string> json_schema_to_gbnf(const Json& schema);

// Any JSON object, as the response format "json_object" asks for.
std::string json_object_gbnf();

}  // namespace pajamas
