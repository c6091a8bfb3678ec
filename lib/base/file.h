// SPDX-License-Identifier: Apache-2.0
// Regular files by descriptor: positioned reads and writes that are complete or an error, and
// publication under a final name that survives a crash.
//
// File owns its descriptor and is movable. Positioned reads and writes are safe from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pajamas {

class File {
 public:
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  // Opens for reading. Anything but a regular file (a FIFO, a device, a folder) is an error, and
  // opening never blocks.
  static Result<File> open_read(const std::filesystem::path& path);
  // Opens for reading and writing; creates the file empty when it is not there.
  static Result<File> open_write(const std::filesystem::path& path);

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Bytes the file has now.
  [[nodiscard]] Result<std::uint64_t> size_bytes() const;
  // Fills `out` from `offset`; a file that ends before that is an error.
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] Status write_at(std::uint64_t offset, std::span<const std::byte> data) const;
  // Makes the file exactly this long (new bytes read as zero).
  [[nodiscard]] Status resize(std::uint64_t bytes) const;
  // Reserves disk blocks for the whole length, so that a later write cannot run out of space.
  // File systems without that call are left as they are.
  [[nodiscard]] Status reserve(std::uint64_t bytes) const;
  // Asks the system to start writing dirty pages back, without waiting.
  void start_writeback(std::uint64_t offset, std::uint64_t bytes) const;
  // Asks the system to read this range ahead of use, without waiting.
  void prefetch(std::uint64_t offset, std::uint64_t bytes) const;
  [[nodiscard]] Status sync() const;
  Status close();

 private:
  File(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::filesystem::path path_;
};

// Whole content; larger than max_bytes is an error before anything is read.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

// Writes beside `path`, syncs, and renames over it: a reader sees the old content or the new.
Status write_file_atomic(const std::filesystem::path& path, std::string_view content);

// rename() made durable: syncs the folder of the new name too.
Status rename_durable(const std::filesystem::path& from, const std::filesystem::path& to);

// Makes the entries of a folder durable.
Status sync_directory(const std::filesystem::path& directory);

Status make_directories(const std::filesystem::path& directory);
Status remove_file_if_present(const std::filesystem::path& path);

// Bytes an unprivileged process may still write below `directory` (which must exist).
Result<std::uint64_t> free_disk_bytes(const std::filesystem::path& directory);

}  // namespace pajamas
