// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/corpus.h"

#include <utility>

#include "evaluate/data/data_text.h"

namespace pajamas {

Result<Corpus> read_corpus(const std::filesystem::path& path, const CorpusOptions& options) {
  std::string text = PJ_TRY(read_data_text(path, kMaxCorpusBytes));
  Corpus corpus{.format = detect_data_format(path, text), .text = {}};
  if (corpus.format == DataFormat::kText) {
    corpus.text = std::move(text);
    return corpus;
  }
  if (text.size() > kMaxRecordFileBytes) {
    return make_error(ErrorCode::kInvalidData, "'{}' has {} bytes of {}, expected at most {}",
                      path.string(), text.size(), data_format_name(corpus.format),
                      kMaxRecordFileBytes);
  }
  const RecordFile file = PJ_TRY(parse_records(path, text, corpus.format));
  for (const Record& record : file.records) {
    if (corpus.rows > 0) corpus.text += options.separator;
    corpus.text += PJ_TRY(record.text(options.field));
    ++corpus.rows;
  }
  if (corpus.text.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "'{}': the field '{}' is empty in all {} rows, expected text", path.string(),
                      options.field, corpus.rows);
  }
  return corpus;
}

}  // namespace pajamas
