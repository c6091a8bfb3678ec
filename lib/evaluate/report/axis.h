// SPDX-License-Identifier: Apache-2.0
// One axis of a chart: where values go, and ticks at round numbers. Pure values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pajamas::report {

struct Tick {
  double value = 0;
  std::string label;
};

class Axis {
 public:
  // Between round numbers around [least, most]; least < most.
  static Axis linear(double least, double most);
  // Whole decades around [least, most], or steps of 1, 2, 5 where that is nearer; least > 0.
  static Axis logarithmic(double least, double most);

  // `from` and `to`: the pixels of the two ends.
  void set_pixels(double from, double to) {
    from_ = from;
    to_ = to;
  }
  // Values outside are placed at the end.
  [[nodiscard]] double place(double value) const;
  [[nodiscard]] const std::vector<Tick>& ticks() const { return ticks_; }
  [[nodiscard]] double least() const { return least_; }
  [[nodiscard]] double most() const { return most_; }

 private:
  bool is_log_ = false;
  double least_ = 0;
  double most_ = 1;
  double from_ = 0;
  double to_ = 1;
  std::vector<Tick> ticks_;
};

// A number of bytes as an axis shows it: in the unit that suits the largest.
struct ByteUnit {
  std::string_view name;
  double bytes = 1;
};
ByteUnit byte_unit_for(double most_bytes);

}  // namespace pajamas::report
