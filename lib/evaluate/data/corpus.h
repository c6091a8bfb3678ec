// SPDX-License-Identifier: Apache-2.0
// The text that a perplexity is measured on, from a text file or from a field of rows.
//
// A text file is its content, byte by byte. Rows (record_file.h) give one field each, joined as the
// usual recipe joins the lines of WikiText: with an empty line between.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "evaluate/data/record_file.h"

namespace pajamas {

struct CorpusOptions {
  std::string field = "text";
  std::string separator = "\n\n";
};

struct Corpus {
  DataFormat format = DataFormat::kText;
  std::string text;       // UTF-8, not empty
  std::int64_t rows = 0;  // 0 for a text file
};

Result<Corpus> read_corpus(const std::filesystem::path& path, const CorpusOptions& options = {});

}  // namespace pajamas
