// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/data_text.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "formats/printable.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

struct ForeignStart {
  std::string_view bytes;
  std::string_view meaning;
};

// What people have at hand when a data set is not in a format that is read here.
constexpr auto kForeignStarts = std::to_array<ForeignStart>({
    {"PAR1", "; it is a Parquet file: save its rows as JSON lines"},
    {"\x1f\x8b", "; it is compressed by gzip: unpack it"},
    {"\x28\xb5\x2f\xfd", "; it is compressed by zstd: unpack it"},
    {"\xff\xfe", "; it is UTF-16: save it as UTF-8"},
    {"\xfe\xff", "; it is UTF-16: save it as UTF-8"},
    {"ARROW1", "; it is an Arrow file: save its rows as JSON lines"},
    {"PK\x03\x04", "; it is a zip archive: unpack it"},
});

std::string_view what_it_is(std::string_view bytes) {
  for (const ForeignStart& start : kForeignStarts) {
    if (bytes.starts_with(start.bytes)) return start.meaning;
  }
  return "";
}

}  // namespace

std::int64_t line_number(std::string_view text, std::size_t offset) {
  return 1 + std::ranges::count(text.substr(0, offset), '\n');
}

Result<std::string> check_data_text(std::string bytes, std::string_view where) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (bytes.empty() || bytes == kByteOrderMark) {
    return make_error(ErrorCode::kInvalidData, "{} is empty, expected text or rows", where);
  }
  constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/";
  if (bytes.starts_with(kLfsPointer)) {
    return make_error(ErrorCode::kInvalidData, "{} holds no data{}", where,
                      describe_foreign_start(bytes));
  }
  for (std::size_t offset = 0; offset < bytes.size();) {
    if (bytes[offset] == '\0') {
      return make_error(ErrorCode::kInvalidData, "{}, line {}: a zero byte, expected text{}", where,
                        line_number(bytes, offset), what_it_is(bytes));
    }
    const CodePoint point = code_point_at(bytes, offset);
    if (point.bytes == 0) {
      return make_error(ErrorCode::kInvalidData,
                        "{}, line {}: the byte 0x{:02x} at offset {} is not UTF-8{}", where,
                        line_number(bytes, offset), static_cast<unsigned char>(bytes[offset]),
                        offset, what_it_is(bytes));
    }
    offset += point.bytes;
  }
  if (bytes.starts_with(kByteOrderMark)) bytes.erase(0, kByteOrderMark.size());
  return bytes;
}

Result<std::string> read_data_text(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::string bytes = PJ_TRY(read_text_file(path, max_bytes));
  return check_data_text(std::move(bytes), fmt::format("'{}'", path.string()));
}

}  // namespace pajamas
