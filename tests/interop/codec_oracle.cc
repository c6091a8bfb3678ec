// SPDX-License-Identifier: Apache-2.0
// Compares every codec with llama.cpp's own, live.
//
// codec_oracle LIBRARY_FOLDER [SEED]
// LIBRARY_FOLDER holds libggml-base.so. Over a million random values and all hostile rows, each
// with and without importance, must encode to the same bytes; what was encoded, and random bytes,
// must decode to the same floats. One line per codec; exit code 1 when anything differs.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "codecs/codec.h"
#include "codecs/testing/codec_inputs.h"

namespace pajamas {
namespace {

constexpr std::size_t kRandomRows = 1064;  // 76 of each kind, 1.09 million values

struct OracleType {
  DType dtype;
  int ggml_type;
  const char* dequantize;  // nullptr: nothing to decode
};

constexpr OracleType kOracleTypes[] = {
    {DType::kF32, 0, nullptr},
    {DType::kF16, 1, "ggml_fp16_to_fp32_row"},
    {DType::kBF16, 30, "ggml_bf16_to_fp32_row"},
    {DType::kQ4_0, 2, "dequantize_row_q4_0"},
    {DType::kQ4_1, 3, "dequantize_row_q4_1"},
    {DType::kQ5_0, 6, "dequantize_row_q5_0"},
    {DType::kQ5_1, 7, "dequantize_row_q5_1"},
    {DType::kQ8_0, 8, "dequantize_row_q8_0"},
    {DType::kQ2_K, 10, "dequantize_row_q2_K"},
    {DType::kQ3_K, 11, "dequantize_row_q3_K"},
    {DType::kQ4_K, 12, "dequantize_row_q4_K"},
    {DType::kQ5_K, 13, "dequantize_row_q5_K"},
    {DType::kQ6_K, 14, "dequantize_row_q6_K"},
    {DType::kIQ4_NL, 20, "dequantize_row_iq4_nl"},
    {DType::kIQ4_XS, 23, "dequantize_row_iq4_xs"},
    {DType::kTQ1_0, 34, "dequantize_row_tq1_0"},
    {DType::kTQ2_0, 35, "dequantize_row_tq2_0"},
    {DType::kMXFP4, 39, "dequantize_row_mxfp4"},
};

using QuantizeChunk = std::size_t (*)(int type, const float* source, void* out, std::int64_t start,
                                      std::int64_t rows, std::int64_t cols, const float* imatrix);
using DequantizeRow = void (*)(const void* in, float* out, std::int64_t count);

class Comparison {
 public:
  Comparison(const Codec& codec, const OracleType& type, QuantizeChunk quantize,
             DequantizeRow dequantize)
      : codec_(codec), type_(type), quantize_(quantize), dequantize_(dequantize) {}

  void compare_row(std::span<const float> row, std::span<const float> importance,
                   std::string_view what, std::size_t index) {
    const std::size_t bytes = row_bytes(codec_.dtype, static_cast<std::int64_t>(row.size()));
    std::vector<std::byte> ours(bytes);
    std::vector<std::byte> theirs(bytes);
    codec_.encode_row(row, importance, ours);
    quantize_(type_.ggml_type, row.data(), theirs.data(), 0, 1,
              static_cast<std::int64_t>(row.size()),
              importance.empty() ? nullptr : importance.data());
    values_ += row.size();
    if (ours != theirs) {
      ++differing_;
      if (differing_ <= 3) report(ours, theirs, what, index);
    }
    compare_decode(theirs, row.size());
  }

  void compare_decode(std::span<const std::byte> bytes, std::size_t count) {
    if (dequantize_ == nullptr) return;
    std::vector<float> ours(count);
    std::vector<float> theirs(count);
    codec_.decode_row(bytes, ours);
    dequantize_(bytes.data(), theirs.data(), static_cast<std::int64_t>(count));
    testing::unify_nans(ours);
    testing::unify_nans(theirs);
    if (std::memcmp(ours.data(), theirs.data(), count * sizeof(float)) == 0) return;
    ++differing_decodes_;
    if (differing_decodes_ > 3) return;
    for (std::size_t i = 0; i < count; ++i) {
      if (std::bit_cast<std::uint32_t>(ours[i]) == std::bit_cast<std::uint32_t>(theirs[i]))
        continue;
      fmt::print("  {}: decode element {}: {} instead of {}\n", dtype_name(codec_.dtype), i,
                 ours[i], theirs[i]);
      break;
    }
  }

  [[nodiscard]] bool finish() const {
    const bool same = differing_ == 0 && differing_decodes_ == 0;
    fmt::print("{:8} {} values, {} rows encoded differently, {} decoded differently: {}\n",
               dtype_name(codec_.dtype), values_, differing_, differing_decodes_,
               same ? "same" : "DIFFERENT");
    return same;
  }

 private:
  void report(std::span<const std::byte> ours, std::span<const std::byte> theirs,
              std::string_view what, std::size_t index) const {
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (ours[i] == theirs[i]) continue;
      fmt::print("  {}: {} {}: byte {} is {:02x} instead of {:02x}\n", dtype_name(codec_.dtype),
                 what, index, i, std::to_integer<int>(ours[i]), std::to_integer<int>(theirs[i]));
      return;
    }
  }

  const Codec& codec_;
  const OracleType& type_;
  QuantizeChunk quantize_;
  DequantizeRow dequantize_;
  std::size_t values_ = 0;
  std::size_t differing_ = 0;
  std::size_t differing_decodes_ = 0;
};

bool compare_codec(const Codec& codec, const OracleType& type, void* library, std::uint64_t seed) {
  const auto quantize = reinterpret_cast<QuantizeChunk>(dlsym(library, "ggml_quantize_chunk"));
  const auto dequantize = type.dequantize == nullptr
                              ? nullptr
                              : reinterpret_cast<DequantizeRow>(dlsym(library, type.dequantize));
  if (quantize == nullptr || (type.dequantize != nullptr && dequantize == nullptr)) {
    fmt::print("{}: the library lacks its functions\n", dtype_name(codec.dtype));
    return false;
  }
  Comparison comparison(codec, type, quantize, dequantize);
  for (std::size_t row = 0; row < kRandomRows; ++row) {
    const auto values = testing::random_row(seed, row);
    comparison.compare_row(values, {}, "random row", row);
    comparison.compare_row(values, testing::random_importance(seed, row, values.size()),
                           "random row with importance", row);
  }
  const auto hostile = testing::hostile_rows();
  for (std::size_t row = 0; row < hostile.size(); ++row) {
    const auto values = testing::hostile_values(hostile[row]);
    comparison.compare_row(values, {}, "hostile row", row);
    for (std::size_t kind = 0; kind < 2 * testing::kImportanceKinds; ++kind) {
      const auto importance =
          testing::random_importance(seed, kind * testing::kRowKinds, values.size());
      comparison.compare_row(values, importance, "hostile row with importance", row);
    }
  }
  constexpr std::size_t kDecoded = 1U << 20;
  const auto bytes =
      testing::random_bytes(seed, row_bytes(codec.dtype, static_cast<std::int64_t>(kDecoded)));
  comparison.compare_decode(bytes, kDecoded);
  return comparison.finish();
}

int run(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: codec_oracle LIBRARY_FOLDER [SEED]\n");
    return 2;
  }
  const std::string path = std::string(argv[1]) + "/libggml-base.so";
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fmt::print("cannot load {}: {}\n", path, dlerror());
    return 2;
  }
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20260801;
  bool same = true;
  for (const Codec* codec : all_codecs()) {
    const OracleType* found = nullptr;
    for (const OracleType& type : kOracleTypes) {
      if (type.dtype == codec->dtype) found = &type;
    }
    if (found == nullptr) {
      fmt::print("{}: no type of the library is named for it\n", dtype_name(codec->dtype));
      same = false;
      continue;
    }
    same = compare_codec(*codec, *found, library, seed) && same;
  }
  return same ? 0 : 1;
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) { return pajamas::run(argc, argv); }
