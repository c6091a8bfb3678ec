// SPDX-License-Identifier: Apache-2.0
// The style sheet of the report.
#pragma once

#include <string_view>

namespace pajamas::report {

std::string_view style_sheet();

}  // namespace pajamas::report
