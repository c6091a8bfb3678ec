// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_layout.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <type_traits>
#include <unordered_set>

#include "base/checked_math.h"
#include "formats/gguf/gguf_types.h"
#include "formats/printable.h"

namespace pajamas {
namespace {

template <typename T>
constexpr std::uint32_t kTypeNumber = kGgufArrayType;
#define PJ_NUMBER(number, name, cpp_type) \
  template <>                             \
  constexpr std::uint32_t kTypeNumber<cpp_type> = number;
PJ_GGUF_VALUE_TYPES(PJ_NUMBER)
#undef PJ_NUMBER

// The header as it grows. Layout: magic, u32 version, i64 tensors, i64 keys, then each key (string,
// u32 type, value), then each tensor (string name, u32 dims, i64 each dim from the row length out,
// u32 type, u64 offset from the data section), then zeros up to the alignment.
class HeaderWriter {
 public:
  template <typename T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  void put(T value) {
    static_assert(std::endian::native == std::endian::little);
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    out_.append(bytes.data(), bytes.size());
  }
  void put(bool value) { out_.push_back(value ? '\1' : '\0'); }
  void put(const std::string& text) {
    put(static_cast<std::uint64_t>(text.size()));
    out_.append(text);
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put(kTypeNumber<T>);
    put(static_cast<std::uint64_t>(values.size()));
    for (const auto& value : values) put(static_cast<const T&>(value));
  }
  void append(std::string_view bytes) { out_.append(bytes); }
  void pad_to(std::uint64_t bytes) { out_.resize(static_cast<std::size_t>(bytes), '\0'); }
  [[nodiscard]] std::uint64_t bytes() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::unexpected<Error> refuse(std::string_view what, std::string_view name, std::string why) {
  return make_error(ErrorCode::kInvalidArgument, "cannot write the {} '{}' to GGUF: {}", what,
                    printable(name), why);
}

// Why the format, or its readers, cannot hold the value; empty when they can.
struct ValueProblem {
  template <typename T>
  std::string operator()(const T& value) const {
    if constexpr (std::is_same_v<T, std::string>) {
      if (value.size() <= kGgufMaxStringBytes) return {};
      return fmt::format("{} bytes, expected at most {}", value.size(), kGgufMaxStringBytes);
    }
    return {};
  }
  template <typename T>
  std::string operator()(const std::vector<T>& values) const {
    if (values.size() > kGgufMaxArrayElems) {
      return fmt::format("{} elements, expected at most {}", values.size(), kGgufMaxArrayElems);
    }
    if constexpr (std::is_same_v<T, std::string>) {
      for (const std::string& value : values) {
        std::string problem = (*this)(value);
        if (!problem.empty()) return problem;
      }
    }
    return {};
  }
};

Status check_metadata(const Metadata& metadata, std::uint32_t alignment) {
  if (!is_gguf_alignment(alignment)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a GGUF alignment of {}, expected a power of two from {} to {}", alignment,
                      kGgufMinAlignment, kGgufMaxAlignment);
  }
  if (metadata.entries().size() > kGgufMaxKeys) {
    return make_error(ErrorCode::kInvalidArgument, "{} keys in a GGUF file, expected at most {}",
                      metadata.entries().size(), kGgufMaxKeys);
  }
  for (const auto& [key, value] : metadata.entries()) {
    if (key.empty() || key.size() > kGgufMaxKeyBytes || key.find('\0') != std::string::npos) {
      return refuse("key", key,
                    fmt::format("{} bytes, expected 1 to {} without a zero byte", key.size(),
                                kGgufMaxKeyBytes));
    }
    std::string problem = std::visit(ValueProblem{}, value);
    if (!problem.empty()) return refuse("key", key, std::move(problem));
  }
  // Readers take the alignment from this key, and 32 without it.
  const MetadataValue* stored = metadata.find(kGgufAlignmentKey);
  const bool agrees =
      stored == nullptr ? alignment == kGgufDefaultAlignment : *stored == MetadataValue(alignment);
  if (!agrees) {
    return refuse("key", kGgufAlignmentKey,
                  fmt::format("expected the u32 {}, by which this file is laid out", alignment));
  }
  return {};
}

Result<std::uint64_t> tensor_bytes(const GgufTensorEntry& tensor) {
  const auto bad = [&](std::string why) { return refuse("tensor", tensor.name, std::move(why)); };
  const std::size_t name_bytes = tensor.name.size();
  if (name_bytes == 0 || name_bytes > kGgufMaxNameBytes ||
      tensor.name.find('\0') != std::string::npos) {
    return bad(fmt::format("a name of {} bytes, expected 1 to {} without a zero byte", name_bytes,
                           kGgufMaxNameBytes));
  }
  if (tensor.shape.rank() > kGgufMaxDims) {
    return bad(
        fmt::format("{} dimensions, expected at most {}", tensor.shape.rank(), kGgufMaxDims));
  }
  const auto elems = tensor.shape.checked_elems();
  if (!elems || *elems == 0) {
    return bad(fmt::format("shape {}, expected 1 to 2^63 - 1 elements", tensor.shape.to_string()));
  }
  if (!find_ggml_type_id(tensor.dtype)) {
    return bad(fmt::format("GGUF has no type {}", dtype_name(tensor.dtype)));
  }
  const DTypeInfo& info = dtype_info(tensor.dtype);
  if (tensor.shape.cols() % info.block_elems != 0) {
    return bad(fmt::format("rows of {} elements, expected a multiple of {} for {}",
                           tensor.shape.cols(), info.block_elems, info.name));
  }
  const auto bytes = checked_mul<std::uint64_t>(
      static_cast<std::uint64_t>(*elems / info.block_elems), info.block_bytes);
  if (!bytes) return bad("2^64 bytes or more");
  return *bytes;
}

void put_tensor(HeaderWriter& header, const GgufTensorEntry& tensor, std::uint64_t offset) {
  header.put(tensor.name);
  // A scalar has one dimension in GGUF, because readers refuse none.
  std::vector<std::int64_t> dims = tensor.shape.dims;
  if (dims.empty()) dims.push_back(1);
  header.put(static_cast<std::uint32_t>(dims.size()));
  std::ranges::reverse(dims);
  for (const std::int64_t dim : dims) header.put(dim);
  header.put(ggml_type_id(tensor.dtype));
  header.put(offset);
}

}  // namespace

Result<GgufLayout> plan_gguf(const Metadata& metadata, const std::vector<GgufTensorEntry>& tensors,
                             std::uint32_t alignment) {
  PJ_TRY(check_metadata(metadata, alignment));
  if (tensors.size() > kGgufMaxTensors) {
    return make_error(ErrorCode::kInvalidArgument, "{} tensors in a GGUF file, expected at most {}",
                      tensors.size(), kGgufMaxTensors);
  }
  HeaderWriter header;
  header.append(kGgufMagic);
  header.put(kGgufVersion);
  header.put(static_cast<std::uint64_t>(tensors.size()));
  header.put(static_cast<std::uint64_t>(metadata.entries().size()));
  for (const auto& [key, value] : metadata.entries()) {
    header.put(key);
    std::visit(
        [&](const auto& held) {
          header.put(kTypeNumber<std::remove_cvref_t<decltype(held)>>);
          header.put(held);
        },
        value);
  }

  GgufLayout layout;
  std::uint64_t data_bytes = 0;
  std::unordered_set<std::string_view> names;
  for (const GgufTensorEntry& tensor : tensors) {
    const std::uint64_t bytes = PJ_TRY(tensor_bytes(tensor));
    if (!names.insert(tensor.name).second) {
      return refuse("tensor", tensor.name, "another tensor has the same name");
    }
    put_tensor(header, tensor, data_bytes);
    layout.tensor_offsets.push_back(data_bytes);
    const auto sum = checked_add(data_bytes, bytes);
    const auto end = sum ? checked_align<std::uint64_t>(*sum, alignment) : std::nullopt;
    if (!end || *end > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 2) {
      return refuse("tensor", tensor.name, "the file would have 2^62 bytes or more");
    }
    data_bytes = *end;
  }
  header.pad_to(checked_align<std::uint64_t>(header.bytes(), alignment).value());
  layout.header = header.take();
  for (std::uint64_t& offset : layout.tensor_offsets) offset += layout.header.size();
  layout.file_bytes = layout.header.size() + data_bytes;
  return layout;
}

}  // namespace pajamas
