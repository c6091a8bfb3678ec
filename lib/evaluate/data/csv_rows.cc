// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/csv_rows.h"

#include <algorithm>
#include <utility>

#include "formats/printable.h"

namespace pajamas {
namespace {

// A cell takes 32 bytes of its own however short it is; rows of nothing but commas must not take
// all memory.
constexpr std::size_t kMaxRowCells = std::size_t{1} << 16;
constexpr std::size_t kMaxCells = std::size_t{1} << 24;

class CsvParser {
 public:
  CsvParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Result<std::vector<CsvRow>> parse() {
    std::vector<CsvRow> rows;
    while (offset_ < text_.size()) {
      CsvRow row = PJ_TRY(parse_row());
      const bool is_blank = row.cells.size() == 1 && row.cells.front().empty();
      if (is_blank) continue;
      cells_ += row.cells.size();
      if (cells_ > kMaxCells) {
        return make_error(ErrorCode::kInvalidData, "{}, line {}: more than {} cells in all", where_,
                          row.line, kMaxCells);
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Result<CsvRow> parse_row() {
    CsvRow row{.cells = {}, .line = line_};
    while (true) {
      if (row.cells.size() == kMaxRowCells) {
        return make_error(ErrorCode::kInvalidData, "{}, line {}: more than {} cells in a row",
                          where_, row.line, kMaxRowCells);
      }
      const bool is_quoted = peek() == '"';
      row.cells.push_back(is_quoted ? PJ_TRY(parse_quoted()) : parse_plain());
      if (peek() == ',') {
        ++offset_;
        continue;
      }
      skip_line_end();
      return row;
    }
  }

  Result<std::string> parse_quoted() {
    const std::int64_t first_line = line_;
    std::string cell;
    ++offset_;
    while (true) {
      const std::size_t quote = text_.find('"', offset_);
      if (quote == std::string_view::npos) {
        return make_error(ErrorCode::kInvalidData,
                          "{}, line {}: the quote that begins a cell is never closed, expected a "
                          "'\"' before the end of the file",
                          where_, first_line);
      }
      const std::string_view part = text_.substr(offset_, quote - offset_);
      cell.append(part);
      line_ += std::ranges::count(part, '\n');
      offset_ = quote + 1;
      if (peek() != '"') break;
      cell += '"';
      ++offset_;
    }
    if (offset_ < text_.size() && peek() != ',' && peek() != '\n' && peek() != '\r') {
      return make_error(ErrorCode::kInvalidData,
                        "{}, line {}: '{}' behind the closing quote of a cell, expected a comma or "
                        "the end of the line (a quote inside a quoted cell is doubled)",
                        where_, line_, printable(text_.substr(offset_, 10)));
    }
    return cell;
  }

  std::string parse_plain() {
    const std::size_t end = std::min(text_.find_first_of(",\n\r", offset_), text_.size());
    std::string cell(text_.substr(offset_, end - offset_));
    offset_ = end;
    return cell;
  }

  // The end of a line is \n, \r\n or \r.
  void skip_line_end() {
    if (offset_ >= text_.size()) return;
    if (peek() == '\r') ++offset_;
    if (peek() == '\n') ++offset_;
    ++line_;
  }

  [[nodiscard]] char peek() const { return offset_ < text_.size() ? text_[offset_] : '\0'; }

  std::string_view text_;
  std::string_view where_;
  std::size_t offset_ = 0;
  std::int64_t line_ = 1;
  std::size_t cells_ = 0;  // of all rows
};

}  // namespace

Result<std::vector<CsvRow>> parse_csv(std::string_view text, std::string_view where) {
  return CsvParser(text, where).parse();
}

}  // namespace pajamas
