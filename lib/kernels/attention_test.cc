// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "kernels/kv_page.h"
#include "kernels/testing/special_floats.h"
#include "tensor/half.h"

namespace pajamas {
namespace {

using testing::kInfinity;
using testing::kNaN;
using Rows = std::vector<std::vector<float>>;

Rows random_rows(unsigned seed, std::int64_t n, std::int64_t dims, float spread = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  Rows rows(static_cast<std::size_t>(n), std::vector<float>(static_cast<std::size_t>(dims)));
  for (auto& row : rows) {
    for (float& v : row) v = normal(random);
  }
  return rows;
}

template <typename T>
T read_at(const std::vector<std::byte>& page, std::size_t at) {
  T value{};
  std::memcpy(&value, page.data() + at, sizeof(T));
  return value;
}

// A sequence of one KV head. Memory that store_kv() does not write holds NaNs and large scales.
struct Cache {
  KvType type;
  std::int64_t head_dim;
  std::vector<std::vector<std::byte>> pages;

  Cache(const KernelTable* table, KvType kv_type, const Rows& keys, const Rows& values)
      : type(kv_type), head_dim(static_cast<std::int64_t>(keys[0].size())) {
    const auto bytes = static_cast<std::size_t>(kv_page_bytes(type, head_dim));
    for (std::size_t position = 0; position < keys.size(); ++position) {
      const auto cell = static_cast<std::int64_t>(position) % kKvPagePositions;
      if (cell == 0) pages.emplace_back(bytes, std::byte{0xff});
      store_kv(table, type, head_dim, keys[position].data(), values[position].data(), cell,
               pages.back().data());
    }
  }

  // What is stored, read by the layout's description alone.
  double key(std::size_t position, std::size_t dim) const {
    const KvPageLayout layout = kv_page_layout(type, head_dim);
    const auto& page = pages[position / 64];
    const std::size_t cell = position % 64;
    const std::size_t at = dim * 64 + cell;
    if (type == KvType::kF32) return static_cast<double>(read_at<float>(page, at * 4));
    if (type == KvType::kF16) return half_at(page, at * 2);
    const int quant = read_at<std::uint8_t>(page, (dim / 4 * 64 + cell) * 4 + dim % 4) - 128;
    return quant * half_at(page, layout.key_scales_at + (dim / 32 * 64 + cell) * 2);
  }
  double value(std::size_t position, std::size_t dim) const {
    const KvPageLayout layout = kv_page_layout(type, head_dim);
    const auto& page = pages[position / 64];
    const std::size_t cell = position % 64;
    const auto stride = static_cast<std::size_t>(layout.value_dims);
    const std::size_t at = cell * stride + dim;
    if (type == KvType::kF32) {
      return static_cast<double>(read_at<float>(page, layout.values_at + at * 4));
    }
    if (type == KvType::kF16) return half_at(page, layout.values_at + at * 2);
    const std::size_t block = dim / 32;
    const std::size_t dims = std::min<std::size_t>(32, stride - block * 32);
    const std::size_t in_block = (cell / 4 * dims + dim % 32) * 4 + cell % 4;
    return read_at<std::int8_t>(page, layout.values_at + block * 32 * 64 + in_block) *
           half_at(page, layout.value_scales_at + (dim / 32 * 64 + cell) * 2);
  }

 private:
  static double half_at(const std::vector<std::byte>& page, std::size_t at) {
    return static_cast<double>(f16_to_f32(read_at<std::uint16_t>(page, at)));
  }
};

struct Settings {
  std::int64_t window = 0;
  float scale = 0.125F;
  float softcap = 0.0F;
};

Rows run(const KernelTable* table, const Cache& cache, const Rows& queries,
         const std::vector<std::int64_t>& positions, const Settings& settings,
         std::int64_t first_page = 0) {
  std::vector<const std::byte*> pages;
  for (std::size_t page = static_cast<std::size_t>(first_page); page < cache.pages.size(); ++page) {
    pages.push_back(cache.pages[page].data());
  }
  Rows outs(queries.size(), std::vector<float>(queries[0].size() + 1, 77.0F));
  std::vector<const float*> in;
  std::vector<float*> out;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    in.push_back(queries[i].data());
    out.push_back(outs[i].data());
  }
  attend(table, {.type = cache.type,
                 .head_dim = cache.head_dim,
                 .pages = pages,
                 .first_position = first_page * kKvPagePositions,
                 .n_queries = static_cast<std::int64_t>(queries.size()),
                 .queries = in.data(),
                 .outs = out.data(),
                 .query_positions = positions.data(),
                 .window = settings.window,
                 .scale = settings.scale,
                 .logit_softcap = settings.softcap});
  for (auto& row : outs) {
    EXPECT_EQ(row.back(), 77.0F) << "wrote past the end";
    row.pop_back();
  }
  return outs;
}

// Two passes in double over what is stored.
std::vector<double> exact(const Cache& cache, const std::vector<float>& query,
                          std::int64_t position, const Settings& settings) {
  const std::int64_t first =
      settings.window > 0 ? std::max<std::int64_t>(0, position - settings.window + 1) : 0;
  std::vector<double> scores;
  for (std::int64_t p = first; p <= position; ++p) {
    double score = 0.0;
    for (std::size_t dim = 0; dim < query.size(); ++dim) {
      score += static_cast<double>(query[dim]) * cache.key(static_cast<std::size_t>(p), dim);
    }
    score *= static_cast<double>(settings.scale);
    const auto cap = static_cast<double>(settings.softcap);
    scores.push_back(cap > 0.0 ? cap * std::tanh(score / cap) : score);
  }
  const double top = *std::ranges::max_element(scores);
  double sum = 0.0;
  std::vector<double> out(query.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double weight = std::exp(scores[i] - top);
    sum += weight;
    for (std::size_t dim = 0; dim < out.size(); ++dim) {
      out[dim] += weight * cache.value(static_cast<std::size_t>(first) + i, dim);
    }
  }
  for (double& v : out) v /= sum;
  return out;
}

// docs/attention.md states these: of the largest value that is attended to.
double tolerance(KvType type) { return type == KvType::kQ8_0 ? 1e-3 : 1e-5; }

struct TableAndKvType {
  const KernelTable* table;
  KvType type;
};

std::vector<TableAndKvType> tables_and_kv_types() {
  std::vector<TableAndKvType> all;
  for (const KernelTable* table : all_kernel_tables()) {
    for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
      all.push_back({table, type});
    }
  }
  return all;
}

class EveryAttention : public ::testing::TestWithParam<TableAndKvType> {
 protected:
  const KernelTable* table() const { return GetParam().table; }
  KvType type() const { return GetParam().type; }

  void expect_exact(const Cache& cache, const Rows& queries,
                    const std::vector<std::int64_t>& positions, const Settings& settings,
                    double logit_error = 0.0) const {
    const Rows got = run(table(), cache, queries, positions, settings);
    double top = 0.0;
    for (std::size_t p = 0; p <= static_cast<std::size_t>(std::ranges::max(positions)); ++p) {
      for (std::size_t dim = 0; dim < queries[0].size(); ++dim) {
        top = std::max(top, std::fabs(cache.value(p, dim)));
      }
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto want = exact(cache, queries[i], positions[i], settings);
      double worst = 0.0;
      for (std::size_t dim = 0; dim < want.size(); ++dim) {
        worst = std::max(worst, std::fabs(static_cast<double>(got[i][dim]) - want[dim]));
      }
      EXPECT_LE(worst, (tolerance(type()) + logit_error) * top)
          << "head_dim " << want.size() << ", query " << i << " at " << positions[i];
    }
  }
};

TEST_P(EveryAttention, AgreesWithDoubleForEveryHeadDim) {
  for (const std::int64_t head_dim : {1, 7, 8, 40, 48, 64, 72, 80, 96, 128, 256, 512}) {
    const Cache cache(table(), type(), random_rows(1, 150, head_dim),
                      random_rows(2, 150, head_dim));
    const Rows queries = random_rows(3, 7, head_dim);
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
    expect_exact(cache, queries, {149, 128, 127, 64, 63, 1, 0}, {.scale = scale});
  }
}

TEST_P(EveryAttention, AgreesWithDoubleAcrossEightThousandPositions) {
  const Cache cache(table(), type(), random_rows(1, 8192, 64), random_rows(2, 8192, 64));
  expect_exact(cache, random_rows(3, 3, 64), {8191, 8190, 4096}, {});
}

TEST_P(EveryAttention, AgreesWithDoubleForWindowsAndSoftcaps) {
  const Cache cache(table(), type(), random_rows(1, 300, 96), random_rows(2, 300, 96));
  const Rows queries = random_rows(3, 5, 96, 4.0F);
  for (const std::int64_t window : {1, 2, 63, 64, 65, 100, 1000}) {
    for (const float softcap : {0.0F, 5.0F}) {
      const Settings settings{.window = window, .scale = 0.1F, .softcap = softcap};
      expect_exact(cache, queries, {299, 130, 64, 63, 0}, settings);
    }
  }
}

TEST_P(EveryAttention, AgreesWithDoubleForLargeLogits) {
  Rows keys = random_rows(1, 200, 64);
  const Rows values = random_rows(2, 200, 64);
  for (std::size_t p = 0; p < 200; p += 3) {
    for (float& v : keys[p]) v *= 20.0F;
  }
  const Cache cache(table(), type(), keys, values);
  // Logits of hundreds keep only some digits after the point; weights move by that much.
  const double logit_error = type() == KvType::kQ8_0 ? 5e-2 : 1e-3;
  expect_exact(cache, random_rows(3, 4, 64, 3.0F), {199, 100, 65, 3}, {.scale = 0.5F}, logit_error);
}

TEST_P(EveryAttention, AveragesWhenAllScoresAreEqual) {
  const Rows values = random_rows(2, 130, 80);
  const Cache cache(table(), type(), Rows(130, std::vector<float>(80, 0.5F)), values);
  expect_exact(cache, random_rows(3, 2, 80, 10.0F), {129, 70}, {});
  const Cache zeros(table(), type(), Rows(130, std::vector<float>(80, 0.0F)), values);
  expect_exact(zeros, random_rows(3, 2, 80), {129, 70}, {});
}

TEST_P(EveryAttention, FindsOnePositionAmongMany) {
  Rows keys(500, std::vector<float>(64, 0.0F));
  const Rows values = random_rows(2, 500, 64);
  keys[321].assign(64, 1.0F);
  const Cache cache(table(), type(), keys, values);
  const Rows got = run(table(), cache, Rows(1, std::vector<float>(64, 4.0F)), {499}, {});
  for (std::size_t dim = 0; dim < 64; ++dim) EXPECT_NEAR(got[0][dim], cache.value(321, dim), 1e-3);
}

TEST_P(EveryAttention, GivesTheSameBitsWhateverTheBatchMates) {
  for (const std::int64_t head_dim : {40, 64, 80, 128}) {
    const Cache cache(table(), type(), random_rows(1, 333, head_dim),
                      random_rows(2, 333, head_dim));
    for (const std::int64_t window : {0, 70}) {
      const Settings settings{.window = window};
      const std::size_t n = 110;
      const Rows queries = random_rows(3, static_cast<std::int64_t>(n), head_dim);
      std::vector<std::int64_t> positions(n);
      for (std::size_t i = 0; i < n; ++i) positions[i] = static_cast<std::int64_t>(i * 37 % 333);
      const Rows together = run(table(), cache, queries, positions, settings);
      for (std::size_t at = 0, part = 1; at < n; at += part, part = part % 9 + 1) {
        part = std::min(part, n - at);
        const auto first = static_cast<std::ptrdiff_t>(at);
        const auto last = static_cast<std::ptrdiff_t>(at + part);
        const Rows alone = run(table(), cache, {queries.begin() + first, queries.begin() + last},
                               {positions.begin() + first, positions.begin() + last}, settings);
        for (std::size_t i = 0; i < part; ++i) {
          const auto bytes = static_cast<std::size_t>(head_dim) * sizeof(float);
          EXPECT_EQ(std::memcmp(alone[i].data(), together[at + i].data(), bytes), 0)
              << "head_dim " << head_dim << ", query " << at + i;
        }
      }
    }
  }
}

TEST_P(EveryAttention, LaterPositionsInAPageChangeNothing) {
  const Rows keys = random_rows(1, 64, 64);
  const Rows values = random_rows(2, 64, 64);
  const Rows queries = random_rows(3, 1, 64);
  const Cache partly(table(), type(), {keys.begin(), keys.begin() + 22},
                     {values.begin(), values.begin() + 22});
  const Cache full(table(), type(), keys, values);
  EXPECT_EQ(run(table(), partly, queries, {21}, {}), run(table(), full, queries, {21}, {}));
}

TEST_P(EveryAttention, KeepsHostileQueriesToThemselves) {
  const Cache cache(table(), type(), random_rows(1, 100, 64), random_rows(2, 100, 64));
  Rows queries = random_rows(3, 6, 64);
  const std::vector<std::int64_t> positions(6, 99);
  const Rows before = run(table(), cache, queries, positions, {});
  queries[1][5] = kNaN;
  queries[2][63] = kInfinity;
  queries[4].assign(64, -3e38F);
  const Rows after = run(table(), cache, queries, positions, {});
  EXPECT_TRUE(std::isnan(after[1][0]));
  EXPECT_TRUE(std::isnan(after[2][0]));
  for (const std::size_t i : {0U, 3U, 5U}) EXPECT_EQ(before[i], after[i]);
}

TEST_P(EveryAttention, ReadsNoPageThatNoQueryAttends) {
  const Cache cache(table(), type(), random_rows(1, 320, 64), random_rows(2, 320, 64));
  std::vector<const std::byte*> pages(5, nullptr);
  pages[3] = cache.pages[3].data();
  const auto queries = random_rows(3, 1, 64);
  const float* const query = queries[0].data();
  std::vector<float> out(64);
  float* const to = out.data();
  const std::int64_t position = 250;
  attend(table(), {.type = type(),
                   .head_dim = 64,
                   .pages = pages,
                   .n_queries = 1,
                   .queries = &query,
                   .outs = &to,
                   .query_positions = &position,
                   .window = 50,
                   .scale = 0.125F});
  EXPECT_EQ(out, run(table(), cache, queries, {250}, {.window = 50}, 3)[0]);
}

TEST_P(EveryAttention, GivesZeroForNoPosition) {
  const Cache cache(table(), type(), random_rows(1, 128, 64), random_rows(2, 128, 64));
  const Rows got = run(table(), cache, random_rows(3, 2, 64), {20, 70}, {}, 1);
  EXPECT_EQ(got[0], std::vector<float>(64, 0.0F));
  EXPECT_NE(got[1], std::vector<float>(64, 0.0F));
}

TEST_P(EveryAttention, StoresWithinTheErrorOfTheType) {
  for (const std::int64_t head_dim : {7, 40, 64, 80}) {
    const Rows keys = random_rows(1, 70, head_dim, 5.0F);
    const Rows values = random_rows(2, 70, head_dim, 0.01F);
    const Cache cache(table(), type(), keys, values);
    for (std::size_t p = 0; p < 70; ++p) {
      for (std::size_t dim = 0; dim < keys[p].size(); ++dim) {
        const auto key = static_cast<double>(keys[p][dim]);
        const auto value = static_cast<double>(values[p][dim]);
        const double relative = type() == KvType::kF32 ? 0.0 : 0x1p-11;
        const double step = type() == KvType::kQ8_0 ? 0.51 / 127.0 : 0.0;
        const double subnormal = type() == KvType::kF32 ? 0.0 : 0x1p-25;
        const auto bound = [&](double x, double top) {
          return relative * std::fabs(x) + step * top + subnormal;
        };
        EXPECT_NEAR(cache.key(p, dim), key, bound(key, 25.0));
        EXPECT_NEAR(cache.value(p, dim), value, bound(value, 0.05));
      }
    }
  }
}

TEST_P(EveryAttention, StoresWhatIsNotFiniteAsFinite) {
  Rows rows = random_rows(1, 64, 64);
  rows[10][3] = kNaN;
  rows[10][40] = kInfinity;
  rows[11][40] = -kInfinity;
  rows[12][0] = 1e38F;
  rows[13].assign(64, 1e-40F);
  const Cache cache(table(), type(), rows, rows);
  for (std::size_t p = 0; p < 64; ++p) {
    for (std::size_t dim = 0; dim < 64; ++dim) {
      EXPECT_TRUE(std::isfinite(cache.key(p, dim)));
      EXPECT_TRUE(std::isfinite(cache.value(p, dim)));
    }
  }
  EXPECT_EQ(cache.key(10, 3), 0.0);
  EXPECT_GT(cache.key(10, 40), 60000.0);
  EXPECT_LT(cache.value(11, 40), -60000.0);
}

TEST_P(EveryAttention, StoresTheBytesOfTheGenericTable) {
  for (const std::int64_t head_dim : {7, 40, 64, 80, 128}) {
    Rows keys = random_rows(1, 64, head_dim, 3.0F);
    keys[5][1] = kNaN;
    keys[6][2] = kInfinity;
    keys[7].assign(keys[7].size(), 3e-8F);
    keys[8].assign(keys[8].size(), 1e38F);
    const Cache want(all_kernel_tables()[0], type(), keys, keys);
    EXPECT_EQ(Cache(table(), type(), keys, keys).pages, want.pages);
  }
}

std::string attention_case_name(const ::testing::TestParamInfo<TableAndKvType>& info) {
  constexpr const char* kNames[] = {"f32", "f16", "q8_0"};
  return std::string(isa_name(info.param.table->isa)) + "_" +
         kNames[static_cast<std::size_t>(info.param.type)];
}

INSTANTIATE_TEST_SUITE_P(Tables, EveryAttention, ::testing::ValuesIn(tables_and_kv_types()),
                         attention_case_name);

}  // namespace
}  // namespace pajamas
