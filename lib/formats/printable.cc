// SPDX-License-Identifier: Apache-2.0
#include "formats/printable.h"

#include <algorithm>

#include <fmt/format.h>

namespace pajamas {

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxChars = 80;
  std::string result;
  for (const char c : text) {
    if (result.size() >= kMaxChars) return result + "...";
    if (c >= ' ' && c <= '~' && c != '\\') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string quoted(const std::filesystem::path& path) { return fmt::format("'{}'", path.string()); }

std::string_view describe_foreign_start(std::string_view first_bytes) {
  constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/";
  if (first_bytes.size() >= 4 &&
      kLfsPointer.starts_with(first_bytes.substr(0, kLfsPointer.size()))) {
    return "; it is a Git LFS pointer, not the file itself: fetch it with 'git lfs pull'";
  }
  if (first_bytes.starts_with("GGUF")) return "; it is a GGUF file";
  if (first_bytes.starts_with("lmgg") || first_bytes.starts_with("tjgg") ||
      first_bytes.starts_with("fmgg")) {
    return "; it is in a ggml format older than GGUF: convert the original model again";
  }
  if (first_bytes.starts_with("<!") || first_bytes.starts_with("<html")) {
    return "; it is a web page, not a model: download it again";
  }
  if (first_bytes.starts_with("PK\x03\x04")) {
    return "; it is a zip archive (PyTorch pickles are stored so), which is not read";
  }
  if (!first_bytes.empty() && std::ranges::all_of(first_bytes, [](char c) { return c == '\0'; })) {
    return "; it starts with zeros, as a file does whose writer was interrupted";
  }
  return "";
}

}  // namespace pajamas
