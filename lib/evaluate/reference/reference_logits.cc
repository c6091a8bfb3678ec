// SPDX-License-Identifier: Apache-2.0
#include "evaluate/reference/reference_logits.h"

#include <algorithm>
#include <charconv>

#include "evaluate/reference/reference_formats.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

// Far beyond any model; what a file states must stay below, so that products do not overflow.
constexpr std::int64_t kMaxContext = std::int64_t{1} << 24;
constexpr std::int64_t kMaxVocab = std::int64_t{1} << 24;
constexpr std::int64_t kMaxWindows = std::int64_t{1} << 30;

struct Form {
  std::string_view name;
  std::string_view magic;
  Result<std::unique_ptr<ReferenceReader>> (*open)(File file);
  Result<std::unique_ptr<ReferenceWriter>> (*create)(const fs::path& path,
                                                     const ReferenceHeader& header,
                                                     std::span<const ReferenceMark> done);
  std::uint64_t (*row_bytes)(std::uint64_t vocab);  // at most
};

constexpr auto kForms = std::to_array<Form>({
    {"pajamas", kPackedMagic, &open_packed_reference, &create_packed_reference,
     [](std::uint64_t vocab) { return 5 * vocab + 32; }},
    {"llama.cpp", kKlBaseMagic, &open_kl_base, &create_kl_base,
     [](std::uint64_t vocab) { return 2 * vocab + 10; }},
});

Result<std::unique_ptr<ReferenceReader>> open_any(const fs::path& path) {
  File file = PJ_TRY(File::open_read(path));
  std::array<char, kPackedMagic.size()> magic{};
  if (PJ_TRY(file.size_bytes()) >= magic.size()) {
    PJ_TRY(file.read_at(0, std::as_writable_bytes(std::span(magic))));
  }
  for (const Form& form : kForms) {
    if (std::ranges::equal(magic, form.magic)) return form.open(std::move(file));
  }
  return make_error(ErrorCode::kInvalidData,
                    "not a file of logits: it begins neither with {} (--save-logits) nor with {} "
                    "(llama-perplexity --kl-divergence-base)",
                    kPackedMagic, kKlBaseMagic);
}

}  // namespace

Result<std::unique_ptr<ReferenceReader>> open_reference(const fs::path& path) {
  auto reader = open_any(path);
  if (!reader) return std::unexpected(reader.error().with_context(path.string()));
  return reader;
}

Result<std::unique_ptr<ReferenceWriter>> create_reference(std::string_view format,
                                                          const fs::path& path,
                                                          const ReferenceHeader& header,
                                                          std::span<const ReferenceMark> done) {
  for (const Form& form : kForms) {
    if (form.name == format) return form.create(path, header, done);
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "'{}' is not a form of logits files, expected pajamas or llama.cpp", format);
}

std::uint64_t reference_bytes(std::string_view format, const ReferenceHeader& header) {
  for (const Form& form : kForms) {
    if (form.name != format) continue;
    return static_cast<std::uint64_t>(header.rows() * header.windows) *
           form.row_bytes(static_cast<std::uint64_t>(header.vocab));
  }
  return 0;
}

Status check_reference_counts(std::int64_t context, std::int64_t vocab, std::int64_t windows) {
  const bool is_sane = context >= 4 && context <= kMaxContext && vocab >= 1 && vocab <= kMaxVocab &&
                       windows >= 1 && windows <= kMaxWindows;
  if (is_sane) return {};
  return make_error(ErrorCode::kInvalidData,
                    "the header states {} windows of {} tokens of a vocabulary of {}, expected 1 "
                    "to {}, 4 to {} and 1 to {}",
                    windows, context, vocab, kMaxWindows, kMaxContext, kMaxVocab);
}

Status check_reference_tokens(const ReferenceHeader& header) {
  for (const std::int32_t token : header.tokens) {
    if (token >= 0 && token < header.vocab) continue;
    return make_error(ErrorCode::kInvalidData, "token {} is not in the vocabulary of {}", token,
                      header.vocab);
  }
  return {};
}

Result<PartialReference> PartialReference::open(const fs::path& path, std::string_view header,
                                                std::span<const ReferenceMark> done) {
  PartialReference partial;
  partial.path_ = path;
  partial.partial_ = path.string() + ".partial";
  partial.end_ = done.empty() ? header.size() : done.back().end;
  if (!done.empty()) {
    std::string found(header.size(), '\0');
    std::error_code ignored;
    if (fs::exists(partial.partial_, ignored)) {
      partial.file_ = PJ_TRY(File::open_write(partial.partial_));
      if (PJ_TRY(partial.file_.size_bytes()) >= partial.end_) {
        PJ_TRY(partial.file_.read_at(0, std::as_writable_bytes(std::span(found))));
      }
    }
    if (found != header) {
      return make_error(ErrorCode::kNotFound,
                        "'{}' does not hold what an earlier run wrote; it is written anew",
                        partial.partial_.string());
    }
    PJ_TRY(partial.file_.resize(partial.end_));
    return partial;
  }
  if (path.has_parent_path()) PJ_TRY(make_directories(path.parent_path()));
  partial.file_ = PJ_TRY(File::open_write(partial.partial_));
  PJ_TRY(partial.file_.resize(0));
  PJ_TRY(partial.file_.write_at(0, std::as_bytes(std::span(header))));
  return partial;
}

Result<ReferenceMark> PartialReference::append(std::span<const std::vector<std::byte>> rows) {
  WindowChecksum checksum;
  for (const std::vector<std::byte>& row : rows) {
    PJ_TRY(file_.write_at(end_, row));
    checksum.update(row);
    end_ += row.size();
  }
  return ReferenceMark{.end = end_, .checksum = checksum.finish()};
}

Status PartialReference::publish(std::string_view header) {
  PJ_TRY(file_.write_at(0, std::as_bytes(std::span(header))));
  PJ_TRY(file_.sync());
  PJ_TRY(file_.close());
  return rename_durable(partial_, path_);
}

void WindowChecksum::update(std::span<const std::byte> bytes) { hash_.update(bytes); }

std::uint64_t WindowChecksum::finish() {
  const std::string hex = hash_.finish_hex();
  std::uint64_t value = 0;
  std::from_chars(hex.data(), hex.data() + 16, value, 16);
  return value;
}

}  // namespace pajamas
