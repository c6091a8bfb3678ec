// SPDX-License-Identifier: Apache-2.0
// The files of the chat page, embedded by the build.
#pragma once

#include <string_view>

namespace pajamas::page {

extern const std::string_view kIndexHtml;
extern const std::string_view kChatCss;
extern const std::string_view kChatJs;

}  // namespace pajamas::page
