// SPDX-License-Identifier: Apache-2.0
// How far long work has come, told to whoever shows it. Implementations must accept calls from
// many threads and return quickly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pajamas {

struct ProgressUpdate {
  std::string_view stage;      // "quantize", "verify", ...
  std::string_view item;       // what is being worked on, usually a tensor name
  std::uint64_t done_bytes;    // of the stage; or as many of `unit`
  std::uint64_t total_bytes;   // of the stage
  std::string_view unit = {};  // what is counted where it is not bytes: "questions"
};

class Progress {
 public:
  virtual ~Progress() = default;
  virtual void update(const ProgressUpdate& update) = 0;
  // A line for the user that is not an error.
  virtual void warn(std::string_view message) = 0;
};

// Says nothing.
class SilentProgress final : public Progress {
 public:
  void update(const ProgressUpdate&) override {}
  void warn(std::string_view) override {}
};

}  // namespace pajamas
