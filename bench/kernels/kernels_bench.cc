// SPDX-License-Identifier: Apache-2.0
// kernels_bench LLAMA_LIB_DIR [TYPE...]
//
// Nanoseconds per weight of every kernel table and of llama.cpp's ggml_quantize_chunk, on one
// thread and the same weights (BF16-rounded normal values, 2048 columns), with and without
// importance. Each number is the least of several runs, so that other work on the machine counts
// little. LLAMA_LIB_DIR holds libggml-base.so.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "codecs/codec.h"
#include "kernels/kernel_table.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

constexpr std::int64_t kCols = 2048;
constexpr std::int64_t kRows = 128;

using QuantizeChunk = std::size_t (*)(int type, const float* src, void* dst, std::int64_t start,
                                      std::int64_t nrows, std::int64_t n_per_row,
                                      const float* imatrix);
using QuantizeInit = void (*)(int type);

struct Type {
  DType dtype;
  int ggml_type;
};
constexpr Type kTypes[] = {
    {DType::kQ4_K, 12},  {DType::kQ6_K, 14},  {DType::kQ5_K, 13},   {DType::kQ3_K, 11},
    {DType::kQ2_K, 10},  {DType::kQ8_0, 8},   {DType::kQ4_0, 2},    {DType::kQ4_1, 3},
    {DType::kQ5_0, 6},   {DType::kQ5_1, 7},   {DType::kIQ4_NL, 20}, {DType::kIQ4_XS, 23},
    {DType::kTQ1_0, 34}, {DType::kTQ2_0, 35}, {DType::kMXFP4, 39},  {DType::kF16, 1},
    {DType::kBF16, 30},
};

std::vector<float> make_weights() {
  std::vector<float> weights(static_cast<std::size_t>(kCols * kRows));
  std::uint64_t state = 7;
  const auto uniform = [&] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
  };
  for (float& weight : weights) {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    const double normal = radius * std::cos(2.0 * std::numbers::pi * uniform());
    weight = bf16_to_f32(f32_to_bf16(static_cast<float>(0.02 * normal)));
  }
  return weights;
}

// Least nanoseconds per weight over runs that last `budget` together, at least three.
template <typename Run>
double measure(Run run) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::duration<double> kBudget(0.3);
  const auto start = Clock::now();
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < 3 || Clock::now() - start < kBudget; ++i) {
    const auto before = Clock::now();
    run();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - before).count());
  }
  return least * 1e9 / static_cast<double>(kCols * kRows);
}

class Bench {
 public:
  explicit Bench(QuantizeChunk peer)
      : peer_(peer), weights_(make_weights()), out_(weights_.size() * 4) {}

  void run(const Type& type, const float* importance) {
    // The plain float types are no work for the peer's quantizer.
    const bool has_peer = is_block_quantized(type.dtype);
    const double peer = !has_peer ? 0.0 : measure([&] {
      peer_(type.ggml_type, weights_.data(), out_.data(), 0, kRows, kCols, importance);
    });
    for (const KernelTable* table : all_kernel_tables()) {
      const double ours = measure([&] {
        encode_rows(table, type.dtype, weights_.data(), kRows, kCols, importance, out_.data());
      });
      fmt::print("{:8} {:10} {:8} {:9.3f}", dtype_name(type.dtype),
                 importance == nullptr ? "-" : "importance", isa_name(table->isa), ours);
      if (has_peer) fmt::print(" {:9.3f} {:7.2f}", peer, peer / ours);
      fmt::print("\n");
      std::fflush(stdout);
    }
  }

  void run_decoders() {
    for (const auto& [dtype, ggml_type] : kTypes) {
      encode_rows(nullptr, dtype, weights_.data(), kRows, kCols, nullptr, out_.data());
      std::vector<float> decoded(weights_.size());
      for (const KernelTable* table : all_kernel_tables()) {
        const double ours =
            measure([&] { decode_rows(table, dtype, out_.data(), kRows, kCols, decoded.data()); });
        fmt::print("{:8} {:10} {:8} {:9.3f}\n", dtype_name(dtype), "decode", isa_name(table->isa),
                   ours);
      }
    }
    for (const KernelTable* table : all_kernel_tables()) {
      std::int64_t found = 0;
      const double ours =
          measure([&] { found += find_non_finite(table, weights_.data(), kRows * kCols); });
      fmt::print("{:8} {:10} {:8} {:9.3f} {}\n", "f32", "finite?", isa_name(table->isa), ours,
                 found < 0 ? "" : "found");
    }
  }

 private:
  QuantizeChunk peer_;
  std::vector<float> weights_;
  std::vector<std::byte> out_;
};

int run(std::span<char*> arguments) {
  const std::string path = std::string(arguments[1]) + "/libggml-base.so";
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fmt::print(stderr, "kernels_bench: {}\n", dlerror());
    return 1;
  }
  const auto quantize = reinterpret_cast<QuantizeChunk>(dlsym(library, "ggml_quantize_chunk"));
  const auto init = reinterpret_cast<QuantizeInit>(dlsym(library, "ggml_quantize_init"));
  if (quantize == nullptr || init == nullptr) {
    fmt::print(stderr, "kernels_bench: {} has no ggml_quantize_chunk\n", path);
    return 1;
  }
  const auto wanted = arguments.subspan(2);
  const auto is_wanted = [&](std::string_view name) {
    return wanted.empty() || std::ranges::any_of(wanted, [&](const char* w) { return name == w; });
  };
  Bench bench(quantize);
  const std::vector<float> importance(static_cast<std::size_t>(kCols), 1.0F);
  fmt::print("{:8} {:10} {:8} {:>9} {:>9} {:>7}   ns per weight\n", "type", "", "table", "ours",
             "peer", "ratio");
  for (const Type& type : kTypes) {
    if (!is_wanted(dtype_name(type.dtype))) continue;
    init(type.ggml_type);
    bench.run(type, nullptr);
    if (find_codec(type.dtype)->uses_importance) bench.run(type, importance.data());
  }
  if (is_wanted("decode")) bench.run_decoders();
  return 0;
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: kernels_bench LLAMA_LIB_DIR [TYPE...|decode]\n");
    return 2;
  }
  return pajamas::run(std::span(argv, static_cast<std::size_t>(argc)));
}
