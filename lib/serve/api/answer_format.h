// SPDX-License-Identifier: Apache-2.0
// What the text of an answer must look like, as a grammar that the sampler follows.
#pragma once

#include <memory>

#include "sampling/grammar/grammar.h"
#include "serve/api/request_fields.h"

namespace pajamas {

// Of `response_format` (text, json_object, json_schema), or `grammar`, or `json_schema`; null when
// the answer is free. More than one of them, and what the grammars cannot respect, is a 400.
ApiResult<std::shared_ptr<const Grammar>> read_answer_format(const RequestFields& fields);

// The grammar of a schema that stands at `param` of the request.
ApiResult<std::shared_ptr<const Grammar>> grammar_of_schema(const Json& schema,
                                                            std::string_view param);

}  // namespace pajamas
