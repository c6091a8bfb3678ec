// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/record_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "evaluate/data/csv_rows.h"
#include "evaluate/data/data_text.h"

namespace pajamas {
namespace {

using FileName = std::shared_ptr<const std::string>;

constexpr JsonLimits kRecordLimits{.max_bytes = std::uint64_t{16} << 20, .max_depth = 32};
constexpr JsonLimits kDocumentLimits{.max_bytes = std::uint64_t{64} << 20, .max_depth = 40};
// A row takes a hundred bytes however short it is.
constexpr std::size_t kMaxRows = std::size_t{1} << 21;

struct NamedFormat {
  std::string_view extension;
  DataFormat format;
};
constexpr auto kFormatExtensions = std::to_array<NamedFormat>({
    {".csv", DataFormat::kCsv},
    {".jsonl", DataFormat::kJsonLines},
    {".ndjson", DataFormat::kJsonLines},
    {".txt", DataFormat::kText},
});

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return extension;
}

// The text without white space before it.
std::string_view from_first_letter(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min(text.find('\n'), text.size()));
}

// One object on the first line. A document of rows in one line is one too, but it has "rows".
bool starts_with_json_line(std::string_view text) {
  const auto line = parse_json(first_line(text), "", kRecordLimits);
  return line && line->is_object() && find_member(*line, "rows") == nullptr;
}

Status check_row_count(const FileName& file, std::size_t rows) {
  if (rows <= kMaxRows) return {};
  return make_error(ErrorCode::kInvalidData, "'{}' has more than {} rows, expected at most as many",
                    *file, kMaxRows);
}

Record make_record(Json fields, const FileName& file, std::string_view unit, std::size_t number) {
  return {std::move(fields), file, unit, static_cast<std::int64_t>(number)};
}

std::unexpected<Error> not_an_object(std::string_view where, const Json& found) {
  return make_error(ErrorCode::kInvalidData,
                    "{}: the row is {}, expected an object of named fields", where,
                    found.type_name());
}

Result<std::vector<Record>> parse_json_lines(const FileName& file, std::string_view text) {
  std::vector<Record> records;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::string_view line = first_line(text);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (from_first_letter(line).empty()) continue;
    const std::string where = fmt::format("'{}', line {}", *file, number);
    Json fields = PJ_TRY(parse_json(line, where, kRecordLimits));
    if (!fields.is_object()) return not_an_object(where, fields);
    records.push_back(make_record(std::move(fields), file, "line", number));
    PJ_TRY(check_row_count(file, records.size()));
  }
  return records;
}

// A row as the data server wraps it. Cells it has cut short are not the data.
Result<Json> unwrap_row(Json& wrapped, std::string_view where) {
  const Json* cut = find_member(wrapped, "truncated_cells");
  if (cut != nullptr && cut->is_array() && !cut->empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "{}: the server has cut cells of this row short (truncated_cells), so its "
                      "text is not complete; fetch fewer rows at a time",
                      where);
  }
  return std::move(wrapped["row"]);
}

Result<std::vector<Record>> parse_json_rows(const FileName& file, std::string_view text) {
  Json document = PJ_TRY(parse_json(text, fmt::format("'{}'", *file), kDocumentLimits));
  Json* rows = &document;
  if (document.is_object()) {
    const auto found = document.find("rows");
    if (found == document.end() || !found->is_array()) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}': an object without a list 'rows', expected the rows of the hub's "
                        "data server, an array of objects, or one object a line",
                        *file);
    }
    rows = &*found;
  }
  if (!rows->is_array()) {
    return make_error(ErrorCode::kInvalidData, "'{}': the document is {}, expected rows", *file,
                      rows->type_name());
  }
  std::vector<Record> records;
  for (Json& row : *rows) {
    const std::size_t number = records.size() + 1;
    const std::string where = fmt::format("'{}', row {}", *file, number);
    if (row.is_object() && row.contains("row") && row.contains("row_idx")) {
      row = PJ_TRY(unwrap_row(row, where));
    }
    if (!row.is_object()) return not_an_object(where, row);
    records.push_back(make_record(std::move(row), file, "row", number));
  }
  return records;
}

Result<std::vector<Record>> parse_csv_records(const FileName& file, std::string_view text) {
  const std::string where = fmt::format("'{}'", *file);
  std::vector<CsvRow> rows = PJ_TRY(parse_csv(text, where));
  PJ_TRY(check_row_count(file, rows.size()));
  std::vector<Record> records;
  if (rows.empty()) return records;
  const std::vector<std::string> names = std::move(rows.front().cells);
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) == name) continue;
    return make_error(ErrorCode::kInvalidData,
                      "{}, line 1: two fields are called '{}', expected a header that names each "
                      "field once",
                      where, *name);
  }
  for (std::size_t index = 1; index < rows.size(); ++index) {
    CsvRow& row = rows[index];
    if (row.cells.size() != names.size()) {
      return make_error(ErrorCode::kInvalidData,
                        "{}, line {}: {} cells, expected the {} that the first line names", where,
                        row.line, row.cells.size(), names.size());
    }
    Json fields = Json::object();
    for (std::size_t column = 0; column < names.size(); ++column) {
      fields.get_ref<Json::object_t&>().emplace_back(names[column], std::move(row.cells[column]));
    }
    records.push_back(
        make_record(std::move(fields), file, "line", static_cast<std::size_t>(row.line)));
  }
  return records;
}

}  // namespace

std::string_view data_format_name(DataFormat format) {
  constexpr std::array<std::string_view, 4> kNames = {"text", "JSON lines", "JSON rows", "CSV"};
  return kNames[static_cast<std::size_t>(format)];
}

DataFormat detect_data_format(const std::filesystem::path& path, std::string_view text) {
  const std::string extension = lower_extension(path);
  const auto named = std::ranges::find(kFormatExtensions, extension, &NamedFormat::extension);
  if (named != kFormatExtensions.end()) return named->format;
  const std::string_view start = from_first_letter(text);
  const bool is_named_json = extension == ".json";
  if (start.starts_with('{') && starts_with_json_line(start)) return DataFormat::kJsonLines;
  if (is_named_json) return DataFormat::kJsonRows;
  // A text may begin with a bracket; rows are JSON to their end.
  const bool may_be_rows = start.starts_with('[') || start.starts_with('{');
  if (may_be_rows && parse_json(start, "", kDocumentLimits)) return DataFormat::kJsonRows;
  return DataFormat::kText;
}

Result<RecordFile> parse_records(const std::filesystem::path& path, std::string_view text,
                                 DataFormat format) {
  const auto file = std::make_shared<const std::string>(path.string());
  RecordFile result{.format = format, .records = {}};
  switch (format) {
    case DataFormat::kJsonLines:
      result.records = PJ_TRY(parse_json_lines(file, text));
      break;
    case DataFormat::kJsonRows:
      result.records = PJ_TRY(parse_json_rows(file, text));
      break;
    case DataFormat::kCsv:
      result.records = PJ_TRY(parse_csv_records(file, text));
      break;
    case DataFormat::kText:
      return make_error(ErrorCode::kInvalidData,
                        "'{}' is plain text, expected rows: JSON lines (.jsonl), JSON rows (.json) "
                        "or CSV (.csv)",
                        path.string());
  }
  if (result.records.empty()) {
    return make_error(ErrorCode::kInvalidData, "'{}' has no rows, expected at least one",
                      path.string());
  }
  return result;
}

Result<RecordFile> read_records(const std::filesystem::path& path) {
  const std::string text = PJ_TRY(read_data_text(path, kMaxRecordFileBytes));
  return parse_records(path, text, detect_data_format(path, text));
}

}  // namespace pajamas
