// SPDX-License-Identifier: Apache-2.0
// Finding a family: by the class in config.json, by GGUF architecture, and what comes near a name
// that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "archs/arch_spec.h"
#include "base/error.h"
#include "base/json.h"

namespace pajamas {

// Every family, in the order of families/families.h.
std::span<const ArchSpec* const> all_archs();

// nullptr when no family has this class, name or GGUF architecture. Several families can share a
// GGUF architecture; the first of them is given.
const ArchSpec* find_arch_by_class(std::string_view hf_class_name);
const ArchSpec* find_arch_by_name(std::string_view name);
const ArchSpec* find_arch_by_gguf_name(std::string_view gguf_name);

// The supported class names nearest to `name` (fewest single-character edits), nearest first.
std::vector<std::string> nearest_class_names(std::string_view name, std::size_t count);

// The family of a config.json: by the first of "architectures", or by "model_type" when there are
// none. Unknown: kUnsupported with the nearest supported classes.
Result<const ArchSpec*> find_arch_of_config(const Json& config);

}  // namespace pajamas
