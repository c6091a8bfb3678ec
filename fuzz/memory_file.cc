// SPDX-License-Identifier: Apache-2.0
#include "memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/check.h"

namespace pajamas {

namespace fs = std::filesystem;

MemoryFile::MemoryFile()
    : fd_(::memfd_create("fuzz", MFD_CLOEXEC)), path_(fmt::format("/proc/self/fd/{}", fd_)) {
  PJ_CHECK(fd_ >= 0);
}

MemoryFile::~MemoryFile() { ::close(fd_); }

void MemoryFile::set_content(std::span<const std::uint8_t> content) const {
  PJ_CHECK(::ftruncate(fd_, 0) == 0);
  const ssize_t written = ::pwrite(fd_, content.data(), content.size(), 0);
  PJ_CHECK(written >= 0 && static_cast<std::size_t>(written) == content.size());
}

LinkFolder::LinkFolder(const char* link_name, const fs::path& target) {
  std::string pattern = (fs::temp_directory_path() / "fuzz-XXXXXX").string();
  PJ_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
  fs::create_symlink(target, path_ / link_name);
}

LinkFolder::~LinkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace pajamas
