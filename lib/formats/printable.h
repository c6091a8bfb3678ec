// SPDX-License-Identifier: Apache-2.0
// Text from a file as it may stand in a message: short, and without bytes that a terminal or a log
// would act on.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pajamas {

// At most 80 characters of it; bytes other than printable ASCII become \xNN.
std::string printable(std::string_view text);

// The path in the quotes that messages put around one.
std::string quoted(const std::filesystem::path& path);

// "" or what the first bytes of a file say it is instead, as an end of a message: a Git LFS
// pointer, a web page, a pickle, nothing but zeros.
std::string_view describe_foreign_start(std::string_view first_bytes);

}  // namespace pajamas
