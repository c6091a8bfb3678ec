// SPDX-License-Identifier: Apache-2.0
// The KL base file of llama-perplexity (--kl-divergence-base), as it writes and reads it:
//
//   "_logits_", i32 context, i32 vocabulary, i32 windows, i32 tokens[windows * context]
//   windows, each of context - 1 - context / 2 rows:
//     f32 scale, f32 lowest
//     u16 codes[vocabulary], and one more where that is odd
//
// log-probability = scale * code + lowest, from the largest down to 16 below it; what is smaller
// has code 0. Readers leave out what is not above -16.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/byte_reader.h"
#include "evaluate/reference/reference_formats.h"
#include "formats/file_cursor.h"

namespace pajamas {
namespace {

constexpr float kRange = 16.0F;
constexpr float kSteps = 65535.0F;

std::uint64_t row_bytes(std::int64_t vocab) {
  return 2 * sizeof(float) +
         static_cast<std::uint64_t>((vocab + 1) / 2) * 2 * sizeof(std::uint16_t);
}

std::string write_header(const ReferenceHeader& header) {
  std::string bytes(kKlBaseMagic);
  append_numbers(bytes, static_cast<std::int32_t>(header.context),
                 static_cast<std::int32_t>(header.vocab),
                 static_cast<std::int32_t>(header.windows));
  for (const std::int32_t token : header.tokens) append_numbers(bytes, token);
  return bytes;
}

Result<ReferenceHeader> read_kl_header(FileCursor& cursor) {
  PJ_TRY(cursor.read_text(kKlBaseMagic.size(), "the magic"));
  ReferenceHeader header;
  header.context = PJ_TRY(cursor.read<std::int32_t>("the context"));
  header.vocab = PJ_TRY(cursor.read<std::int32_t>("the vocabulary's size"));
  header.windows = PJ_TRY(cursor.read<std::int32_t>("the number of windows"));
  PJ_TRY(check_reference_counts(header.context, header.vocab, header.windows));
  const auto count = static_cast<std::uint64_t>(header.windows * header.context);
  PJ_TRY(cursor.need(count * sizeof(std::int32_t), "the tokens"));
  const std::uint64_t rows = static_cast<std::uint64_t>(header.rows() * header.windows);
  const std::uint64_t left = cursor.remaining() - count * sizeof(std::int32_t);
  if (left % row_bytes(header.vocab) != 0 || left / row_bytes(header.vocab) != rows) {
    return make_error(ErrorCode::kInvalidData,
                      "{} bytes follow the tokens, expected {} rows of {} bytes (a file that was "
                      "cut short?)",
                      left, rows, row_bytes(header.vocab));
  }
  header.tokens.resize(count);
  PJ_TRY(cursor.read_into(std::as_writable_bytes(std::span(header.tokens)), "the tokens"));
  PJ_TRY(check_reference_tokens(header));
  return header;
}

class KlBaseReader final : public ReferenceReader {
 public:
  KlBaseReader(File file, ReferenceHeader header, std::uint64_t first_window)
      : file_(std::move(file)), header_(std::move(header)), first_window_(first_window) {}

  [[nodiscard]] std::string_view format() const override { return "llama.cpp"; }
  [[nodiscard]] const ReferenceHeader& header() const override { return header_; }

  [[nodiscard]] Result<ReferenceWindow> read_window(std::int64_t window) const override {
    const std::uint64_t bytes = row_bytes(header_.vocab);
    const auto rows = static_cast<std::uint64_t>(header_.rows());
    ReferenceWindow read;
    read.bytes.resize(rows * bytes);
    PJ_TRY(file_.read_at(first_window_ + static_cast<std::uint64_t>(window) * rows * bytes,
                         read.bytes));
    for (std::uint64_t row = 0; row < rows; ++row) {
      read.rows.push_back(std::span(read.bytes).subspan(row * bytes, bytes));
    }
    return read;
  }

  [[nodiscard]] Result<ReferenceRow> decode_row(std::span<const std::byte> bytes,
                                                std::int32_t target) const override {
    ByteReader reader(bytes);
    const auto scale = PJ_TRY(reader.read<float>("the scale"));
    const auto lowest = PJ_TRY(reader.read<float>("the lowest log-probability"));
    const bool is_sane = std::isfinite(scale) && scale >= 0.0F && std::isfinite(lowest) &&
                         scale * kSteps + lowest <= 1e-2F;
    if (!is_sane) {
      return make_error(ErrorCode::kInvalidData,
                        "'{}': a row has the scale {} and the lowest log-probability {}",
                        file_.path().string(), scale, lowest);
    }
    std::vector<std::uint16_t> codes(static_cast<std::size_t>(header_.vocab));
    const std::size_t code_bytes = codes.size() * sizeof(std::uint16_t);
    std::memcpy(codes.data(), PJ_TRY(reader.read_bytes(code_bytes, "the codes")).data(),
                code_bytes);
    const auto value_of = [&](std::size_t id) {
      return scale * static_cast<float>(codes[id]) + lowest;
    };
    ReferenceRow row{
        .top = static_cast<std::int32_t>(std::ranges::max_element(codes) - codes.begin()),
        .target_log_probability = static_cast<double>(value_of(static_cast<std::size_t>(target)))};
    for (std::size_t id = 0; id < codes.size(); ++id) {
      if (value_of(id) <= -kRange) continue;
      row.ids.push_back(static_cast<std::int32_t>(id));
      row.log_probabilities.push_back(std::min(value_of(id), 0.0F));
    }
    return row;
  }

 private:
  File file_;
  ReferenceHeader header_;
  std::uint64_t first_window_;
};

class KlBaseWriter final : public ReferenceWriter {
 public:
  KlBaseWriter(PartialReference file, ReferenceHeader header)
      : file_(std::move(file)), header_(std::move(header)) {}

  [[nodiscard]] std::vector<std::byte> encode_row(std::span<const float> logits,
                                                  const Normalizer& normalizer,
                                                  std::int32_t /*target*/) const override {
    const float floor = std::max(std::ranges::min(logits), normalizer.max - kRange);
    const float scale = (normalizer.max - floor) / kSteps;
    const float lowest = floor - normalizer.max - static_cast<float>(normalizer.log_sum);
    std::vector<std::byte> bytes(row_bytes(static_cast<std::int64_t>(logits.size())));
    std::memcpy(bytes.data(), &scale, sizeof(scale));
    std::memcpy(bytes.data() + sizeof(scale), &lowest, sizeof(lowest));
    if (scale == 0.0F) return bytes;
    const float steps_per_nat = 1.0F / scale;
    std::vector<std::uint16_t> codes(logits.size());
    for (std::size_t id = 0; id < logits.size(); ++id) {
      if (logits[id] <= floor) continue;
      const float step = std::nearbyint(steps_per_nat * (logits[id] - floor));
      codes[id] = static_cast<std::uint16_t>(std::min(step, kSteps));
    }
    std::memcpy(bytes.data() + 2 * sizeof(float), codes.data(),
                codes.size() * sizeof(std::uint16_t));
    return bytes;
  }

  Result<ReferenceMark> append(std::span<const std::vector<std::byte>> rows) override {
    return file_.append(rows);
  }
  Status sync() override { return file_.sync(); }
  Status publish() override { return file_.publish(write_header(header_)); }

 private:
  PartialReference file_;
  ReferenceHeader header_;
};

}  // namespace

Result<std::unique_ptr<ReferenceReader>> open_kl_base(File file) {
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  ReferenceHeader header = PJ_TRY(read_kl_header(cursor));
  const std::uint64_t first_window = cursor.offset();
  return std::make_unique<KlBaseReader>(std::move(file), std::move(header), first_window);
}

Result<std::unique_ptr<ReferenceWriter>> create_kl_base(const std::filesystem::path& path,
                                                        const ReferenceHeader& header,
                                                        std::span<const ReferenceMark> done) {
  PartialReference file = PJ_TRY(PartialReference::open(path, write_header(header), done));
  return std::make_unique<KlBaseWriter>(std::move(file), header);
}

}  // namespace pajamas
