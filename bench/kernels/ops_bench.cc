// SPDX-License-Identifier: Apache-2.0
// ops_bench [single|prompt|vector|store|TABLE]...
//
// Speed of attention and of the vector operations, every kernel table, on one thread; the best of
// several rounds. `single`: one token of a model with 32 query heads and 8 KV heads (all KV heads
// of several layers, so that the cache does not hold what memory must deliver): GB/s of keys and
// values; 256 positions are one layer and stay in the cache. `prompt`: a chunk of tokens that ends
// the context: GFLOP/s of multiplications and additions that causal attention needs. Without a
// table's name: all but generic.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "kernels/attention.h"
#include "kernels/vector_ops.h"

namespace pajamas {
namespace {

constexpr std::int64_t kGroup = 4;  // query heads of a KV head
constexpr std::int64_t kKvHeads = 8;

std::string_view kv_name(KvType type) {
  constexpr std::string_view kNames[] = {"f32", "f16", "q8_0"};
  return kNames[static_cast<std::size_t>(type)];
}

std::vector<float> random_floats(std::size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

// Seconds of the fastest round; at least 5 rounds and 0.3 s.
template <typename Work>
double fastest(Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  const auto start = Clock::now();
  for (int round = 0; round < 5 || Clock::now() - start < std::chrono::milliseconds(300); ++round) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

// The pages of some KV heads, in one 64-byte aligned allocation.
class Cache {
 public:
  Cache(KvType type, std::int64_t head_dim, std::int64_t context, std::int64_t heads)
      : type_(type), head_dim_(head_dim), pages_((context + 63) / kKvPagePositions) {
    page_bytes_ = (kv_page_bytes(type, head_dim) + 63) / 64 * 64;
    const std::uint64_t bytes = page_bytes_ * static_cast<std::uint64_t>(pages_ * heads) + 64;
    memory_.resize(bytes);
    std::byte* at = memory_.data();
    while (reinterpret_cast<std::uintptr_t>(at) % 64 != 0) ++at;
    const auto rows = random_floats(static_cast<std::size_t>(4 * kKvPagePositions * head_dim));
    for (std::int64_t page = 0; page < pages_ * heads; ++page, at += page_bytes_) {
      all_.push_back(at);
      for (std::int64_t cell = 0; cell < kKvPagePositions; ++cell) {
        const float* const row = rows.data() + (page % 3 * kKvPagePositions + cell) * head_dim;
        store_kv(nullptr, type, head_dim, row, row + head_dim, cell, at);
      }
    }
  }

  AttentionTask task(std::int64_t head) const {
    const auto first = static_cast<std::size_t>(head * pages_);
    return {.type = type_,
            .head_dim = head_dim_,
            .pages = std::span(all_).subspan(first, static_cast<std::size_t>(pages_)),
            .scale = 0.125F};
  }
  double bytes() const {
    return static_cast<double>(page_bytes_) * static_cast<double>(all_.size());
  }

 private:
  KvType type_;
  std::int64_t head_dim_;
  std::int64_t pages_;
  std::uint64_t page_bytes_;
  std::vector<std::byte> memory_;
  std::vector<const std::byte*> all_;
};

struct Queries {
  std::vector<float> in;
  std::vector<float> out;
  std::vector<const float*> in_rows;
  std::vector<float*> out_rows;
  std::vector<std::int64_t> positions;

  // `tokens` at the end of the context, kGroup heads each.
  Queries(std::int64_t tokens, std::int64_t head_dim, std::int64_t context)
      : in(random_floats(static_cast<std::size_t>(tokens * kGroup * head_dim))), out(in.size()) {
    for (std::int64_t i = 0; i < tokens * kGroup; ++i) {
      in_rows.push_back(in.data() + i * head_dim);
      out_rows.push_back(out.data() + i * head_dim);
      positions.push_back(context - tokens + i / kGroup);
    }
  }
  void put_into(AttentionTask& task) const {
    task.n_queries = static_cast<std::int64_t>(positions.size());
    task.queries = in_rows.data();
    task.outs = out_rows.data();
    task.query_positions = positions.data();
  }
};

constexpr KvType kTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8_0};

void run_single(const KernelTable* table) {
  for (const std::int64_t head_dim : {64, 128}) {
    for (const std::int64_t context : {256, 512, 2048, 8192}) {
      for (const KvType type : kTypes) {
        const double mib = static_cast<double>(kv_page_bytes(type, head_dim)) *
                           static_cast<double>(context / 64 * kKvHeads) / 1048576.0;
        const bool cached = context == 256;
        const auto layers =
            cached ? 1 : std::max<std::int64_t>(1, static_cast<std::int64_t>(96.0 / mib));
        const Cache cache(type, head_dim, context, kKvHeads * layers);
        const Queries queries(1, head_dim, context);
        const double seconds = fastest([&] {
          for (std::int64_t head = 0; head < kKvHeads * layers; ++head) {
            AttentionTask task = cache.task(head);
            queries.put_into(task);
            attend(table, task);
          }
        });
        fmt::print("single {:8} dim {:3} context {:5} {:5} {:7.2f} GB/s {:8.1f} us a layer\n",
                   isa_name(table->isa), head_dim, context, kv_name(type),
                   cache.bytes() / seconds * 1e-9, seconds * 1e6 / static_cast<double>(layers));
      }
    }
  }
}

void run_prompt(const KernelTable* table) {
  for (const std::int64_t head_dim : {64, 128}) {
    for (const auto& [context, tokens] : {std::pair<std::int64_t, std::int64_t>{512, 64},
                                          {512, 512},
                                          {2048, 512},
                                          {8192, 64},
                                          {8192, 512}}) {
      for (const KvType type : kTypes) {
        const Cache cache(type, head_dim, context, 1);
        const Queries queries(tokens, head_dim, context);
        AttentionTask task = cache.task(0);
        queries.put_into(task);
        double pairs = 0.0;
        for (const auto position : queries.positions) pairs += static_cast<double>(position + 1);
        const double seconds = fastest([&] { attend(table, task); });
        fmt::print("prompt {:8} dim {:3} context {:5} tokens {:3} {:5} {:7.1f} GFLOP/s\n",
                   isa_name(table->isa), head_dim, context, tokens, kv_name(type),
                   pairs * 4.0 * static_cast<double>(head_dim) / seconds * 1e-9);
      }
    }
  }
}

void run_store(const KernelTable* table) {
  for (const std::int64_t head_dim : {64, 128}) {
    for (const KvType type : kTypes) {
      std::vector<std::byte> page(kv_page_bytes(type, head_dim));
      const auto rows = random_floats(static_cast<std::size_t>(2 * head_dim));
      const double seconds = fastest([&] {
        for (std::int64_t cell = 0; cell < 64; ++cell) {
          store_kv(table, type, head_dim, rows.data(), rows.data() + head_dim, cell, page.data());
        }
      });
      fmt::print("store  {:8} dim {:3} {:5} {:7.1f} ns a position\n", isa_name(table->isa),
                 head_dim, kv_name(type), seconds * 1e9 / 64);
    }
  }
}

void run_vector(const KernelTable* table) {
  constexpr std::int64_t kN = 8192;
  auto x = random_floats(kN);
  const auto y = random_floats(kN);
  std::vector<float> out(kN);
  const auto report = [&](std::string_view name, auto work) {
    fmt::print("vector {:8} {:10} {:6.3f} ns an element\n", isa_name(table->isa), name,
               fastest(work) * 1e9 / kN);
  };
  report("rms_norm", [&] { rms_norm(table, x.data(), y.data(), kN, 1e-6F, out.data()); });
  report("add", [&] { add_to(table, out.data(), y.data(), kN); });
  report("silu", [&] { silu_mul(table, x.data(), y.data(), kN, out.data()); });
  report("gelu", [&] { gelu_tanh_mul(table, x.data(), y.data(), kN, out.data()); });
  report("softcap", [&] { softcap(table, x.data(), kN, 30.0F); });
  report("softmax", [&] { softmax(table, out.data(), kN); });
  report("argmax", [&] { out[0] += static_cast<float>(argmax(table, x.data(), kN)); });
  report("rope", [&] {
    rope(table, x.data(), kN / 128, 128, 128, y.data(), y.data() + 64, RopeLayout::kHalves);
  });
  report("rope pairs", [&] {
    rope(table, x.data(), kN / 128, 128, 128, y.data(), y.data() + 64, RopeLayout::kInterleaved);
  });
}

}  // namespace
}  // namespace pajamas

int main(int argc, char** argv) {
  const auto wanted = std::span(argv, static_cast<std::size_t>(argc)).subspan(1);
  const auto has = [&](std::string_view name) {
    return std::ranges::find(wanted, name) != wanted.end();
  };
  const auto tables = pajamas::all_kernel_tables();
  const bool names_table = std::ranges::any_of(
      tables, [&](const auto* table) { return has(pajamas::isa_name(table->isa)); });
  const bool names_work = has("single") || has("prompt") || has("store") || has("vector");
  for (const pajamas::KernelTable* table : tables) {
    if (names_table ? !has(pajamas::isa_name(table->isa)) : table == tables.front()) continue;
    if (!names_work || has("single")) pajamas::run_single(table);
    if (!names_work || has("prompt")) pajamas::run_prompt(table);
    if (!names_work || has("store")) pajamas::run_store(table);
    if (!names_work || has("vector")) pajamas::run_vector(table);
  }
  return 0;
}
