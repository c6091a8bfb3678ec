// SPDX-License-Identifier: Apache-2.0
// A bounds-checked cursor over bytes of a file, little endian.
//
// Every read that would pass the end is an error that names the offset; nothing is read then.
// Does not own the bytes. Not for use from several threads at once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace pajamas {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }

  template <typename T>
    requires std::is_arithmetic_v<T>
  [[nodiscard]] Result<T> read(std::string_view what) {
    static_assert(std::endian::native == std::endian::little);
    const std::span<const std::byte> raw = PJ_TRY(read_bytes(sizeof(T), what));
    T value{};
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  [[nodiscard]] Result<std::span<const std::byte>> read_bytes(std::size_t count,
                                                              std::string_view what) {
    if (count > remaining()) {
      return make_error(ErrorCode::kInvalidData,
                        "{} at offset {} needs {} bytes, but only {} are left", what, offset_,
                        count, remaining());
    }
    const auto result = bytes_.subspan(offset_, count);
    offset_ += count;
    return result;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace pajamas
