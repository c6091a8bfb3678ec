// SPDX-License-Identifier: Apache-2.0
// Typed key-values that travel with a model, in a fixed order. The types are those of GGUF, the
// richest of the containers; other formats use what they can hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pajamas {

using MetadataValue =
    std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
                 std::int32_t, float, bool, std::string, std::uint64_t, std::int64_t, double,
                 std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                 std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
                 std::vector<float>, std::vector<bool>, std::vector<std::string>,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;

class Metadata {
 public:
  using Entry = std::pair<std::string, MetadataValue>;

  // Replaces the value of a key that is there (its place stays), appends otherwise.
  void set(std::string_view key, MetadataValue value);
  void erase(std::string_view key);
  // Sets every entry of `other`, in its order.
  void merge(const Metadata& other);

  [[nodiscard]] const MetadataValue* find(std::string_view key) const;
  template <typename T>
  [[nodiscard]] const T* find_as(std::string_view key) const {
    const MetadataValue* value = find(key);
    return value == nullptr ? nullptr : std::get_if<T>(value);
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace pajamas
