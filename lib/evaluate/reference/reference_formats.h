// SPDX-License-Identifier: Apache-2.0
// The two forms of a file of reference logits; reference_logits.cc chooses one. And what their
// writers share: a partial file that begins with a fixed header and grows by windows.
#pragma once

#include <array>
#include <bit>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/sha256.h"
#include "evaluate/reference/reference_logits.h"

namespace pajamas {

inline constexpr std::string_view kPackedMagic = "PJLOGIT1";
inline constexpr std::string_view kKlBaseMagic = "_logits_";

// The file is at its start; the magic has been looked at.
Result<std::unique_ptr<ReferenceReader>> open_packed_reference(File file);
Result<std::unique_ptr<ReferenceReader>> open_kl_base(File file);

Result<std::unique_ptr<ReferenceWriter>> create_packed_reference(
    const std::filesystem::path& path, const ReferenceHeader& header,
    std::span<const ReferenceMark> done);
Result<std::unique_ptr<ReferenceWriter>> create_kl_base(const std::filesystem::path& path,
                                                        const ReferenceHeader& header,
                                                        std::span<const ReferenceMark> done);

// Context, vocabulary and windows as a file states them.
Status check_reference_counts(std::int64_t context, std::int64_t vocab, std::int64_t windows);
Status check_reference_tokens(const ReferenceHeader& header);

// "PATH.partial" with a header, then windows one after another.
class PartialReference {
 public:
  // done: see create_reference().
  static Result<PartialReference> open(const std::filesystem::path& path, std::string_view header,
                                       std::span<const ReferenceMark> done);

  Result<ReferenceMark> append(std::span<const std::vector<std::byte>> rows);
  [[nodiscard]] Status sync() const { return file_.sync(); }
  // Puts `header` over the first bytes, and the file under its final name.
  Status publish(std::string_view header);

 private:
  std::filesystem::path path_;
  std::filesystem::path partial_;
  File file_;
  std::uint64_t end_ = 0;
};

// Little-endian numbers one after another.
template <typename... Numbers>
void append_numbers(std::string& bytes, Numbers... numbers) {
  static_assert(std::endian::native == std::endian::little);
  const auto add = [&](auto number) {
    const auto raw = std::bit_cast<std::array<char, sizeof(number)>>(number);
    bytes.append(raw.data(), raw.size());
  };
  (add(numbers), ...);
}

// The first 8 bytes of the SHA-256 of a window's bytes.
class WindowChecksum {
 public:
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t finish();

 private:
  Sha256 hash_;
};

}  // namespace pajamas
