// SPDX-License-Identifier: Apache-2.0
#include "base/human_units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace pajamas {
namespace {

std::string scaled(double value, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 ? 0 : (value < 9.995 ? 2 : (value < 99.95 ? 1 : 0));
  return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  return scaled(static_cast<double>(bytes), {" B", " kB", " MB", " GB", " TB"});
}

std::string format_count(std::uint64_t count) {
  return scaled(static_cast<double>(count), {"", " K", " M", " B", " T"});
}

std::string format_duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::array kUnits = {
      std::pair{std::string_view(""), 1.0},
      std::pair{std::string_view("B"), 1.0},
      std::pair{std::string_view("K"), 1e3},
      std::pair{std::string_view("KB"), 1e3},
      std::pair{std::string_view("M"), 1e6},
      std::pair{std::string_view("MB"), 1e6},
      std::pair{std::string_view("G"), 1e9},
      std::pair{std::string_view("GB"), 1e9},
      std::pair{std::string_view("T"), 1e12},
      std::pair{std::string_view("TB"), 1e12},
      std::pair{std::string_view("KIB"), 1024.0},
      std::pair{std::string_view("MIB"), 1048576.0},
      std::pair{std::string_view("GIB"), 1073741824.0},
  };
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  for (char& c : unit) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  if (error == std::errc{} && std::isfinite(number) && number >= 0) {
    for (const auto& [name, factor] : kUnits) {
      if (name == unit && number * factor < 1.8e19) {
        return static_cast<std::uint64_t>(number * factor);
      }
    }
  }
  return make_error(ErrorCode::kInvalidArgument,
                    "'{}' is not a size; write bytes or a unit, like 512M, 1.5G or 2GiB", text);
}

}  // namespace pajamas
