// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_table.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "codecs/codec.h"
#include "kernels/kernel_parts.h"

namespace pajamas {
namespace {

KernelTable make_generic() {
  KernelTable table{.isa = Isa::kGeneric};
  generic::add_floats(table);
  generic::add_vector_ops(table);
  generic::add_attention(table);
  generic::add_matmul(table);
  return table;
}

std::vector<const KernelTable*> list_tables() {
  static const KernelTable generic_table = make_generic();
  std::vector<const KernelTable*> tables = {&generic_table};
  for (const KernelTable* table : wide_kernel_tables()) tables.push_back(table);
  return tables;
}

Result<const KernelTable*> choose() {
  const char* const wanted = std::getenv("PAJAMAS_CPU");
  const auto tables = all_kernel_tables();
  if (wanted == nullptr || *wanted == '\0') return tables.back();
  const auto isa = parse_isa(wanted);
  const auto found = std::ranges::find_if(
      tables, [&](const KernelTable* table) { return isa.has_value() && table->isa == *isa; });
  if (found != tables.end()) return *found;
  std::string names;
  for (const KernelTable* table : tables) {
    if (!names.empty()) names += ", ";
    names += isa_name(table->isa);
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "PAJAMAS_CPU is \"{}\"; this machine runs: {}. Unset it to let the program "
                    "choose.",
                    wanted, names);
}

}  // namespace

const KernelTable* table_or_selected(const KernelTable* table) {
  if (table != nullptr) return table;
  const auto selected = select_kernels();
  PJ_CHECK(selected.has_value());
  return *selected;
}

std::span<const KernelTable* const> all_kernel_tables() {
  static const std::vector<const KernelTable*> tables = list_tables();
  return tables;
}

Result<const KernelTable*> select_kernels() {
  static const Result<const KernelTable*> selected = choose();
  return selected;
}

void encode_rows(const KernelTable* table, DType dtype, const float* rows, std::int64_t n_rows,
                 std::int64_t n_per_row, const float* importance, std::byte* out) {
  PJ_CHECK(n_rows >= 0 && n_per_row >= 0 && n_per_row % dtype_info(dtype).block_elems == 0);
  const auto slot = static_cast<std::size_t>(dtype);
  const auto encode = find_in_tables(table, [&](const KernelTable& t) { return t.encode[slot]; });
  if (encode != nullptr) {
    encode(rows, n_rows, n_per_row, importance, out);
    return;
  }
  const Codec* const codec = find_codec(dtype);
  PJ_CHECK(codec != nullptr);
  const auto elems = static_cast<std::size_t>(n_per_row);
  const auto bytes = static_cast<std::size_t>(row_bytes(dtype, n_per_row));
  const auto weights =
      importance == nullptr ? std::span<const float>() : std::span(importance, elems);
  for (std::size_t row = 0; row < static_cast<std::size_t>(n_rows); ++row) {
    codec->encode_row({rows + row * elems, elems}, weights, {out + row * bytes, bytes});
  }
}

void decode_rows(const KernelTable* table, DType dtype, const std::byte* in, std::int64_t n_rows,
                 std::int64_t n_per_row, float* rows) {
  PJ_CHECK(n_rows >= 0 && n_per_row >= 0 && n_per_row % dtype_info(dtype).block_elems == 0);
  const auto slot = static_cast<std::size_t>(dtype);
  const auto decode = find_in_tables(table, [&](const KernelTable& t) { return t.decode[slot]; });
  if (decode != nullptr) {
    decode(in, n_rows, n_per_row, rows);
    return;
  }
  const Codec* const codec = find_codec(dtype);
  PJ_CHECK(codec != nullptr);
  const auto elems = static_cast<std::size_t>(n_per_row);
  const auto bytes = static_cast<std::size_t>(row_bytes(dtype, n_per_row));
  for (std::size_t row = 0; row < static_cast<std::size_t>(n_rows); ++row) {
    codec->decode_row({in + row * bytes, bytes}, {rows + row * elems, elems});
  }
}

std::int64_t find_non_finite(const KernelTable* table, const float* values, std::int64_t n) {
  const auto find = find_in_tables(table, [](const KernelTable& t) { return t.find_non_finite; });
  PJ_CHECK(find != nullptr);
  return find(values, n);
}

}  // namespace pajamas
