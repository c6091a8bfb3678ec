// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_set>

#include "base/checked_math.h"
#include "formats/file_cursor.h"
#include "formats/printable.h"
#include "formats/safetensors/safetensors_json.h"

namespace pajamas {
namespace {

constexpr auto kDtypeNames = std::to_array<std::pair<std::string_view, DType>>({
    {"F64", DType::kF64},
    {"F32", DType::kF32},
    {"F16", DType::kF16},
    {"BF16", DType::kBF16},
    {"F8_E4M3", DType::kF8E4M3},
    {"F8_E5M2", DType::kF8E5M2},
    {"I64", DType::kI64},
    {"I32", DType::kI32},
    {"I16", DType::kI16},
    {"I8", DType::kI8},
    {"U64", DType::kU64},
    {"U32", DType::kU32},
    {"U16", DType::kU16},
    {"U8", DType::kU8},
    {"BOOL", DType::kBool},
});

// {"__metadata__": {key: string}, name: {"dtype": string, "shape": [...], "data_offsets": [b, e]}}
class HeaderSax : public StrictSax {
 public:
  explicit HeaderSax(std::uint64_t data_bytes) : data_bytes_(data_bytes) {}

  // Offsets are from the start of the data section.
  std::vector<TensorInfo> take_tensors() { return std::move(tensors_); }

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) {
      state_ = State::kRoot;
    } else if (state_ == State::kMetadataStart) {
      state_ = State::kMetadata;
    } else if (state_ == State::kEntryStart) {
      state_ = State::kEntry;
      entry_ = {};
    } else {
      return refuse("an object");
    }
    return true;
  }
  bool end_object() override {
    if (state_ == State::kEntry && !finish_entry()) return false;
    state_ = state_ == State::kRoot ? State::kEnd : State::kRoot;
    return true;
  }
  bool key(string_t& key) override {
    if (state_ == State::kRoot) return enter_member(key);
    if (state_ == State::kMetadata) {
      if (metadata_keys_.insert(key).second) return true;
      return fail(fmt::format("__metadata__: the key '{}' stands twice", printable(key)));
    }
    return enter_field(key);
  }
  bool string(string_t& value) override {
    if (state_ == State::kMetadata) return true;
    if (state_ != State::kDtype) return StrictSax::string(value);
    const auto* found =
        std::ranges::find(kDtypeNames, value, [](const auto& pair) { return pair.first; });
    if (found == kDtypeNames.end()) {
      return fail(fmt::format("tensor '{}' has the dtype '{}', which is not supported",
                              printable(name_), printable(value)));
    }
    entry_.dtype = found->second;
    state_ = State::kEntry;
    return true;
  }
  bool start_array(std::size_t) override {
    if (state_ == State::kShapeStart) {
      state_ = State::kShape;
    } else if (state_ == State::kOffsetsStart) {
      state_ = State::kOffsets;
    } else {
      return refuse("an array");
    }
    return true;
  }
  bool end_array() override {
    state_ = State::kEntry;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kOffsets && entry_.offsets.size() < 2) {
      entry_.offsets.push_back(value);
      return true;
    }
    if (state_ != State::kShape || !std::in_range<std::int64_t>(value)) {
      return StrictSax::number_unsigned(value);
    }
    if (entry_.shape.rank() == kSafetensorsMaxDims) {
      return fail(fmt::format("tensor '{}' has more than {} dimensions", printable(name_),
                              kSafetensorsMaxDims));
    }
    entry_.shape.dims.push_back(static_cast<std::int64_t>(value));
    return true;
  }

 protected:
  std::string describe_expected() const override {
    const std::string tensor = fmt::format("for tensor '{}'", printable(name_));
    switch (state_) {
      case State::kStart:
        return "an object of tensors";
      case State::kMetadataStart:
      case State::kMetadata:
        return "__metadata__ to be an object of strings";
      case State::kDtype:
        return "the name of a dtype " + tensor;
      case State::kShapeStart:
      case State::kShape:
        return "a shape of integers from 0 to 2^63 - 1 " + tensor;
      case State::kOffsetsStart:
      case State::kOffsets:
        return "two data_offsets, integers from 0 on, " + tensor;
      default:
        return "an object with dtype, shape and data_offsets " + tensor;
    }
  }

 private:
  enum class State {
    kStart,
    kRoot,
    kMetadataStart,
    kMetadata,
    kEntryStart,
    kEntry,
    kDtype,
    kShapeStart,
    kShape,
    kOffsetsStart,
    kOffsets,
    kEnd,
  };
  struct Entry {
    std::optional<DType> dtype;
    Shape shape;
    bool has_shape = false;
    std::vector<std::uint64_t> offsets;
  };

  bool enter_member(const std::string& key) {
    if (key == "__metadata__") {
      if (has_metadata_) return fail("the key '__metadata__' stands twice");
      has_metadata_ = true;
      state_ = State::kMetadataStart;
      return true;
    }
    if (tensors_.size() == kSafetensorsMaxTensors) {
      return fail(fmt::format("more than {} tensors", kSafetensorsMaxTensors));
    }
    name_ = key;
    state_ = State::kEntryStart;
    return true;
  }

  bool enter_field(const std::string& key) {
    bool is_first = true;
    if (key == "dtype") {
      is_first = !entry_.dtype;
      state_ = State::kDtype;
    } else if (key == "shape") {
      is_first = !entry_.has_shape;
      entry_.has_shape = true;
      state_ = State::kShapeStart;
    } else if (key == "data_offsets") {
      is_first = entry_.offsets.empty();
      state_ = State::kOffsetsStart;
    } else {
      return refuse(fmt::format("the key '{}'", printable(key)));
    }
    if (is_first) return true;
    return fail(fmt::format("tensor '{}': the key '{}' stands twice", printable(name_), key));
  }

  bool finish_entry() {
    if (!entry_.dtype || !entry_.has_shape || entry_.offsets.size() != 2) {
      return refuse("an object without all of them");
    }
    const auto elems = entry_.shape.checked_elems();
    const auto bytes = elems ? checked_mul<std::uint64_t>(static_cast<std::uint64_t>(*elems),
                                                          dtype_info(*entry_.dtype).block_bytes)
                             : std::nullopt;
    const std::uint64_t begin = entry_.offsets[0];
    const std::uint64_t end = entry_.offsets[1];
    const auto what = [&] {
      return fmt::format("tensor '{}': data_offsets [{}, {}]", printable(name_), begin, end);
    };
    if (begin > end) return fail(what() + " end before they begin");
    if (end > data_bytes_) {
      return fail(
          fmt::format("{} pass the end of the data ({} bytes); the file is cut short or wrong",
                      what(), data_bytes_));
    }
    if (!bytes || *bytes != end - begin) {
      return fail(fmt::format("{} hold {} bytes, expected {} for shape {} of {}", what(),
                              end - begin, bytes ? fmt::format("{}", *bytes) : "2^64 or more",
                              entry_.shape.to_string(), dtype_name(*entry_.dtype)));
    }
    tensors_.push_back(
        {std::move(name_), std::move(entry_.shape), *entry_.dtype, *bytes, 0, begin});
    return true;
  }

  std::uint64_t data_bytes_;
  State state_ = State::kStart;
  std::string name_;
  Entry entry_;
  bool has_metadata_ = false;
  std::unordered_set<std::string> metadata_keys_;
  std::vector<TensorInfo> tensors_;
};

// The tensors, sorted by offset, must fill the data section exactly.
Status check_contiguous(std::vector<TensorInfo>& tensors, std::uint64_t data_bytes) {
  std::ranges::sort(tensors, {}, [](const TensorInfo& tensor) {
    return std::tuple(tensor.file_offset, tensor.bytes);
  });
  std::uint64_t end = 0;
  std::string_view before = "the start of the data";
  for (const TensorInfo& tensor : tensors) {
    if (tensor.file_offset != end) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}' begins at {} of the data, expected {}, where '{}' ends: there "
                        "is {}",
                        printable(tensor.name), tensor.file_offset, end, printable(before),
                        tensor.file_offset > end ? "a hole" : "an overlap");
    }
    end = tensor.file_offset + tensor.bytes;
    before = tensor.name;
  }
  if (end != data_bytes) {
    return make_error(ErrorCode::kInvalidData,
                      "the tensors end at {} of the data, but {} bytes of it are in the file", end,
                      data_bytes);
  }
  return {};
}

Result<std::string> read_header_text(FileCursor& cursor) {
  const std::uint64_t file_bytes = cursor.file_bytes();
  if (file_bytes < 8) {
    return make_error(ErrorCode::kInvalidData, "it has {} bytes, too few for a safetensors file",
                      file_bytes);
  }
  const std::string start = PJ_TRY(cursor.read_text(8, "the length of the header"));
  std::uint64_t header_bytes = 0;
  for (std::size_t place = 8; place-- > 0;) {
    header_bytes = header_bytes << 8 | static_cast<unsigned char>(start[place]);
  }
  if (header_bytes > kSafetensorsMaxHeaderBytes || header_bytes > cursor.remaining()) {
    return make_error(
        ErrorCode::kInvalidData,
        "its first 8 bytes give a header of {} bytes, expected at most {} in a file of {}{}",
        header_bytes, std::min(kSafetensorsMaxHeaderBytes, cursor.remaining()), file_bytes,
        describe_foreign_start(start));
  }
  std::string text = PJ_TRY(cursor.read_text(header_bytes, "the header"));
  if (!text.starts_with('{')) {
    return make_error(ErrorCode::kInvalidData, "the header starts with '{}', expected '{{'{}",
                      printable(text.substr(0, 4)), describe_foreign_start(start));
  }
  return text;
}

// {"metadata": anything, "weight_map": {tensor: file}}. Other members are passed over.
class IndexSax : public StrictSax {
 public:
  SafetensorsIndex take() { return std::move(index_); }

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a bool"); }
  bool number_integer(number_integer_t) override { return scalar("a number"); }
  bool number_unsigned(number_unsigned_t) override { return scalar("a number"); }
  bool number_float(number_float_t, const string_t&) override { return scalar("a number"); }
  bool string(string_t& value) override {
    if (!in_weight_map()) return scalar("a string");
    return add_weight(value);
  }
  bool start_object(std::size_t) override {
    if (in_weight_map()) return refuse("an object");
    return enter();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || in_weight_map() || member_ == "weight_map") return refuse("an array");
    return enter();
  }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& key) override {
    if (depth_ == 1) {
      member_ = key;
      if (!members_.insert(key).second) {
        return fail(fmt::format("the key '{}' stands twice", printable(key)));
      }
    }
    if (in_weight_map()) {
      tensor_ = key;
      if (!tensors_.insert(key).second) {
        return fail(fmt::format("weight_map: the tensor '{}' stands twice", printable(key)));
      }
    }
    return true;
  }
  [[nodiscard]] bool has_weight_map() const { return members_.contains("weight_map"); }

 protected:
  std::string describe_expected() const override {
    if (in_weight_map()) {
      return fmt::format("the name of a .safetensors file in the same folder for tensor '{}'",
                         printable(tensor_));
    }
    return "an object with 'weight_map', an object of file names";
  }

 private:
  static constexpr int kMaxDepth = 8;

  bool in_weight_map() const { return depth_ == 2 && member_ == "weight_map"; }
  bool scalar(std::string_view found) {
    if (depth_ == 0 || in_weight_map() || (depth_ == 1 && member_ == "weight_map")) {
      return refuse(found);
    }
    return true;
  }
  bool enter() {
    if (depth_ == kMaxDepth) return fail(fmt::format("nested deeper than {} levels", kMaxDepth));
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  bool add_weight(const std::string& file) {
    // A name that leaves the folder would let a downloaded model name any file of the user's.
    const bool is_plain = file.find('/') == std::string::npos &&
                          file.find('\\') == std::string::npos &&
                          file.find('\0') == std::string::npos && !file.starts_with('.') &&
                          file.ends_with(".safetensors");
    if (!is_plain) return refuse(fmt::format("'{}'", printable(file)));
    index_.weights.emplace_back(tensor_, file);
    index_.files.insert(file);
    return true;
  }

  SafetensorsIndex index_;
  int depth_ = 0;
  std::string member_;
  std::string tensor_;
  std::unordered_set<std::string> members_;
  std::unordered_set<std::string> tensors_;
};

}  // namespace

std::string_view safetensors_type_name(DType dtype) {
  const auto* found =
      std::ranges::find(kDtypeNames, dtype, [](const auto& pair) { return pair.second; });
  return found == kDtypeNames.end() ? std::string_view() : found->first;
}

Result<std::vector<TensorInfo>> read_safetensors_header(const File& file) {
  FileCursor cursor = PJ_TRY(FileCursor::at_start(file));
  const std::string text = PJ_TRY(read_header_text(cursor));
  const std::uint64_t data_start = cursor.offset();
  HeaderSax sax(cursor.remaining());
  if (!nlohmann::json::sax_parse(text, &sax)) {
    const bool is_dtype = sax.problem().ends_with("not supported");
    return make_error(is_dtype ? ErrorCode::kUnsupported : ErrorCode::kInvalidData, "header: {}",
                      sax.problem());
  }
  std::vector<TensorInfo> tensors = sax.take_tensors();
  PJ_TRY(check_contiguous(tensors, cursor.remaining()));
  for (TensorInfo& tensor : tensors) tensor.file_offset += data_start;
  return tensors;
}

Result<SafetensorsIndex> read_safetensors_index(const std::filesystem::path& path) {
  const std::string text = PJ_TRY(read_text_file(path, kSafetensorsMaxIndexBytes));
  IndexSax sax;
  if (!nlohmann::json::sax_parse(text, &sax)) {
    return make_error(ErrorCode::kInvalidData, "'{}': {}", path.string(), sax.problem());
  }
  if (!sax.has_weight_map()) {
    return make_error(ErrorCode::kInvalidData, "'{}': it has no 'weight_map'", path.string());
  }
  return sax.take();
}

}  // namespace pajamas
