// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_header.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "base/checked_math.h"
#include "formats/file_cursor.h"
#include "formats/gguf/gguf_types.h"
#include "formats/printable.h"

namespace pajamas {
namespace {

// The least bytes a key with its value, and the description of a tensor, can take.
constexpr std::uint64_t kMinKeyRecordBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorRecordBytes = 8 + 1 + 4 + 4 + 8;

Result<std::string> read_string(FileCursor& cursor, std::uint64_t max_bytes,
                                std::string_view what) {
  const auto bytes = PJ_TRY(cursor.read<std::uint64_t>(what));
  if (bytes > max_bytes) {
    return make_error(ErrorCode::kInvalidData, "{} has {} bytes, expected at most {}", what, bytes,
                      max_bytes);
  }
  return cursor.read_text(bytes, what);
}

Result<bool> read_bool(FileCursor& cursor) {
  const auto byte = PJ_TRY(cursor.read<std::uint8_t>("a bool"));
  if (byte > 1) {
    return make_error(ErrorCode::kInvalidData, "a bool is {}, expected 0 or 1", byte);
  }
  return byte == 1;
}

template <typename T>
Result<MetadataValue> read_scalar(FileCursor& cursor) {
  if constexpr (std::is_same_v<T, std::string>) {
    return PJ_TRY(read_string(cursor, kGgufMaxStringBytes, "the string"));
  } else if constexpr (std::is_same_v<T, bool>) {
    return PJ_TRY(read_bool(cursor));
  } else {
    return PJ_TRY(cursor.read<T>("the value"));
  }
}

template <typename T>
Result<MetadataValue> read_array(FileCursor& cursor, std::uint64_t count) {
  // A string takes at least the 8 bytes of its length.
  const std::uint64_t elem_bytes = std::is_same_v<T, std::string> ? 8 : sizeof(T);
  PJ_TRY(cursor.need(count * elem_bytes, fmt::format("an array of {} elements", count)));
  std::vector<T> values;
  if constexpr (std::is_same_v<T, std::string>) {
    values.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t place = 0; place < count; ++place) {
      values.push_back(PJ_TRY(read_string(cursor, kGgufMaxStringBytes, "a string of the array")));
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    values.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t place = 0; place < count; ++place) {
      values.push_back(PJ_TRY(read_bool(cursor)));
    }
  } else {
    values.resize(static_cast<std::size_t>(count));
    PJ_TRY(cursor.read_into(std::as_writable_bytes(std::span(values)), "the array"));
  }
  return MetadataValue(std::move(values));
}

Result<MetadataValue> read_array_value(FileCursor& cursor) {
  const auto type = PJ_TRY(cursor.read<std::uint32_t>("the type of an array's elements"));
  const auto count = PJ_TRY(cursor.read<std::uint64_t>("the length of an array"));
  if (count > kGgufMaxArrayElems) {
    return make_error(ErrorCode::kInvalidData, "an array has {} elements, expected at most {}",
                      count, kGgufMaxArrayElems);
  }
  switch (type) {
#define PJ_READ(number, name, cpp_type) \
  case number:                          \
    return read_array<cpp_type>(cursor, count);
    PJ_GGUF_VALUE_TYPES(PJ_READ)
#undef PJ_READ
    case kGgufArrayType:
      return make_error(ErrorCode::kInvalidData,
                        "an array of arrays, expected an array of numbers, bools or strings");
    default:
      return make_error(ErrorCode::kInvalidData,
                        "array elements of type {}, expected a type from 0 to 12", type);
  }
}

Result<MetadataValue> read_value(FileCursor& cursor) {
  const auto type = PJ_TRY(cursor.read<std::uint32_t>("the type of the value"));
  switch (type) {
#define PJ_READ(number, name, cpp_type) \
  case number:                          \
    return read_scalar<cpp_type>(cursor);
    PJ_GGUF_VALUE_TYPES(PJ_READ)
#undef PJ_READ
    case kGgufArrayType:
      return read_array_value(cursor);
    default:
      return make_error(ErrorCode::kInvalidData,
                        "its value has type {}, expected a type from 0 to 12", type);
  }
}

Result<Metadata> read_metadata(FileCursor& cursor, std::uint64_t n_kv) {
  Metadata metadata;
  std::unordered_set<std::string> seen;
  for (std::uint64_t place = 0; place < n_kv; ++place) {
    auto key = read_string(cursor, kGgufMaxKeyBytes, "the key");
    if (!key) {
      return std::unexpected(
          key.error().with_context(fmt::format("key {} of {}", place + 1, n_kv)));
    }
    const auto context = [&] { return fmt::format("key '{}'", printable(*key)); };
    if (key->empty() || key->find('\0') != std::string::npos) {
      return make_error(ErrorCode::kInvalidData,
                        "key {} of {} is '{}', expected at least one byte and no zero byte",
                        place + 1, n_kv, printable(*key));
    }
    if (!seen.insert(*key).second) {
      return make_error(ErrorCode::kInvalidData, "{} stands twice, expected every key once",
                        context());
    }
    auto value = read_value(cursor);
    if (!value) return std::unexpected(value.error().with_context(context()));
    metadata.set(*key, *std::move(value));
  }
  return metadata;
}

Result<std::uint32_t> read_alignment(const Metadata& metadata) {
  const MetadataValue* value = metadata.find(kGgufAlignmentKey);
  if (value == nullptr) return kGgufDefaultAlignment;
  const auto* alignment = std::get_if<std::uint32_t>(value);
  if (alignment == nullptr) {
    return make_error(ErrorCode::kInvalidData, "key '{}' has another type than u32, expected u32",
                      kGgufAlignmentKey);
  }
  if (!is_gguf_alignment(*alignment)) {
    return make_error(ErrorCode::kInvalidData,
                      "key '{}' is {}, expected a power of two from {} to {}", kGgufAlignmentKey,
                      *alignment, kGgufMinAlignment, kGgufMaxAlignment);
  }
  return *alignment;
}

Result<DType> to_dtype(std::uint32_t id) {
  const GgmlType* type = find_any_ggml_type(id);
  if (type == nullptr) {
    return make_error(ErrorCode::kUnsupported,
                      "type {} is unknown (it may come from a fork of llama.cpp), expected one of "
                      "the types llama.cpp has",
                      id);
  }
  if (type->is_removed) {
    return make_error(ErrorCode::kUnsupported,
                      "type {} ({}) was removed from the format; convert the original model again",
                      id, type->name);
  }
  if (!type->dtype) {
    return make_error(ErrorCode::kUnsupported, "type {} ({}) is not supported yet", id, type->name);
  }
  return *type->dtype;
}

Result<Shape> read_shape(FileCursor& cursor) {
  const auto n_dims = PJ_TRY(cursor.read<std::uint32_t>("the number of dimensions"));
  // None is a scalar; the Python writer makes them.
  if (n_dims > kGgufMaxDims) {
    return make_error(ErrorCode::kInvalidData, "it has {} dimensions, expected at most {}", n_dims,
                      kGgufMaxDims);
  }
  Shape shape;
  shape.dims.resize(n_dims);
  for (std::uint32_t dim = 0; dim < n_dims; ++dim) {
    const auto elems = PJ_TRY(cursor.read<std::int64_t>("a dimension"));
    if (elems < 1) {
      return make_error(ErrorCode::kInvalidData, "dimension {} is {}, expected at least 1", dim,
                        elems);
    }
    shape.dims[n_dims - 1 - dim] = elems;  // the file has the row length first
  }
  if (!shape.checked_elems()) {
    return make_error(ErrorCode::kInvalidData, "shape {} has 2^63 elements or more",
                      shape.to_string());
  }
  return shape;
}

Result<std::uint64_t> stored_bytes(const Shape& shape, DType dtype) {
  const DTypeInfo& info = dtype_info(dtype);
  if (shape.cols() % info.block_elems != 0) {
    return make_error(ErrorCode::kInvalidData,
                      "a row has {} elements, expected a multiple of {} for {}", shape.cols(),
                      info.block_elems, info.name);
  }
  const auto blocks = static_cast<std::uint64_t>(shape.elems() / info.block_elems);
  const auto bytes = checked_mul<std::uint64_t>(blocks, info.block_bytes);
  if (!bytes || *bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return make_error(ErrorCode::kInvalidData, "shape {} of type {} has 2^63 bytes or more",
                      shape.to_string(), info.name);
  }
  return *bytes;
}

// The offset in the result is still from the start of the data section.
Result<TensorInfo> read_tensor_after_name(FileCursor& cursor, std::string name) {
  TensorInfo tensor;
  tensor.name = std::move(name);
  tensor.shape = PJ_TRY(read_shape(cursor));
  const auto type = PJ_TRY(cursor.read<std::uint32_t>("the type"));
  tensor.dtype = PJ_TRY(to_dtype(type));
  tensor.bytes = PJ_TRY(stored_bytes(tensor.shape, tensor.dtype));
  tensor.file_offset = PJ_TRY(cursor.read<std::uint64_t>("the offset"));
  return tensor;
}

Result<std::vector<TensorInfo>> read_tensors(FileCursor& cursor, std::uint64_t n_tensors) {
  std::vector<TensorInfo> tensors;
  tensors.reserve(static_cast<std::size_t>(n_tensors));
  for (std::uint64_t place = 0; place < n_tensors; ++place) {
    auto name = read_string(cursor, kGgufMaxNameBytes, "the name");
    if (!name || name->empty() || name->find('\0') != std::string::npos) {
      const std::string context = fmt::format("tensor {} of {}", place + 1, n_tensors);
      if (!name) return std::unexpected(name.error().with_context(context));
      return make_error(ErrorCode::kInvalidData,
                        "{}: its name is '{}', expected at least one byte and no zero byte",
                        context, printable(*name));
    }
    auto tensor = read_tensor_after_name(cursor, *name);
    if (!tensor) {
      return std::unexpected(
          tensor.error().with_context(fmt::format("tensor '{}'", printable(*name))));
    }
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

// Makes offsets count from the start of the file and checks that each tensor lies inside it.
Status place_tensors(std::vector<TensorInfo>& tensors, std::uint64_t header_bytes,
                     std::uint32_t alignment, std::uint64_t file_bytes) {
  const auto data_start = checked_align<std::uint64_t>(header_bytes, alignment);
  for (TensorInfo& tensor : tensors) {
    if (tensor.file_offset % alignment != 0) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}': offset {} is not a multiple of the alignment {}",
                        printable(tensor.name), tensor.file_offset, alignment);
    }
    const auto start = checked_add<std::uint64_t>(data_start.value(), tensor.file_offset);
    const auto end = start ? checked_add(*start, tensor.bytes) : std::nullopt;
    if (!end || *end > file_bytes) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}': {} bytes at offset {} of the data section, which starts at "
                        "{}, pass the end of the file ({} bytes); the file is cut short or wrong",
                        printable(tensor.name), tensor.bytes, tensor.file_offset,
                        data_start.value(), file_bytes);
    }
    tensor.file_offset = *start;
  }
  return {};
}

Status check_no_overlap(const std::vector<TensorInfo>& tensors) {
  std::vector<const TensorInfo*> by_offset;
  for (const TensorInfo& tensor : tensors) by_offset.push_back(&tensor);
  std::ranges::sort(by_offset, {}, &TensorInfo::file_offset);
  for (std::size_t place = 1; place < by_offset.size(); ++place) {
    const TensorInfo& before = *by_offset[place - 1];
    const TensorInfo& after = *by_offset[place];
    if (before.file_offset + before.bytes > after.file_offset) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}' (from offset {}) starts inside tensor '{}' (from {} to {})",
                        printable(after.name), after.file_offset, printable(before.name),
                        before.file_offset, before.file_offset + before.bytes);
    }
  }
  return {};
}

Status check_magic(FileCursor& cursor) {
  const std::string start =
      PJ_TRY(cursor.read_text(std::min<std::uint64_t>(4, cursor.remaining()), "the magic"));
  if (start != kGgufMagic) {
    return make_error(ErrorCode::kInvalidData, "it starts with '{}', expected 'GGUF'{}",
                      printable(start), describe_foreign_start(start));
  }
  return {};
}

Status check_version(std::uint32_t version) {
  if (version != 0 && (version & 0xffffU) == 0) {
    return make_error(ErrorCode::kUnsupported,
                      "version {:#x} has its bytes in the other order: a big-endian GGUF, expected "
                      "a little-endian one",
                      version);
  }
  if (version == 1) {
    return make_error(ErrorCode::kUnsupported,
                      "GGUF version 1 is not supported, expected 2 or 3; convert the original "
                      "model again");
  }
  if (version < 2 || version > kGgufVersion) {
    return make_error(ErrorCode::kUnsupported, "GGUF version {}, expected 2 or 3", version);
  }
  return {};
}

Status check_count(std::string_view what, std::uint64_t count, std::uint64_t max_count,
                   std::uint64_t min_record_bytes, const FileCursor& cursor) {
  const std::uint64_t fitting = cursor.remaining() / min_record_bytes;
  if (count > std::min(max_count, fitting)) {
    return make_error(ErrorCode::kInvalidData,
                      "the header declares {} {}, expected at most {} in the {} bytes after it",
                      count, what, std::min(max_count, fitting), cursor.remaining());
  }
  return {};
}

}  // namespace

Result<GgufHeader> read_gguf_header(const File& file) {
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  PJ_TRY(check_magic(cursor));
  const auto version = PJ_TRY(cursor.read<std::uint32_t>("the version"));
  PJ_TRY(check_version(version));
  const auto n_tensors = PJ_TRY(cursor.read<std::uint64_t>("the number of tensors"));
  const auto n_kv = PJ_TRY(cursor.read<std::uint64_t>("the number of keys"));
  PJ_TRY(check_count("tensors", n_tensors, kGgufMaxTensors, kMinTensorRecordBytes, cursor));
  PJ_TRY(check_count("keys", n_kv, kGgufMaxKeys, kMinKeyRecordBytes, cursor));

  GgufHeader header;
  header.metadata = PJ_TRY(read_metadata(cursor, n_kv));
  header.alignment = PJ_TRY(read_alignment(header.metadata));
  // Again: the keys have taken some of the bytes.
  PJ_TRY(check_count("tensors", n_tensors, kGgufMaxTensors, kMinTensorRecordBytes, cursor));
  header.tensors = PJ_TRY(read_tensors(cursor, n_tensors));
  PJ_TRY(place_tensors(header.tensors, cursor.offset(), header.alignment, cursor.file_bytes()));
  PJ_TRY(check_no_overlap(header.tensors));
  return header;
}

Result<std::optional<std::uint64_t>> get_unsigned(const Metadata& metadata, std::string_view key) {
  const MetadataValue* value = metadata.find(key);
  if (value == nullptr) return std::nullopt;
  const auto integer = std::visit(
      [](const auto& held) -> std::optional<std::uint64_t> {
        using T = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          if (std::in_range<std::uint64_t>(held)) return static_cast<std::uint64_t>(held);
        }
        return std::nullopt;
      },
      *value);
  if (!integer) {
    return make_error(ErrorCode::kInvalidData, "key '{}' is not an integer from 0 on, as expected",
                      key);
  }
  return integer;
}

}  // namespace pajamas
