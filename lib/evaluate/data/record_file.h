// SPDX-License-Identifier: Apache-2.0
// Data sets as rows, from every text format they come in.
//
//   JSON lines  one object a line
//   JSON rows   {"rows": [{"row_idx": 0, "row": {...}}, ...]}, as the hub's data server answers,
//               or an array of objects
//   CSV         the first row names the fields; all values are strings
//   text        no rows; only a corpus (corpus.h) takes it
//
// The format is told by the content where that is plain, by the file's name where it is not. Any
// disagreement with the format is an error with file and line (line 1 of a document in one piece);
// nothing is skipped but blank lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "evaluate/data/record.h"

namespace pajamas {

enum class DataFormat : std::uint8_t { kText, kJsonLines, kJsonRows, kCsv };
std::string_view data_format_name(DataFormat format);

// By name (.csv, .jsonl, .ndjson, .json, .txt); else by content.
DataFormat detect_data_format(const std::filesystem::path& path, std::string_view text);

struct RecordFile {
  DataFormat format = DataFormat::kJsonLines;
  std::vector<Record> records;  // at least one
};

Result<RecordFile> read_records(const std::filesystem::path& path);
// The same for text that check_data_text() passed; kText is an error.
Result<RecordFile> parse_records(const std::filesystem::path& path, std::string_view text,
                                 DataFormat format);

}  // namespace pajamas
