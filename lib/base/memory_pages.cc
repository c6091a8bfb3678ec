// SPDX-License-Identifier: Apache-2.0
#include "base/memory_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/human_units.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kHugePageBytes = std::uint64_t{2} << 20;

std::optional<std::uint64_t> number_in(const char* path, std::string_view after) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(after)) continue;
    const std::size_t digits = line.find_first_of("0123456789", after.size());
    std::uint64_t value = 0;
    if (digits == std::string::npos) return std::nullopt;  // "max": no limit
    std::from_chars(line.data() + digits, line.data() + line.size(), value);
    return value;
  }
  return std::nullopt;
}

}  // namespace

Result<MemoryPages> MemoryPages::allocate(std::uint64_t bytes) {
  MemoryPages pages;
  if (bytes == 0) return pages;
  const bool is_large = bytes >= kHugePageBytes;
  const std::uint64_t unit = is_large ? kHugePageBytes : 4096;
  const auto refuse = [&] {
    return make_error(ErrorCode::kNoSpace, "the system does not give {} of memory",
                      format_bytes(bytes));
  };
  if (bytes > std::numeric_limits<std::uint64_t>::max() / 4) return refuse();
  const std::size_t mapped = (bytes + unit - 1) / unit * unit;
  void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return refuse();
  if (is_large) static_cast<void>(::madvise(memory, mapped, MADV_HUGEPAGE));  // only a wish
  pages.bytes_ = {static_cast<std::byte*>(memory), static_cast<std::size_t>(bytes)};
  pages.mapped_bytes_ = mapped;
  return pages;
}

MemoryPages::MemoryPages(MemoryPages&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

MemoryPages& MemoryPages::operator=(MemoryPages&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  return *this;
}

MemoryPages::~MemoryPages() {
  if (mapped_bytes_ > 0) ::munmap(bytes_.data(), mapped_bytes_);
}

std::uint64_t available_memory_bytes() {
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
  if (const auto kib = number_in("/proc/meminfo", "MemAvailable:")) available = *kib * 1024;
  const auto limit = number_in("/sys/fs/cgroup/memory.max", "");
  const auto used = number_in("/sys/fs/cgroup/memory.current", "");
  // Cache of files counts as used but is given up when memory is short.
  const std::uint64_t cache = number_in("/sys/fs/cgroup/memory.stat", "inactive_file ").value_or(0);
  if (limit && used) {
    const std::uint64_t firm = *used - std::min(*used, cache);
    available = std::min(available, *limit - std::min(*limit, firm));
  }
  return available;
}

}  // namespace pajamas
