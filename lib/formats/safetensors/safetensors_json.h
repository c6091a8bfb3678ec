// SPDX-License-Identifier: Apache-2.0
// The base of the streaming readers of safetensors' JSON: every kind of value is refused with a
// message unless a reader takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "formats/printable.h"

namespace pajamas {

class StrictSax : public nlohmann::json_sax<nlohmann::json> {
 public:
  [[nodiscard]] const std::string& problem() const { return problem_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a bool"); }
  bool number_integer(number_integer_t value) override {
    return refuse(fmt::format("the number {}", value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return refuse(fmt::format("the number {}", value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return refuse(fmt::format("the number {}", printable(text)));
  }
  bool string(string_t& value) override {
    return refuse(fmt::format("the string '{}'", printable(value)));
  }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool start_object(std::size_t) override { return refuse("an object"); }
  bool start_array(std::size_t) override { return refuse("an array"); }
  bool parse_error(std::size_t offset, const std::string&,
                   const nlohmann::detail::exception& error) override {
    return fail(fmt::format("not valid JSON near byte {}: {}", offset, printable(error.what())));
  }

 protected:
  // What stands where, for "found X, expected Y".
  [[nodiscard]] virtual std::string describe_expected() const = 0;

  bool refuse(std::string_view found) {
    return fail(fmt::format("found {}, expected {}", found, describe_expected()));
  }
  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

 private:
  std::string problem_;
};

}  // namespace pajamas
