// SPDX-License-Identifier: Apache-2.0
// One of several views at a time, chosen by radio buttons: works without scripts and by keyboard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pajamas::report {

struct Tab {
  std::string label;  // not escaped
  std::string html;
};

// `id` is the group's own, in letters. A single view has no buttons.
std::string tabs(std::string_view id, const std::vector<Tab>& views);

}  // namespace pajamas::report
