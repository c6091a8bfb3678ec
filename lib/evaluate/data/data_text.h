// SPDX-License-Identifier: Apache-2.0
// The text of a data file, checked before anyone reads it: a regular file, not empty, UTF-8, no
// zero bytes. What is no such text is an error with the line, and says what the file is instead
// where its first bytes show it. A byte order mark is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

inline constexpr std::uint64_t kMaxCorpusBytes = std::uint64_t{1} << 30;  // what a tokenizer takes
// Parsed rows take many times the bytes of their text: up to twenty when they are made for it.
inline constexpr std::uint64_t kMaxRecordFileBytes = std::uint64_t{128} << 20;

Result<std::string> read_data_text(const std::filesystem::path& path, std::uint64_t max_bytes);

// The same for bytes in memory; `where` names them in messages.
Result<std::string> check_data_text(std::string bytes, std::string_view where);

// Of a place in a text, from 1.
std::int64_t line_number(std::string_view text, std::size_t offset);

}  // namespace pajamas
