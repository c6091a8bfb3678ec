// SPDX-License-Identifier: Apache-2.0
// matmul_bench [TABLE|-] [TYPE...]
//
// The products of every weight type, MLX's too (affine4_g64, mxfp4, ..), on one thread: shapes of a
// model of 1.2 billion weights, 1, 8 and 512 tokens. Beside the time: billions of operations per
// second, as a share of what a loop of nothing but dot products reaches here, and bytes of weights
// per second, as a share of what a plain read loop reaches. Each number is the least of several
// runs.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/cpu_features.h"
#include "codecs/codec.h"
#include "kernels/kernel_table.h"
#include "kernels/matmul.h"
#include "kernels/peak_loops.h"

namespace pajamas {
namespace {

struct Shape {
  std::int64_t rows;
  std::int64_t cols;
};
constexpr Shape kShapes[] = {{2048, 2048}, {8192, 2048}, {2048, 8192}, {32768, 2048}};
constexpr std::int64_t kTokens[] = {1, 8, 512};

template <typename Run>
double least_seconds(double budget, Run run) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < 2 || std::chrono::duration<double>(Clock::now() - start).count() < budget;
       ++i) {
    const auto before = Clock::now();
    run();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - before).count());
  }
  return least;
}

// Zeroed memory in huge pages where the system gives them, as the runtime keeps weights.
class Buffer {
 public:
  explicit Buffer(std::size_t n)
      : bytes_((n + kHuge) / kHuge * kHuge),
        data_(static_cast<std::byte*>(std::aligned_alloc(kHuge, bytes_))) {
    PJ_CHECK(data_ != nullptr);
    madvise(data_.get(), bytes_, MADV_HUGEPAGE);
    std::memset(data_.get(), 0, bytes_);
  }
  std::byte* data() { return data_.get(); }

 private:
  static constexpr std::size_t kHuge = std::size_t{2} << 20;
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::size_t bytes_;
  std::unique_ptr<std::byte, Free> data_;
};

// Codes of any bits; scales must stay finite, so real weights are encoded and repeated.
void encode(WeightType type, const std::vector<float>& rows, std::int64_t n_rows, std::int64_t cols,
            std::vector<std::byte>& out) {
  if (!type.is_mlx()) {
    return encode_rows(nullptr, type.dtype(), rows.data(), n_rows, cols, nullptr, out.data());
  }
  const auto part = [](std::span<const std::byte> bytes) {
    return std::span(const_cast<std::byte*>(bytes.data()), bytes.size());
  };
  for (std::int64_t row = 0; row < n_rows; ++row) {
    const std::byte* const record =
        out.data() + static_cast<std::uint64_t>(row) * row_bytes(type, cols);
    const MlxRowView view = view_mlx_record(type, record, cols, 0, cols);
    encode_mlx_row({.quantization = type.quantization(), .scale_dtype = type.dtype()},
                   std::span(rows).subspan(static_cast<std::size_t>(row * cols),
                                           static_cast<std::size_t>(cols)),
                   {part(view.codes), part(view.scales), part(view.biases)});
  }
}

std::vector<std::byte> stored_weights(WeightType type, const Shape& shape) {
  constexpr std::int64_t kDistinct = 64;
  std::vector<float> rows(static_cast<std::size_t>(kDistinct * shape.cols));
  std::uint64_t state = 7;
  for (float& value : rows) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<std::int64_t>(state) >> 40) * 0x1p-28F;
  }
  const auto bytes = static_cast<std::size_t>(row_bytes(type, shape.cols));
  std::vector<std::byte> distinct(bytes * kDistinct);
  encode(type, rows, kDistinct, shape.cols, distinct);
  std::vector<std::byte> stored;
  for (std::int64_t row = 0; row < shape.rows; row += kDistinct) {
    stored.insert(stored.end(), distinct.begin(), distinct.end());
  }
  return stored;
}

struct Limits {
  double int8_ops;
  double bf16_ops;
  double f32_ops;
  double read_bytes;
};

void run_type(const KernelTable* table, WeightType type, const Limits& limits) {
  for (const Shape& shape : kShapes) {
    const auto stored = stored_weights(type, shape);
    Buffer packed(packed_bytes(table, type, shape.rows, shape.cols));
    const double pack_seconds = least_seconds(0, [&] {
      pack_rows(table, type, shape.rows, shape.cols, stored.data(), 0, shape.rows, packed.data());
    });
    const PackedMatrix weights{type, shape.rows, shape.cols, table, packed.data()};
    const ActivationForm form = activation_form(table, type, shape.cols);
    for (const std::int64_t tokens : kTokens) {
      if (shape.rows > 8192 && tokens > 1) continue;
      std::vector<float> x(static_cast<std::size_t>(tokens * shape.cols));
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(static_cast<int>(i * 2654435761U % 1000) - 500) * 0.002F;
      }
      Buffer activations(static_cast<std::size_t>(tokens) * activation_row_bytes(form, shape.cols));
      const double prepare_seconds = least_seconds(0.02, [&] {
        prepare_activations(table, form, x.data(), tokens, shape.cols, activations.data());
      });
      std::vector<float> out(static_cast<std::size_t>(tokens * shape.rows));
      const double seconds = least_seconds(tokens > 1 ? 0.3 : 0.2, [&] {
        matmul(weights, form, activations.data(), tokens, 0, shape.rows, out.data(), shape.rows);
      });
      const double ops = 2.0 * static_cast<double>(shape.rows * shape.cols * tokens) / seconds;
      const double bytes =
          static_cast<double>(packed_bytes(table, type, shape.rows, shape.cols)) / seconds;
      const double peak = form == ActivationForm::kQ8     ? limits.int8_ops
                          : form == ActivationForm::kBF16 ? limits.bf16_ops
                                                          : limits.f32_ops;
      fmt::print(
          "{:11} {:10} {:6} x {:5} {:4} {:10.1f} us {:8.1f} GOPS {:5.1f} % {:7.1f} GB/s {:5.1f} %"
          "   prepare {:6.1f} us  pack {:5.2f} ns/weight\n",
          type.name(), isa_name(table->isa), shape.rows, shape.cols, tokens, seconds * 1e6,
          ops * 1e-9, 100.0 * ops / peak, bytes * 1e-9, 100.0 * bytes / limits.read_bytes,
          prepare_seconds * 1e6, pack_seconds * 1e9 / static_cast<double>(shape.rows * shape.cols));
      std::fflush(stdout);
    }
  }
}

std::vector<WeightType> all_types() {
  std::vector<WeightType> types;
  for (const Codec* codec : all_codecs()) types.emplace_back(codec->dtype);
  for (const int bits : kMlxBits) {
    for (const int group_size : kMlxGroupSizes) {
      types.push_back({{MlxMode::kAffine, bits, group_size}, DType::kBF16});
    }
  }
  for (const MlxMode mode : {MlxMode::kMxfp4, MlxMode::kMxfp8, MlxMode::kNvfp4}) {
    types.push_back({with_mlx_defaults(mode, 0, 0), DType::kBF16});
  }
  return types;
}

int run(std::span<char*> arguments) {
  const KernelTable* table = all_kernel_tables().back();
  if (arguments.size() > 1 && std::string_view(arguments[1]) != "-") {
    for (const KernelTable* t : all_kernel_tables()) {
      if (isa_name(t->isa) == arguments[1]) table = t;
    }
  }
  Buffer big(std::size_t{256} << 20);
  const double seconds = least_seconds(0.3, [&] { read_all(big.data(), std::size_t{256} << 20); });
  const Limits limits{.int8_ops = measure_int8_ops(),
                      .bf16_ops = measure_bf16_ops(),
                      .f32_ops = measure_f32_ops(),
                      .read_bytes = static_cast<double>(std::size_t{256} << 20) / seconds};
  fmt::print("peaks: int8 {:.1f} GOPS, bf16 {:.1f}, f32 {:.1f}; read {:.1f} GB/s\n",
             limits.int8_ops * 1e-9, limits.bf16_ops * 1e-9, limits.f32_ops * 1e-9,
             limits.read_bytes * 1e-9);
  const auto wanted = arguments.size() > 2 ? arguments.subspan(2) : std::span<char*>();
  for (const WeightType type : all_types()) {
    const auto is_named = [&](const char* w) { return type.name() == w; };
    if (!wanted.empty() && std::ranges::none_of(wanted, is_named)) continue;
    run_type(table, type, limits);
  }
  return 0;
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  return pajamas::run(std::span(argv, static_cast<std::size_t>(argc)));
}
