// SPDX-License-Identifier: Apache-2.0
// Helpers on JSON schemas as documents: references, annotations, and one schema that means two.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

// A keyword that says nothing about which values are valid.
bool is_annotation(std::string_view keyword);

// The part of `root` that a reference like "#/$defs/name" names.
Result<const Json*> resolve_reference(const Json& root, std::string_view reference);

// The schema whose values satisfy both. An error where the two use keywords that cannot be told in
// one schema. Annotations are dropped.
Result<Json> merge_schemas(const Json& left, const Json& right);

}  // namespace pajamas
