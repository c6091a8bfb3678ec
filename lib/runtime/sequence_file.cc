// SPDX-License-Identifier: Apache-2.0
#include "runtime/sequence_file.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/sha256.h"
#include "formats/file_cursor.h"

namespace pajamas {
namespace {

constexpr std::string_view kMagic = "PJKVSEQ1";
constexpr std::size_t kHexBytes = 64;
// Of each tensor, what is hashed: enough to tell two fine-tunes of one model apart.
constexpr std::uint64_t kSampleBytes = 256;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Writes and hashes.
class HashedWriter {
 public:
  explicit HashedWriter(const File& file) : file_(file) {}

  Status write(std::span<const std::byte> data) {
    PJ_TRY(file_.write_at(offset_, data));
    hash_.update(data);
    offset_ += data.size();
    return {};
  }
  Status finish() {
    const std::string hash = hash_.finish_hex();
    return file_.write_at(offset_, bytes_of(hash));
  }

 private:
  const File& file_;
  Sha256 hash_;
  std::uint64_t offset_ = 0;
};

// Reads and hashes.
class HashedReader {
 public:
  HashedReader(FileCursor cursor) : cursor_(std::move(cursor)) {}

  Status read(std::span<std::byte> out, std::string_view what) {
    PJ_TRY(cursor_.read_into(out, what));
    hash_.update(out);
    return {};
  }
  Status finish() {
    const std::string expected = hash_.finish_hex();
    const std::string found = PJ_TRY(cursor_.read_text(kHexBytes, "the checksum"));
    if (found == expected) return {};
    return make_error(ErrorCode::kInvalidData,
                      "the checksum does not fit what is there: the file was changed or damaged");
  }
  [[nodiscard]] std::uint64_t remaining() const { return cursor_.remaining(); }

 private:
  FileCursor cursor_;
  Sha256 hash_;
};

template <typename T>
std::string value_text(const T& value) {
  if constexpr (std::is_same_v<T, bool> || std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else {
    return "";  // vocabularies and other lists; the weights' bytes tell models apart
  }
}

Status write_sequence(const Sequence& sequence, std::string_view fingerprint, const File& file) {
  HashedWriter writer(file);
  PJ_TRY(writer.write(bytes_of(kMagic)));
  PJ_TRY(writer.write(bytes_of(fingerprint)));
  const auto count = static_cast<std::uint64_t>(sequence.length());
  PJ_TRY(writer.write(std::as_bytes(std::span(&count, 1))));
  PJ_TRY(writer.write(std::as_bytes(sequence.tokens())));
  const auto blocks = (sequence.length() + kKvPagePositions - 1) / kKvPagePositions;
  for (const std::int32_t block : sequence.blocks().first(static_cast<std::size_t>(blocks))) {
    PJ_TRY(writer.write(sequence.pool().bytes(block)));
  }
  PJ_TRY(writer.finish());
  return file.sync();
}

Result<Sequence> read_sequence(KvPool& pool, std::string_view fingerprint, std::int64_t max_tokens,
                               std::int64_t vocab, const File& file) {
  HashedReader reader(PJ_TRY(FileCursor::at_start(file)));
  std::string head(kMagic.size() + kHexBytes, ' ');
  PJ_TRY(reader.read(std::as_writable_bytes(std::span(head)), "the header"));
  if (!head.starts_with(kMagic)) {
    return make_error(ErrorCode::kInvalidData,
                      "this is not a saved cache: it does not begin with {}", kMagic);
  }
  if (!head.ends_with(fingerprint)) {
    return make_error(ErrorCode::kInvalidData,
                      "the cache was saved with another model, or with another --cache-type");
  }
  std::uint64_t count = 0;
  PJ_TRY(reader.read(std::as_writable_bytes(std::span(&count, 1)), "the number of tokens"));
  if (count > static_cast<std::uint64_t>(max_tokens)) {
    return make_error(ErrorCode::kInvalidData,
                      "the saved cache has {} tokens, but the context holds {}; give a larger "
                      "--context",
                      count, max_tokens);
  }
  const std::uint64_t blocks = (count + kKvPagePositions - 1) / kKvPagePositions;
  const std::uint64_t expected =
      count * sizeof(std::int32_t) + blocks * pool.shape().block_bytes() + kHexBytes;
  if (reader.remaining() != expected) {
    return make_error(ErrorCode::kInvalidData, "{} bytes follow the header, expected {}",
                      reader.remaining(), expected);
  }
  std::vector<std::int32_t> tokens(count);
  PJ_TRY(reader.read(std::as_writable_bytes(std::span(tokens)), "the tokens"));
  for (const std::int32_t token : tokens) {
    if (token >= 0 && token < vocab) continue;
    return make_error(ErrorCode::kInvalidData, "token {} is not in the vocabulary of {}", token,
                      vocab);
  }
  Sequence sequence(pool);
  PJ_TRY(sequence.reserve(static_cast<std::int64_t>(count)));
  for (const std::int32_t block : sequence.blocks()) {
    PJ_TRY(reader.read(pool.bytes(block), "keys and values"));
  }
  sequence.commit(tokens);
  PJ_TRY(reader.finish());
  return sequence;
}

}  // namespace

Result<std::string> fingerprint_of(const OpenedModel& model, const KvShape& shape) {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(bytes_of(text)); };
  add(fmt::format("{} {} {} {} {};", static_cast<int>(shape.type), shape.layers, shape.kv_heads,
                  shape.head_dim, shape.block_bytes()));
  for (const auto& [key, value] : model.gguf_keys.entries()) {
    if (key.starts_with("general.")) continue;  // a name does not change what is computed
    add(key + "=" + std::visit([](const auto& typed) { return value_text(typed); }, value) + ";");
  }
  for (const TensorInfo& tensor : model.tensors->tensors()) {
    add(fmt::format("{} {} {};", tensor.name, tensor.shape.to_string(), dtype_name(tensor.dtype)));
    std::vector<std::byte> sample(std::min(tensor.bytes, kSampleBytes));
    PJ_TRY(model.tensors->read(tensor, (tensor.bytes - sample.size()) / 2, sample));
    hash.update(sample);
  }
  return hash.finish_hex();
}

Status save_sequence(const Sequence& sequence, std::string_view fingerprint,
                     const std::filesystem::path& path) {
  const std::filesystem::path partial = path.string() + ".partial";
  File file = PJ_TRY(File::open_write(partial));
  Status written = file.resize(0);
  if (written) written = write_sequence(sequence, fingerprint, file);
  if (written) return rename_durable(partial, path);
  static_cast<void>(remove_file_if_present(partial));
  return written;
}

Result<Sequence> restore_sequence(KvPool& pool, std::string_view fingerprint,
                                  std::int64_t max_tokens, std::int64_t vocab,
                                  const std::filesystem::path& path) {
  const File file = PJ_TRY(File::open_read(path));
  Result<Sequence> sequence = read_sequence(pool, fingerprint, max_tokens, vocab, file);
  if (!sequence) return std::unexpected(sequence.error().with_context(path.string()));
  return sequence;
}

}  // namespace pajamas
