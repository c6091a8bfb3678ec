// SPDX-License-Identifier: Apache-2.0
#include "text/byte_level.h"

#include <array>

#include "text/utf8.h"

namespace pajamas {
namespace {

// Bytes that print as themselves in Latin-1 keep their code point.
constexpr bool prints_as_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

constexpr std::array<char32_t, 256> make_spelling() {
  std::array<char32_t, 256> spelling{};
  char32_t next = 256;  // the others take the code points from here on, in order
  for (unsigned byte = 0; byte < 256; ++byte) {
    spelling[byte] = prints_as_itself(byte) ? byte : next++;
  }
  return spelling;
}

constexpr std::array<char32_t, 256> kSpelling = make_spelling();
constexpr char32_t kLastSpelling = 323;
constexpr std::int16_t kNoByte = -1;

constexpr std::array<std::int16_t, kLastSpelling + 1> make_bytes() {
  std::array<std::int16_t, kLastSpelling + 1> bytes{};
  bytes.fill(kNoByte);
  for (unsigned byte = 0; byte < 256; ++byte) {
    bytes[kSpelling[byte]] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr auto kBytes = make_bytes();

}  // namespace

char32_t byte_level_char(std::uint8_t byte) { return kSpelling[byte]; }

std::string to_byte_level(std::string_view bytes) {
  std::string spelling;
  spelling.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) append_utf8(spelling, kSpelling[static_cast<std::uint8_t>(byte)]);
  return spelling;
}

std::optional<std::string> from_byte_level(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (std::size_t offset = 0; offset < spelling.size();) {
    const CodePoint point = code_point_at(spelling, offset);
    if (point.bytes == 0 || point.value > kLastSpelling || kBytes[point.value] == kNoByte) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kBytes[point.value]));
    offset += point.bytes;
  }
  return bytes;
}

}  // namespace pajamas
