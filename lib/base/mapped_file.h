// SPDX-License-Identifier: Apache-2.0
// A read-only memory map of a regular file that survives the file shrinking under it.
//
// Touching a page past the new end of a mapped file normally kills the process with SIGBUS. Here a
// handler puts zero pages under the map instead and marks the map as torn; whoever read from it
// asks check_intact() before trusting what was read. Owns the map. bytes() may be read from many
// threads; the handler is installed once per process, on the first map.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "base/error.h"

namespace pajamas {

class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  // An error once any read has hit a part of the file that is gone.
  [[nodiscard]] Status check_intact() const;

 private:
  MappedFile() = default;

  std::span<const std::byte> bytes_;
  std::filesystem::path path_;
  int slot_ = -1;  // place in the table the signal handler looks through
};

}  // namespace pajamas
