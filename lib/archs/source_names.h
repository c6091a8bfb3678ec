// SPDX-License-Identifier: Apache-2.0
// The tensors of a source under the names the tables use, and which of them were used.
//
// Holds pointers into the span it was made from, which must outlive it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archs/arch_spec.h"
#include "tensor/tensor_source.h"

namespace pajamas {

class SourceNames {
 public:
  SourceNames(const ArchSpec& arch, std::span<const TensorInfo> source);

  // nullptr when there is none. `use` marks it as used.
  [[nodiscard]] const TensorInfo* find(std::string_view table_name) const;
  const TensorInfo* use(std::string_view table_name);

  // Names of tensors that were not used and that are not known to be without effect.
  [[nodiscard]] std::vector<std::string> unused() const;

 private:
  struct Entry {
    const TensorInfo* tensor = nullptr;
    bool used = false;
  };

  const ArchSpec& arch_;
  std::span<const TensorInfo> source_;
  std::unordered_map<std::string, Entry> by_name_;
};

// "blk.{}.x" with the block filled in for "{}" and the expert for "{e}".
std::string fill_name(std::string_view pattern, std::int64_t block, std::int64_t expert = 0);

}  // namespace pajamas
