// SPDX-License-Identifier: Apache-2.0
#include "formats/file_cursor.h"

#include <algorithm>

namespace pajamas {
namespace {

constexpr std::uint64_t kBufferBytes = 64 * 1024;

}  // namespace

Result<FileCursor> FileCursor::at_start(const File& file) {
  return FileCursor(file, PJ_TRY(file.size_bytes()));
}

Status FileCursor::need(std::uint64_t bytes, std::string_view what) const {
  if (bytes > remaining()) {
    return make_error(ErrorCode::kInvalidData,
                      "{} at offset {} needs {} bytes, but only {} are left in the file", what,
                      offset_, bytes, remaining());
  }
  return {};
}

Status FileCursor::read_into(std::span<std::byte> out, std::string_view what) {
  PJ_TRY(need(out.size(), what));
  while (!out.empty()) {
    if (offset_ < buffer_offset_ || offset_ >= buffer_offset_ + buffer_.size()) {
      if (out.size() >= kBufferBytes) {
        PJ_TRY(file_->read_at(offset_, out));
        offset_ += out.size();
        return {};
      }
      buffer_.resize(static_cast<std::size_t>(std::min(kBufferBytes, remaining())));
      buffer_offset_ = offset_;
      const Status filled = file_->read_at(offset_, buffer_);
      if (!filled) buffer_.clear();
      PJ_TRY(filled);
    }
    const auto buffered = std::span(buffer_).subspan(offset_ - buffer_offset_);
    const std::size_t count = std::min(buffered.size(), out.size());
    std::ranges::copy(buffered.first(count), out.begin());
    out = out.subspan(count);
    offset_ += count;
  }
  return {};
}

Result<std::string> FileCursor::read_text(std::uint64_t bytes, std::string_view what) {
  PJ_TRY(need(bytes, what));
  std::string text(static_cast<std::size_t>(bytes), '\0');
  PJ_TRY(read_into(std::as_writable_bytes(std::span(text)), what));
  return text;
}

}  // namespace pajamas
