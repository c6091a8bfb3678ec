// SPDX-License-Identifier: Apache-2.0
// A regular file in memory with a path, because the readers open paths. Owns its descriptor; the
// same object takes one input after another. Not for use from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace pajamas {

class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void set_content(std::span<const std::uint8_t> content) const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  int fd_;
  std::filesystem::path path_;
};

// A folder in the system's temporary folder that holds one link, removed at the end.
class LinkFolder {
 public:
  LinkFolder(const char* link_name, const std::filesystem::path& target);
  ~LinkFolder();
  LinkFolder(const LinkFolder&) = delete;
  LinkFolder& operator=(const LinkFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace pajamas
