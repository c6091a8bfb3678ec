// SPDX-License-Identifier: Apache-2.0
#include "formats/mlx/mlx_folder.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "codecs/mlx/mlx_codec.h"
#include "formats/printable.h"
#include "formats/safetensors/safetensors_source.h"

namespace pajamas {
namespace {

constexpr std::string_view kWeight = ".weight";
// Rows that one read of the F32 view decodes at a time are about this many bytes.
constexpr std::uint64_t kDecodeBytes = std::uint64_t{1} << 20;

std::unexpected<Error> misfit(const TensorInfo& part, std::string_view expected) {
  return make_error(ErrorCode::kInvalidData, "tensor '{}' is {} {}, expected {}",
                    printable(part.name), dtype_name(part.dtype), part.shape.to_string(), expected);
}

// Scales or biases: the shape of the codes with one element for each group.
Status check_params(const TensorInfo& part, const MlxTensor& tensor) {
  Shape expected = tensor.shape;
  expected.dims.back() = tensor.quantization->groups(tensor.shape.cols());
  if (part.shape == expected) return {};
  return misfit(part, fmt::format("{} for weights {} as {}", expected.to_string(),
                                  tensor.shape.to_string(), tensor.quantization->name()));
}

bool is_scale_dtype(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

class DecodedSource final : public TensorSource {
 public:
  explicit DecodedSource(const MlxFolder& folder) : folder_(folder) {
    for (const MlxTensor& tensor : folder_.tensors()) {
      TensorInfo info = *tensor.codes;
      if (tensor.quantization) {
        info.shape = tensor.shape;
        info.dtype = DType::kF32;
        info.bytes = static_cast<std::uint64_t>(info.shape.elems()) * sizeof(float);
      }
      infos_.push_back(std::move(info));
    }
    for (std::size_t i = 0; i < infos_.size(); ++i) by_name_[infos_[i].name] = i;
  }

  std::span<const TensorInfo> tensors() const override { return infos_; }
  std::span<const std::filesystem::path> files() const override { return folder_.stored().files(); }
  const TensorInfo* find(std::string_view name) const override {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &infos_[found->second];
  }
  Status read(const TensorInfo& info, std::uint64_t offset,
              std::span<std::byte> out) const override {
    const MlxTensor* tensor = folder_.find(info.name);
    PJ_CHECK(tensor != nullptr && offset <= info.bytes && out.size() <= info.bytes - offset);
    if (!tensor->quantization) return folder_.stored().read(*tensor->codes, offset, out);
    const std::uint64_t row_size = static_cast<std::uint64_t>(tensor->shape.cols()) * sizeof(float);
    std::vector<float> rows;
    while (!out.empty()) {
      const std::uint64_t first_row = offset / row_size;
      const std::uint64_t skip = offset % row_size;
      const std::uint64_t wanted = (skip + out.size() + row_size - 1) / row_size;
      const std::uint64_t count = std::clamp<std::uint64_t>(kDecodeBytes / row_size, 1, wanted);
      rows.resize(static_cast<std::size_t>(count * row_size / sizeof(float)));
      PJ_TRY(folder_.decode_rows(*tensor, static_cast<std::int64_t>(first_row),
                                 static_cast<std::int64_t>(count), rows));
      const std::span decoded = std::as_bytes(std::span(rows)).subspan(skip);
      const std::size_t bytes = std::min(out.size(), decoded.size());
      std::memcpy(out.data(), decoded.data(), bytes);
      out = out.subspan(bytes);
      offset += bytes;
    }
    return {};
  }

 private:
  const MlxFolder& folder_;
  std::vector<TensorInfo> infos_;
  std::unordered_map<std::string_view, std::size_t> by_name_;  // keys live in infos_
};

}  // namespace

Result<std::unique_ptr<MlxFolder>> MlxFolder::open(const std::filesystem::path& path,
                                                   const MlxQuantizationConfig& config) {
  auto folder = std::make_unique<MlxFolder>();
  folder->stored_ = PJ_TRY(open_safetensors(path));
  for (const TensorInfo& tensor : folder->stored_->tensors()) {
    const std::string_view name = tensor.name;
    const std::size_t dot = name.rfind('.');
    const std::string module(name.substr(0, dot == std::string_view::npos ? 0 : dot));
    const bool has_scales = folder->stored_->find(module + ".scales") != nullptr;
    const bool is_quantized =
        has_scales && folder->stored_->find(module + std::string(kWeight)) != nullptr;
    const bool is_param = name.ends_with(".scales") || name.ends_with(".biases");
    if (is_quantized && name.ends_with(kWeight)) {
      PJ_TRY(folder->add_quantized(tensor, module, config));
    } else if (!is_quantized || !is_param) {
      folder->tensors_.push_back(
          {.name = tensor.name, .shape = tensor.shape, .dtype = tensor.dtype, .codes = &tensor});
    }
  }
  for (std::size_t i = 0; i < folder->tensors_.size(); ++i) {
    folder->by_name_[folder->tensors_[i].name] = i;
  }
  return folder;
}

Status MlxFolder::add_quantized(const TensorInfo& weight, std::string_view module,
                                const MlxQuantizationConfig& config) {
  const auto quantization = config.find(module);
  if (!quantization) {
    return make_error(ErrorCode::kInvalidData,
                      "tensor '{}' has scales, but config.json says that '{}' is not quantized",
                      printable(weight.name), printable(module));
  }
  MlxTensor tensor{.name = weight.name, .shape = weight.shape, .quantization = quantization};
  tensor.codes = &weight;
  tensor.scales = stored_->find(fmt::format("{}.scales", module));
  tensor.biases = stored_->find(fmt::format("{}.biases", module));
  if (weight.dtype != DType::kU32 || weight.shape.rank() < 2 || weight.shape.elems() == 0) {
    return misfit(weight, "a matrix of packed codes (u32)");
  }
  // Under 2^62: the words are in the file.
  tensor.shape.dims.back() = weight.shape.cols() * 32 / quantization->bits;
  if (weight.shape.cols() * 32 % quantization->bits != 0 ||
      !quantization->fits(tensor.shape.cols())) {
    return misfit(weight, fmt::format("rows of whole groups as {}", quantization->name()));
  }
  PJ_TRY(check_params(*tensor.scales, tensor));
  if (quantization->has_biases()) {
    if (!is_scale_dtype(tensor.scales->dtype)) return misfit(*tensor.scales, "f32, f16 or bf16");
    if (tensor.biases == nullptr) {
      return make_error(ErrorCode::kInvalidData, "tensor '{}.biases' is missing: '{}' is {}",
                        printable(module), printable(weight.name), quantization->name());
    }
    PJ_TRY(check_params(*tensor.biases, tensor));
    if (tensor.biases->dtype != tensor.scales->dtype) {
      return misfit(*tensor.biases,
                    fmt::format("{} as its scales", dtype_name(tensor.scales->dtype)));
    }
    tensor.dtype = tensor.scales->dtype;
  } else {
    if (tensor.scales->dtype != DType::kU8) return misfit(*tensor.scales, "u8");
    tensor.biases = nullptr;
  }
  tensors_.push_back(std::move(tensor));
  return {};
}

const MlxTensor* MlxFolder::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

Status MlxFolder::read_records(const MlxTensor& tensor, std::int64_t first_row,
                               std::int64_t row_count, std::span<std::byte> out) const {
  PJ_CHECK(tensor.quantization.has_value());
  const std::int64_t cols = tensor.shape.cols();
  const auto count = static_cast<std::size_t>(row_count);
  const auto record_bytes = static_cast<std::size_t>(row_bytes(tensor.type(), cols));
  PJ_CHECK(out.size() == count * record_bytes);
  const std::uint64_t scale_bytes = tensor.quantization->scale_bytes(cols, tensor.dtype);
  std::vector<std::byte> rows;
  std::byte* place = out.data();
  for (const TensorInfo* part : {tensor.codes, tensor.scales, tensor.biases}) {
    if (part == nullptr) continue;
    const auto bytes = static_cast<std::size_t>(
        part == tensor.codes ? tensor.quantization->code_bytes(cols) : scale_bytes);
    rows.resize(count * bytes);
    PJ_TRY(stored_->read(*part, static_cast<std::uint64_t>(first_row) * bytes, rows));
    for (std::size_t row = 0; row < count; ++row) {
      std::memcpy(place + row * record_bytes, rows.data() + row * bytes, bytes);
    }
    place += bytes;
  }
  return {};
}

Status MlxFolder::decode_rows(const MlxTensor& tensor, std::int64_t first_row,
                              std::int64_t row_count, std::span<float> out) const {
  const std::int64_t cols = tensor.shape.cols();
  const WeightType type = tensor.type();
  const auto count = static_cast<std::size_t>(row_count);
  const auto record_bytes = static_cast<std::size_t>(row_bytes(type, cols));
  PJ_CHECK(out.size() == count * static_cast<std::size_t>(cols));
  std::vector<std::byte> records(count * record_bytes);
  PJ_TRY(read_records(tensor, first_row, row_count, records));
  for (std::size_t row = 0; row < count; ++row) {
    decode_mlx_row(
        type.quantization(), type.dtype(),
        view_mlx_record(type, records.data() + row * record_bytes, cols, 0, cols),
        out.subspan(row * static_cast<std::size_t>(cols), static_cast<std::size_t>(cols)));
  }
  return {};
}

Result<std::unique_ptr<MlxFolder>> open_mlx_folder(const std::filesystem::path& folder) {
  const Json config = PJ_TRY(read_json_file(folder / "config.json", {}));
  const auto quantization = PJ_TRY(parse_mlx_quantization(config));
  return MlxFolder::open(folder, quantization.value_or(MlxQuantizationConfig{}));
}

std::unique_ptr<TensorSource> make_mlx_source(const MlxFolder& folder) {
  return std::make_unique<DecodedSource>(folder);
}

}  // namespace pajamas
