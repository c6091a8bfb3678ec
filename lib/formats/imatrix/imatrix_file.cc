// SPDX-License-Identifier: Apache-2.0
#include "formats/imatrix/imatrix_file.h"

#include <cmath>
#include <limits>
#include <span>

#include "formats/file_cursor.h"
#include "formats/gguf/gguf_header.h"
#include "formats/gguf/gguf_source.h"
#include "formats/gguf/gguf_types.h"
#include "formats/printable.h"

namespace pajamas {
namespace {

constexpr std::string_view kSumsEnding = ".in_sum2";
constexpr std::string_view kCountsEnding = ".counts";
constexpr std::uint64_t kMaxDatasetBytes = 65536;

Status check_values(std::span<const float> values, std::string_view what) {
  for (std::size_t place = 0; place < values.size(); ++place) {
    // Also false for NaN.
    if (values[place] >= 0.0F && values[place] <= std::numeric_limits<float>::max()) continue;
    return make_error(ErrorCode::kInvalidData,
                      "{} is {} at index {}, expected finite numbers from 0 on", what,
                      values[place], place);
  }
  return {};
}

Result<std::vector<float>> read_floats(const GgufSource& source, const TensorInfo& tensor) {
  const std::string what = fmt::format("tensor '{}'", printable(tensor.name));
  if (tensor.dtype != DType::kF32) {
    return make_error(ErrorCode::kInvalidData, "{} is {}, expected f32", what,
                      dtype_name(tensor.dtype));
  }
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elems()));
  PJ_TRY(source.read(tensor, 0, std::as_writable_bytes(std::span(values))));
  PJ_TRY(check_values(values, what));
  return values;
}

// `sums` are (matrices, columns) sums of squares, `counts` how many rows went into each matrix.
Result<ImatrixEntry> read_gguf_entry(const GgufSource& source, std::string_view name,
                                     const TensorInfo& sums) {
  const TensorInfo* counts = source.find(fmt::format("{}{}", name, kCountsEnding));
  if (counts == nullptr) {
    return make_error(ErrorCode::kInvalidData, "tensor '{}' has no partner '{}{}'",
                      printable(sums.name), printable(name), kCountsEnding);
  }
  ImatrixEntry entry;
  entry.values = PJ_TRY(read_floats(source, sums));
  const std::vector<float> rows = PJ_TRY(read_floats(source, *counts));
  entry.matrices = sums.shape.rows();
  if (std::cmp_not_equal(rows.size(), entry.matrices)) {
    return make_error(ErrorCode::kInvalidData,
                      "tensor '{}' has {} counts, expected one for each of {} matrices",
                      printable(counts->name), rows.size(), entry.matrices);
  }
  const auto columns = static_cast<std::size_t>(sums.shape.cols());
  for (std::size_t matrix = 0; matrix < rows.size(); ++matrix) {
    for (float& value : std::span(entry.values).subspan(matrix * columns, columns)) {
      value = rows[matrix] > 0.0F ? value / rows[matrix] : 1.0F;
    }
  }
  PJ_TRY(check_values(entry.values, fmt::format("'{}': sum over count", printable(name))));
  return entry;
}

Result<Imatrix> read_gguf_imatrix(const std::filesystem::path& path) {
  const auto source = PJ_TRY(open_gguf(path));
  const auto* type = source->metadata().find_as<std::string>("general.type");
  if (type != nullptr && *type != "imatrix") {
    return make_error(ErrorCode::kInvalidData,
                      "general.type is '{}', expected 'imatrix': this is another kind of GGUF file",
                      printable(*type));
  }
  Imatrix imatrix;
  const auto* datasets = source->metadata().find_as<std::vector<std::string>>("imatrix.datasets");
  if (datasets != nullptr) imatrix.datasets = *datasets;
  const auto chunks = PJ_TRY(get_unsigned(source->metadata(), "imatrix.chunk_count"));
  if (!std::in_range<std::int64_t>(chunks.value_or(0))) {
    return make_error(ErrorCode::kInvalidData, "imatrix.chunk_count is {}, expected under 2^63",
                      *chunks);
  }
  imatrix.chunk_count = static_cast<std::int64_t>(chunks.value_or(0));
  for (const TensorInfo& tensor : source->tensors()) {
    if (!tensor.name.ends_with(kSumsEnding)) continue;
    std::string name = tensor.name.substr(0, tensor.name.size() - kSumsEnding.size());
    ImatrixEntry entry = PJ_TRY(read_gguf_entry(*source, name, tensor));
    imatrix.entries.emplace(std::move(name), std::move(entry));
  }
  return imatrix;
}

Result<std::uint64_t> read_count(FileCursor& cursor, std::string_view what) {
  const auto count = PJ_TRY(cursor.read<std::int32_t>(what));
  if (count < 0) {
    return make_error(ErrorCode::kInvalidData, "{} is {}, expected 0 or more", what, count);
  }
  return static_cast<std::uint64_t>(count);
}

// i32 name length, name, i32 calls, i32 values, f32 each value times calls.
Status read_legacy_entry(FileCursor& cursor, Imatrix& imatrix) {
  const auto name_bytes = PJ_TRY(read_count(cursor, "the length of a name"));
  if (name_bytes == 0 || name_bytes > kGgufMaxNameBytes) {
    return make_error(ErrorCode::kInvalidData, "a name of {} bytes, expected 1 to {}", name_bytes,
                      kGgufMaxNameBytes);
  }
  std::string name = PJ_TRY(cursor.read_text(name_bytes, "a name"));
  const std::string what = fmt::format("'{}'", printable(name));
  const auto calls = PJ_TRY(read_count(cursor, what + ": the number of calls"));
  const auto count = PJ_TRY(read_count(cursor, what + ": the number of values"));
  if (count == 0) {
    return make_error(ErrorCode::kInvalidData, "{} has no values, expected one for each column",
                      what);
  }
  PJ_TRY(cursor.need(count * sizeof(float), fmt::format("{}: {} values", what, count)));
  ImatrixEntry entry;
  entry.values.resize(static_cast<std::size_t>(count));
  PJ_TRY(cursor.read_into(std::as_writable_bytes(std::span(entry.values)), what));
  PJ_TRY(check_values(entry.values, what));
  if (calls > 0) {
    for (float& value : entry.values) value /= static_cast<float>(calls);
  }
  if (!imatrix.entries.emplace(std::move(name), std::move(entry)).second) {
    return make_error(ErrorCode::kInvalidData, "{} stands twice, expected every name once", what);
  }
  return {};
}

Result<Imatrix> read_legacy_imatrix(const File& file) {
  constexpr std::uint64_t kMinEntryBytes = 4 + 1 + 4 + 4 + 4;
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  const auto n_entries = PJ_TRY(read_count(cursor, "the number of entries"));
  if (n_entries == 0 || n_entries > cursor.remaining() / kMinEntryBytes) {
    return make_error(ErrorCode::kInvalidData,
                      "it declares {} entries, expected 1 to {} in a file of {} bytes (neither "
                      "form of importance matrix begins like this)",
                      n_entries, cursor.remaining() / kMinEntryBytes, cursor.file_bytes());
  }
  Imatrix imatrix;
  for (std::uint64_t place = 0; place < n_entries; ++place) {
    const Status entry = read_legacy_entry(cursor, imatrix);
    if (!entry) {
      return std::unexpected(
          entry.error().with_context(fmt::format("entry {} of {}", place + 1, n_entries)));
    }
  }
  // The oldest files end here.
  if (cursor.remaining() == 0) return imatrix;
  imatrix.chunk_count =
      static_cast<std::int64_t>(PJ_TRY(read_count(cursor, "the number of chunks")));
  const auto dataset_bytes = PJ_TRY(read_count(cursor, "the length of the dataset's name"));
  if (dataset_bytes > kMaxDatasetBytes) {
    return make_error(ErrorCode::kInvalidData, "a dataset name of {} bytes, expected at most {}",
                      dataset_bytes, kMaxDatasetBytes);
  }
  if (dataset_bytes > 0) {
    imatrix.datasets.push_back(PJ_TRY(cursor.read_text(dataset_bytes, "the dataset's name")));
  }
  return imatrix;
}

Result<Imatrix> read_by_content(const std::filesystem::path& path) {
  const File file = PJ_TRY(File::open_read(path));
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  const std::string start = PJ_TRY(cursor.read_text(4, "the start of an importance matrix"));
  return start == kGgufMagic ? read_gguf_imatrix(path) : read_legacy_imatrix(file);
}

}  // namespace

Result<Imatrix> read_imatrix(const std::filesystem::path& path) {
  Result<Imatrix> imatrix = read_by_content(path);
  if (imatrix && imatrix->entries.empty()) {
    imatrix = make_error(ErrorCode::kInvalidData,
                         "no entries, expected tensors whose names end with '{}'", kSumsEnding);
  }
  if (!imatrix && imatrix.error().message.find(path.string()) == std::string::npos) {
    return std::unexpected(imatrix.error().with_context(fmt::format("'{}'", path.string())));
  }
  return imatrix;
}

}  // namespace pajamas
