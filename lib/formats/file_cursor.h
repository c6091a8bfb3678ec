// SPDX-License-Identifier: Apache-2.0
// A bounds-checked cursor over an open file, little endian.
//
// It reads ahead through one small buffer with positioned reads, so a file that shrinks meanwhile
// is an error and never a signal. A read that would pass the end of the file (its length when the
// cursor was made) is an error that names the offset, and happens before anything is allocated.
// Borrows the File, which must outlive it. Not for use from several threads at once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace pajamas {

class FileCursor {
 public:
  static Result<FileCursor> at_start(const File& file);

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t remaining() const { return file_bytes_ - offset_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

  template <typename T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  [[nodiscard]] Result<T> read(std::string_view what) {
    static_assert(std::endian::native == std::endian::little);
    T value{};
    PJ_TRY(read_into(std::as_writable_bytes(std::span(&value, 1)), what));
    return value;
  }

  [[nodiscard]] Status read_into(std::span<std::byte> out, std::string_view what);
  [[nodiscard]] Result<std::string> read_text(std::uint64_t bytes, std::string_view what);
  // An error unless `bytes` more are in the file.
  [[nodiscard]] Status need(std::uint64_t bytes, std::string_view what) const;

 private:
  FileCursor(const File& file, std::uint64_t file_bytes) : file_(&file), file_bytes_(file_bytes) {}

  const File* file_;
  std::uint64_t file_bytes_;
  std::uint64_t offset_ = 0;
  std::uint64_t buffer_offset_ = 0;  // of buffer_[0] in the file
  std::vector<std::byte> buffer_;
};

}  // namespace pajamas
