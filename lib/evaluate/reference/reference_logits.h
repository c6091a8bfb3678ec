// SPDX-License-Identifier: Apache-2.0
// The original's distributions over a text in a file, so that any number of quantizations are
// compared with one pass of the original.
//
// Two forms, told apart by their first bytes: ours (docs/formats/logits.md), exact and small, and
// the KL base file of llama-perplexity, which keeps every token in 16 bits. Both hold the tokens of
// the windows, so that a comparison needs no text.
//
// A reader checks the header against the file's size before it allocates anything. Its const
// functions may be called from several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "evaluate/log_softmax.h"
#include "evaluate/reference/reference_row.h"
#include "evaluate/window_plan.h"

namespace pajamas {

struct ReferenceHeader {
  std::int64_t context = 0;
  std::int64_t vocab = 0;
  std::int64_t windows = 0;
  std::vector<std::int32_t> tokens;  // of the text, context of each window
  // Only our own form knows these. The other says nothing of the beginning-of-text token: whether
  // windows begin with it is asked of the model that is compared.
  std::optional<std::int32_t> bos;
  std::string model;
  std::string model_fingerprint;
  std::string corpus;
  std::string corpus_sha256;

  [[nodiscard]] std::int64_t rows() const { return context - 1 - context / 2; }  // of a window
};

// The rows of one window as they lie in the file.
struct ReferenceWindow {
  std::vector<std::byte> bytes;
  std::vector<std::span<const std::byte>> rows;  // into `bytes`
};

class ReferenceReader {
 public:
  virtual ~ReferenceReader() = default;
  [[nodiscard]] virtual std::string_view format() const = 0;  // "pajamas" or "llama.cpp"
  [[nodiscard]] virtual const ReferenceHeader& header() const = 0;
  [[nodiscard]] virtual Result<ReferenceWindow> read_window(std::int64_t window) const = 0;
  // `target`: the token after the row's position.
  [[nodiscard]] virtual Result<ReferenceRow> decode_row(std::span<const std::byte> row,
                                                        std::int32_t target) const = 0;
};

Result<std::unique_ptr<ReferenceReader>> open_reference(const std::filesystem::path& path);

// Where a window that was written ends, for whoever goes on later.
struct ReferenceMark {
  std::uint64_t end = 0;       // offset in the file
  std::uint64_t checksum = 0;  // of the window's bytes
};

// Writes windows in order to "PATH.partial", which becomes PATH at the end.
class ReferenceWriter {
 public:
  virtual ~ReferenceWriter() = default;
  // From any thread.
  [[nodiscard]] virtual std::vector<std::byte> encode_row(std::span<const float> logits,
                                                          const Normalizer& normalizer,
                                                          std::int32_t target) const = 0;
  virtual Result<ReferenceMark> append(std::span<const std::vector<std::byte>> rows) = 0;
  virtual Status sync() = 0;
  // All windows are there: makes the file durable under its final name.
  virtual Status publish() = 0;
};

// format: "pajamas" or "llama.cpp". `done`: the windows that an earlier run wrote into the partial
// file; kNotFound when they are not there any more or are those of another text or model.
Result<std::unique_ptr<ReferenceWriter>> create_reference(std::string_view format,
                                                          const std::filesystem::path& path,
                                                          const ReferenceHeader& header,
                                                          std::span<const ReferenceMark> done);

// Bytes that the file of such a header will take at most, about.
std::uint64_t reference_bytes(std::string_view format, const ReferenceHeader& header);

}  // namespace pajamas
