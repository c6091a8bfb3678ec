// SPDX-License-Identifier: Apache-2.0
// Sizes and times as people read and write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

std::string format_bytes(std::uint64_t bytes);  // "1.23 GB" (decimal, as file managers do)
std::string format_duration(double seconds);    // "4.2 s", "3 min 10 s"
std::string format_count(std::uint64_t count);  // "1.24 B", "656 K" parameters

// "512M", "1.5G", "2GiB", "1048576": decimal units unless written KiB, MiB, GiB.
Result<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace pajamas
