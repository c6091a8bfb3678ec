// SPDX-License-Identifier: Apache-2.0
// The 57 subjects of MMLU and the four categories that lm-evaluation-harness averages them in.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pajamas {

struct MmluSubject {
  std::string_view name;      // "college_physics"
  std::string_view category;  // "stem", "humanities", "social_sciences" or "other"
};

std::span<const MmluSubject> mmlu_subjects();
const MmluSubject* find_mmlu_subject(std::string_view name);

// What stands before the questions of a subject.
std::string mmlu_description(std::string_view subject);

}  // namespace pajamas
