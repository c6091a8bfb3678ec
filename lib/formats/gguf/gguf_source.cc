// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_source.h"

#include "formats/gguf/gguf_header.h"
#include "formats/gguf/gguf_split.h"
#include "formats/gguf/gguf_types.h"
#include "formats/printable.h"
#include "formats/tensor_files.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

class OpenGguf : public GgufSource {
 public:
  OpenGguf(TensorFiles files, Metadata metadata, std::uint32_t alignment)
      : files_(std::move(files)), metadata_(std::move(metadata)), alignment_(alignment) {}

  std::span<const TensorInfo> tensors() const override { return files_.tensors(); }
  std::span<const fs::path> files() const override { return files_.files(); }
  const TensorInfo* find(std::string_view name) const override { return files_.find(name); }
  Status read(const TensorInfo& tensor, std::uint64_t offset,
              std::span<std::byte> out) const override {
    return files_.read(tensor, offset, out);
  }
  const Metadata& metadata() const override { return metadata_; }
  std::uint32_t alignment() const override { return alignment_; }

 private:
  TensorFiles files_;
  Metadata metadata_;
  std::uint32_t alignment_;
};

struct SplitKeys {
  std::uint64_t no = 0;  // from 0
  std::uint64_t count = 1;
  std::optional<std::uint64_t> tensors;  // in all files together
};

Result<SplitKeys> read_split_keys(const Metadata& metadata) {
  SplitKeys keys;
  keys.no = PJ_TRY(get_unsigned(metadata, kSplitNoKey)).value_or(0);
  // llama.cpp takes an absent count and 0 for a file that stands alone.
  keys.count =
      std::max<std::uint64_t>(PJ_TRY(get_unsigned(metadata, kSplitCountKey)).value_or(1), 1);
  keys.tensors = PJ_TRY(get_unsigned(metadata, kSplitTensorsKey));
  if (keys.count > kMaxGgufSplits || keys.no >= keys.count) {
    return make_error(ErrorCode::kInvalidData,
                      "{} is {} and {} is {}, expected a number from 0 on below a count of at most "
                      "{}",
                      kSplitNoKey, keys.no, kSplitCountKey, keys.count, kMaxGgufSplits);
  }
  return keys;
}

// The prefix of the set's names, taken from the name of its first file.
Result<std::string> split_prefix(const fs::path& path, const SplitKeys& keys) {
  const auto name = parse_gguf_split_name(path.filename().string());
  if (!name || name->no != keys.no || name->count != keys.count) {
    return make_error(ErrorCode::kInvalidData,
                      "{} is file {} of a set of {} by its keys, so its name should end with '{}'",
                      quoted(path), keys.no + 1, keys.count,
                      gguf_split_name("", keys.no, keys.count));
  }
  if (keys.no != 0) {
    return make_error(ErrorCode::kInvalidArgument,
                      "{} is file {} of a set of {}; open the first one, '{}'", quoted(path),
                      keys.no + 1, keys.count, gguf_split_name(name->prefix, 0, keys.count));
  }
  return name->prefix;
}

Result<GgufHeader> read_header_of(const File& file) {
  auto header = read_gguf_header(file);
  if (!header) return std::unexpected(header.error().with_context(quoted(file.path())));
  return header;
}

Status add_other_splits(TensorFiles& files, const fs::path& first, const SplitKeys& keys) {
  const std::string prefix = PJ_TRY(split_prefix(first, keys));
  for (std::uint64_t no = 1; no < keys.count; ++no) {
    const fs::path path = first.parent_path() / gguf_split_name(prefix, no, keys.count);
    auto file = File::open_read(path);
    if (!file) {
      return std::unexpected(file.error().with_context(fmt::format(
          "{} needs {} files, and number {} of them", quoted(first), keys.count, no + 1)));
    }
    GgufHeader header = PJ_TRY(read_header_of(*file));
    auto found = read_split_keys(header.metadata);
    if (!found) return std::unexpected(found.error().with_context(quoted(path)));
    if (found->no != no || found->count != keys.count) {
      return make_error(ErrorCode::kInvalidData,
                        "{} is file {} of {} by its keys, expected file {} of {}", quoted(path),
                        found->no + 1, found->count, no + 1, keys.count);
    }
    files.add(*std::move(file), std::move(header.tensors));
  }
  if (keys.tensors && *keys.tensors != files.tensors().size()) {
    return make_error(ErrorCode::kInvalidData,
                      "{}: the set has {} tensors in {} files, expected {} by the key {}",
                      quoted(first), files.tensors().size(), keys.count, *keys.tensors,
                      kSplitTensorsKey);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<GgufSource>> open_gguf(const fs::path& path) {
  File file = PJ_TRY(File::open_read(path));
  GgufHeader header = PJ_TRY(read_header_of(file));
  auto keys = read_split_keys(header.metadata);
  if (!keys) return std::unexpected(keys.error().with_context(quoted(path)));

  TensorFiles files;
  files.add(std::move(file), std::move(header.tensors));
  if (keys->count > 1) {
    PJ_TRY(add_other_splits(files, path, *keys));
    for (const std::string_view key : {kSplitNoKey, kSplitCountKey, kSplitTensorsKey}) {
      header.metadata.erase(key);
    }
  }
  PJ_TRY(files.index());
  return std::make_unique<OpenGguf>(std::move(files), std::move(header.metadata), header.alignment);
}

}  // namespace pajamas
