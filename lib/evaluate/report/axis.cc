// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "evaluate/report/html_text.h"

namespace pajamas::report {
namespace {

constexpr int kWantedTicks = 5;
constexpr int kMostDecades = 7;  // with a tick

// 1, 2 or 5 times a power of ten, not smaller than `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string plain_label(double value, double step) {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return decimals > 6 ? format_number(value) : format_fixed(value, decimals);
}

std::string log_label(int factor, int exponent) {
  if (factor == 1) return format_power_of_ten(exponent);
  const double power = std::pow(10.0, exponent);
  if (exponent >= -3 && exponent <= 3) return plain_label(factor * power, power);
  return fmt::format("{}×{}", factor, format_power_of_ten(exponent));
}

}  // namespace

Axis Axis::linear(double least, double most) {
  Axis axis;
  const double step = round_step((most - least) / kWantedTicks);
  const double first = std::floor(least / step + 1e-9);
  const double last = std::ceil(most / step - 1e-9);
  for (double at = first; at <= last; ++at) {
    const double value = at == 0 ? 0 : at * step;  // not -0
    axis.ticks_.push_back({value, plain_label(value, step)});
  }
  axis.least_ = first * step;
  axis.most_ = last * step;
  return axis;
}

Axis Axis::logarithmic(double least, double most) {
  Axis axis;
  axis.is_log_ = true;
  constexpr std::array kFactors = {1.0, 2.0, 5.0};
  const int first = static_cast<int>(std::floor(std::log10(least) + 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(most) - 1e-9));
  // Within two decades or so the powers of ten alone are too far apart.
  const bool has_steps = std::log10(most / least) < 2.2;
  axis.least_ = std::pow(10.0, first);
  axis.most_ = std::pow(10.0, std::max(last, first + 1));
  if (has_steps) {
    for (const double factor : kFactors) {
      const double low = factor * std::pow(10.0, first);
      if (low <= least * (1 + 1e-9)) axis.least_ = low;
    }
    for (auto factor = kFactors.rbegin(); factor != kFactors.rend(); ++factor) {
      const double high = *factor * std::pow(10.0, last - 1);
      if (high >= most * (1 - 1e-9) && high > axis.least_) axis.most_ = high;
    }
  }
  const int stride = std::max(1, (last - first + kMostDecades - 1) / kMostDecades);
  for (int exponent = first; exponent <= last; exponent += stride) {
    for (const double factor : kFactors) {
      const double value = factor * std::pow(10.0, exponent);
      const bool is_inside = value >= axis.least_ * (1 - 1e-9) && value <= axis.most_ * (1 + 1e-9);
      if (!is_inside || (factor > 1 && !has_steps)) continue;
      axis.ticks_.push_back({value, log_label(static_cast<int>(factor), exponent)});
    }
  }
  return axis;
}

double Axis::place(double value) const {
  const double held = std::clamp(value, least_, most_);
  const double share = is_log_ ? std::log(held / least_) / std::log(most_ / least_)
                               : (held - least_) / (most_ - least_);
  return from_ + share * (to_ - from_);
}

ByteUnit byte_unit_for(double most_bytes) {
  if (most_bytes >= 1e9) return {"GB", 1e9};
  if (most_bytes >= 1e6) return {"MB", 1e6};
  return {"kB", 1e3};
}

}  // namespace pajamas::report
