// SPDX-License-Identifier: Apache-2.0
#include "sampling/stop_strings.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pajamas {
namespace {

constexpr std::size_t kMaxStops = 64;
constexpr std::size_t kMaxStopBytes = 4096;

// For each count of matched bytes, the longest proper prefix that is also a suffix of them.
std::vector<std::size_t> shorter_matches(const std::string& text) {
  std::vector<std::size_t> shorter(text.size() + 1, 0);
  std::size_t length = 0;
  for (std::size_t at = 1; at < text.size(); ++at) {
    while (length > 0 && text[at] != text[length]) length = shorter[length];
    if (text[at] == text[length]) ++length;
    shorter[at + 1] = length;
  }
  return shorter;
}

// Bytes at the end that begin a UTF-8 sequence without completing it.
std::size_t open_utf8_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<std::uint8_t>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

}  // namespace

Result<StopStrings> StopStrings::create(std::span<const std::string> stops) {
  if (stops.size() > kMaxStops) {
    return make_error(ErrorCode::kInvalidArgument, "{} stop strings, expected at most {}",
                      stops.size(), kMaxStops);
  }
  StopStrings made;
  for (const std::string& stop : stops) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      return make_error(ErrorCode::kInvalidArgument, "a stop string of {} bytes, expected 1 to {}",
                        stop.size(), kMaxStopBytes);
    }
    made.stops_.push_back({stop, shorter_matches(stop)});
  }
  return made;
}

void StopStrings::reset() {
  for (Stop& stop : stops_) stop.matched = 0;
  held_.clear();
  stopped_ = false;
}

void StopStrings::advance(Stop& stop, char byte) {
  while (stop.matched > 0 && stop.text[stop.matched] != byte) {
    stop.matched = stop.shorter[stop.matched];
  }
  if (stop.text[stop.matched] == byte) ++stop.matched;
}

std::size_t StopStrings::bytes_to_show() const {
  std::size_t open = 0;
  for (const Stop& stop : stops_) open = std::max(open, stop.matched);
  const std::size_t bytes = held_.size() - open;
  return bytes - open_utf8_bytes(std::string_view(held_).substr(0, bytes));
}

StopStrings::Output StopStrings::push(std::string_view piece) {
  Output output;
  if (stopped_) return output;
  for (const char byte : piece) {
    held_ += byte;
    for (std::size_t index = 0; index < stops_.size(); ++index) {
      Stop& stop = stops_[index];
      advance(stop, byte);
      const bool is_complete = stop.matched == stop.text.size();
      if (is_complete && (!output.stop || stops_[*output.stop].text.size() < stop.text.size())) {
        output.stop = index;
      }
    }
    if (output.stop) {
      stopped_ = true;
      held_.resize(held_.size() - stops_[*output.stop].text.size());
      output.text = std::exchange(held_, {});
      return output;
    }
  }
  const std::size_t bytes = bytes_to_show();
  output.text = held_.substr(0, bytes);
  held_.erase(0, bytes);
  return output;
}

std::string StopStrings::finish() {
  std::string rest = std::exchange(held_, {});
  for (Stop& stop : stops_) stop.matched = 0;
  return rest;
}

}  // namespace pajamas
