// SPDX-License-Identifier: Apache-2.0
// What a model is, for people and scripts: the facts that `info` prints.
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "models/opened_model.h"

namespace pajamas {

// Name, format, architecture, sizes, tokenizer, tensor types; "warnings" last.
Json describe_opened_model(const OpenedModel& model);

}  // namespace pajamas
