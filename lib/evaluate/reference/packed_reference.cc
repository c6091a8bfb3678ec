// SPDX-License-Identifier: Apache-2.0
// Our own form: exact F32 log-probabilities of the tokens that matter (docs/formats/logits.md).
//
//   "PJLOGIT1"
//   u32 context, u32 vocabulary, u32 windows, i32 beginning-of-text token or -1
//   4 texts, each u32 bytes and the bytes: model, its fingerprint, corpus, its SHA-256
//   i32 tokens[windows * context]
//   windows * {u64 offset of the window's end, u64 checksum}
//   windows, each of context - 1 - context / 2 rows:
//     u32 bytes of what follows
//     u32 kept tokens, i32 most likely token, f64 log-probability of the next token,
//     f64 probability of the tokens that are not kept
//     for each kept token, ascending: its distance from the one before less one, as LEB128
//     f32 log-probability of each kept token
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/byte_reader.h"
#include "evaluate/reference/reference_formats.h"
#include "formats/file_cursor.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kMaxTextBytes = 4096;
constexpr std::uint64_t kMarkBytes = 16;

std::string write_header(const ReferenceHeader& header, std::span<const ReferenceMark> marks) {
  std::string bytes(kPackedMagic);
  append_numbers(bytes, static_cast<std::uint32_t>(header.context),
                 static_cast<std::uint32_t>(header.vocab),
                 static_cast<std::uint32_t>(header.windows),
                 static_cast<std::int32_t>(header.bos.value_or(-1)));
  for (const std::string* text :
       {&header.model, &header.model_fingerprint, &header.corpus, &header.corpus_sha256}) {
    const std::string_view cut = std::string_view(*text).substr(0, kMaxTextBytes);
    append_numbers(bytes, static_cast<std::uint32_t>(cut.size()));
    bytes += cut;
  }
  for (const std::int32_t token : header.tokens) append_numbers(bytes, token);
  for (std::int64_t window = 0; window < header.windows; ++window) {
    const auto at = static_cast<std::size_t>(window);
    const ReferenceMark mark = at < marks.size() ? marks[at] : ReferenceMark{};
    append_numbers(bytes, mark.end, mark.checksum);
  }
  return bytes;
}

Result<std::string> read_header_text(FileCursor& cursor, std::string_view what) {
  const auto bytes = PJ_TRY(cursor.read<std::uint32_t>(what));
  if (bytes > kMaxTextBytes) {
    return make_error(ErrorCode::kInvalidData, "{} has {} bytes, expected at most {}", what, bytes,
                      kMaxTextBytes);
  }
  return cursor.read_text(bytes, what);
}

Result<ReferenceHeader> read_packed_header(FileCursor& cursor) {
  PJ_TRY(cursor.read_text(kPackedMagic.size(), "the magic"));
  ReferenceHeader header;
  header.context = PJ_TRY(cursor.read<std::uint32_t>("the context"));
  header.vocab = PJ_TRY(cursor.read<std::uint32_t>("the vocabulary's size"));
  header.windows = PJ_TRY(cursor.read<std::uint32_t>("the number of windows"));
  PJ_TRY(check_reference_counts(header.context, header.vocab, header.windows));
  const auto bos = PJ_TRY(cursor.read<std::int32_t>("the beginning-of-text token"));
  if (bos < -1 || bos >= header.vocab) {
    return make_error(ErrorCode::kInvalidData,
                      "the beginning-of-text token {} is not in the vocabulary of {}", bos,
                      header.vocab);
  }
  if (bos >= 0) header.bos = bos;
  header.model = PJ_TRY(read_header_text(cursor, "the model's name"));
  header.model_fingerprint = PJ_TRY(read_header_text(cursor, "the model's fingerprint"));
  header.corpus = PJ_TRY(read_header_text(cursor, "the corpus' name"));
  header.corpus_sha256 = PJ_TRY(read_header_text(cursor, "the corpus' SHA-256"));
  const auto count = static_cast<std::uint64_t>(header.windows * header.context);
  PJ_TRY(cursor.need(count * sizeof(std::int32_t), "the tokens"));
  header.tokens.resize(count);
  PJ_TRY(cursor.read_into(std::as_writable_bytes(std::span(header.tokens)), "the tokens"));
  PJ_TRY(check_reference_tokens(header));
  return header;
}

// Ends of the windows: ascending, the last one the file's.
Result<std::vector<ReferenceMark>> read_marks(FileCursor& cursor, const ReferenceHeader& header) {
  const auto count = static_cast<std::uint64_t>(header.windows);
  PJ_TRY(cursor.need(count * kMarkBytes, "the table of windows"));
  std::vector<ReferenceMark> marks(count);
  std::uint64_t end = cursor.offset() + count * kMarkBytes;
  for (ReferenceMark& mark : marks) {
    mark.end = PJ_TRY(cursor.read<std::uint64_t>("the end of a window"));
    mark.checksum = PJ_TRY(cursor.read<std::uint64_t>("the checksum of a window"));
    if (mark.end < end || mark.end > cursor.file_bytes()) {
      return make_error(ErrorCode::kInvalidData,
                        "a window ends at byte {}, expected {} to {} (a file that was cut short?)",
                        mark.end, end, cursor.file_bytes());
    }
    end = mark.end;
  }
  if (end != cursor.file_bytes()) {
    return make_error(ErrorCode::kInvalidData,
                      "the last window ends at byte {}, but the file has {} bytes", end,
                      cursor.file_bytes());
  }
  return marks;
}

Result<std::int64_t> read_distance(ByteReader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 32; shift += 7) {
    const auto byte = PJ_TRY(reader.read<std::uint8_t>("the distance of a token"));
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return static_cast<std::int64_t>(value);
  }
  return make_error(ErrorCode::kInvalidData, "the distance of a token has over 5 bytes");
}

bool is_log_probability(double value) { return std::isfinite(value) && value <= 0; }

class PackedReader final : public ReferenceReader {
 public:
  PackedReader(File file, ReferenceHeader header, std::vector<ReferenceMark> marks,
               std::uint64_t first_window)
      : file_(std::move(file)),
        header_(std::move(header)),
        marks_(std::move(marks)),
        first_window_(first_window) {}

  [[nodiscard]] std::string_view format() const override { return "pajamas"; }
  [[nodiscard]] const ReferenceHeader& header() const override { return header_; }

  [[nodiscard]] Result<ReferenceWindow> read_window(std::int64_t window) const override {
    const auto at = static_cast<std::size_t>(window);
    const std::uint64_t begin = at == 0 ? first_window_ : marks_[at - 1].end;
    ReferenceWindow read;
    read.bytes.resize(marks_[at].end - begin);
    PJ_TRY(file_.read_at(begin, read.bytes));
    WindowChecksum checksum;
    checksum.update(read.bytes);
    if (checksum.finish() != marks_[at].checksum) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}': the checksum of window {} does not fit what is there: the file was "
                        "changed or damaged; write it again with --save-logits",
                        file_.path().string(), window);
    }
    if (const Status status = find_rows(read); !status) {
      return std::unexpected(
          status.error().with_context(fmt::format("{}: window {}", file_.path().string(), window)));
    }
    return read;
  }

  [[nodiscard]] Result<ReferenceRow> decode_row(std::span<const std::byte> bytes,
                                                std::int32_t /*target*/) const override {
    ByteReader reader(bytes);
    const auto kept = PJ_TRY(reader.read<std::uint32_t>("the number of kept tokens"));
    ReferenceRow row{.top = PJ_TRY(reader.read<std::int32_t>("the most likely token")),
                     .target_log_probability = PJ_TRY(reader.read<double>("a log-probability")),
                     .rest = PJ_TRY(reader.read<double>("the probability of the rest"))};
    const bool is_sane = row.top >= 0 && row.top < header_.vocab && row.rest >= 0 &&
                         row.rest <= 1 && is_log_probability(row.target_log_probability);
    if (!is_sane || kept > header_.vocab || kept > reader.remaining() / 5) {
      return make_error(ErrorCode::kInvalidData, "a row of logits contradicts itself");
    }
    row.ids.reserve(kept);
    std::int64_t id = -1;
    for (std::uint32_t at = 0; at < kept; ++at) {
      id += PJ_TRY(read_distance(reader)) + 1;
      if (id >= header_.vocab) {
        return make_error(ErrorCode::kInvalidData, "token {} is not in the vocabulary of {}", id,
                          header_.vocab);
      }
      row.ids.push_back(static_cast<std::int32_t>(id));
    }
    row.log_probabilities.resize(kept);
    const auto raw = PJ_TRY(reader.read_bytes(kept * sizeof(float), "the log-probabilities"));
    if (kept > 0) std::memcpy(row.log_probabilities.data(), raw.data(), raw.size());
    const bool are_sane = std::ranges::all_of(row.log_probabilities, [](float value) {
      return is_log_probability(static_cast<double>(value));
    });
    if (!are_sane || reader.remaining() != 0) {
      return make_error(ErrorCode::kInvalidData, "a row of logits contradicts itself");
    }
    return row;
  }

 private:
  Status find_rows(ReferenceWindow& window) const {
    ByteReader reader(window.bytes);
    for (std::int64_t row = 0; row < header_.rows(); ++row) {
      const auto bytes = PJ_TRY(reader.read<std::uint32_t>("the size of a row"));
      window.rows.push_back(PJ_TRY(reader.read_bytes(bytes, "a row")));
    }
    if (reader.remaining() == 0) return {};
    return make_error(ErrorCode::kInvalidData, "{} bytes follow the last of {} rows",
                      reader.remaining(), header_.rows());
  }

  File file_;
  ReferenceHeader header_;
  std::vector<ReferenceMark> marks_;
  std::uint64_t first_window_;
};

void append_distance(std::string& bytes, std::uint32_t distance) {
  while (distance >= 0x80) {
    bytes += static_cast<char>((distance & 0x7F) | 0x80);
    distance >>= 7;
  }
  bytes += static_cast<char>(distance);
}

class PackedWriter final : public ReferenceWriter {
 public:
  PackedWriter(PartialReference file, ReferenceHeader header, std::span<const ReferenceMark> done)
      : file_(std::move(file)), header_(std::move(header)), marks_(done.begin(), done.end()) {}

  [[nodiscard]] std::vector<std::byte> encode_row(std::span<const float> logits,
                                                  const Normalizer& normalizer,
                                                  std::int32_t target) const override {
    const ReferenceRow row = make_reference_row(logits, normalizer, target);
    std::string bytes;
    bytes.reserve(32 + 6 * row.ids.size());
    append_numbers(bytes, std::uint32_t{0}, static_cast<std::uint32_t>(row.ids.size()), row.top,
                   row.target_log_probability, row.rest);
    std::int32_t before = -1;
    for (const std::int32_t id : row.ids) {
      append_distance(bytes, static_cast<std::uint32_t>(id - before - 1));
      before = id;
    }
    const auto values = std::as_bytes(std::span(row.log_probabilities));
    std::vector<std::byte> encoded(bytes.size() + values.size());
    std::memcpy(encoded.data(), bytes.data(), bytes.size());
    std::ranges::copy(values, encoded.begin() + static_cast<std::ptrdiff_t>(bytes.size()));
    const auto size = static_cast<std::uint32_t>(encoded.size() - sizeof(std::uint32_t));
    std::memcpy(encoded.data(), &size, sizeof(size));
    return encoded;
  }

  Result<ReferenceMark> append(std::span<const std::vector<std::byte>> rows) override {
    marks_.push_back(PJ_TRY(file_.append(rows)));
    return marks_.back();
  }
  Status sync() override { return file_.sync(); }
  Status publish() override { return file_.publish(write_header(header_, marks_)); }

 private:
  PartialReference file_;
  ReferenceHeader header_;
  std::vector<ReferenceMark> marks_;
};

}  // namespace

Result<std::unique_ptr<ReferenceReader>> open_packed_reference(File file) {
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  ReferenceHeader header = PJ_TRY(read_packed_header(cursor));
  std::vector<ReferenceMark> marks = PJ_TRY(read_marks(cursor, header));
  const std::uint64_t first_window = cursor.offset();
  return std::make_unique<PackedReader>(std::move(file), std::move(header), std::move(marks),
                                        first_window);
}

Result<std::unique_ptr<ReferenceWriter>> create_packed_reference(
    const std::filesystem::path& path, const ReferenceHeader& header,
    std::span<const ReferenceMark> done) {
  PartialReference file = PJ_TRY(PartialReference::open(path, write_header(header, {}), done));
  return std::make_unique<PackedWriter>(std::move(file), header, done);
}

}  // namespace pajamas
