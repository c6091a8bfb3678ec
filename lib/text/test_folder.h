// SPDX-License-Identifier: Apache-2.0
// A folder of small tokenizer files for one test, removed at its end. For tests only.
#pragma once

#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "text/byte_level.h"
#include "text/sentencepiece_model.h"
#include "text/utf8.h"

namespace pajamas::testing {

class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

namespace detail {

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

inline std::string varint_field(std::uint64_t number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}

inline std::string bytes_field(std::uint64_t number, std::string_view bytes) {
  return varint((number << 3) | 2) + varint(bytes.size()) + std::string(bytes);
}

inline std::string float_field(std::uint64_t number, float value) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &value, 4);
  return varint((number << 3) | 5) + bytes;
}

}  // namespace detail

inline TestFolder::TestFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "pj_text_XXXXXX").string();
  PJ_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

inline TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

inline void TestFolder::write(std::string_view name, std::string_view content) const {
  const std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  PJ_CHECK(std::filesystem::file_size(file) == content.size());
}

// The bytes of a SentencePiece model file.
inline std::string sentencepiece_bytes(const SentencePieceModel& model) {
  std::string bytes;
  for (const SentencePiece& piece : model.pieces) {
    bytes += detail::bytes_field(
        1, detail::bytes_field(1, piece.text) + detail::float_field(2, piece.score) +
               detail::varint_field(3, static_cast<std::uint64_t>(piece.type)));
  }
  bytes += detail::bytes_field(2, detail::varint_field(3, static_cast<std::uint64_t>(model.kind)));
  const std::string map(model.precompiled_charsmap.begin(), model.precompiled_charsmap.end());
  bytes += detail::bytes_field(
      3, detail::bytes_field(2, map) + detail::varint_field(3, model.add_dummy_prefix ? 1 : 0) +
             detail::varint_field(4, model.remove_extra_whitespaces ? 1 : 0));
  return bytes;
}

// The "model" of a byte-level tokenizer.json: the 256 bytes, then one token per merge.
inline Json byte_level_model(const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocabulary = Json::object();
  int next = 0;
  for (int byte = 0; byte < 256; ++byte) {
    std::string token;
    append_utf8(token, byte_level_char(static_cast<std::uint8_t>(byte)));
    vocabulary[token] = next++;
  }
  Json list = Json::array();
  for (const auto& [left, right] : merges) {
    vocabulary[left + right] = next++;
    list.push_back(left + " " + right);
  }
  return {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", list}};
}

}  // namespace pajamas::testing
