// SPDX-License-Identifier: Apache-2.0
// What an unfinished measurement knows already, so that the same command goes on from there.
//
// A text file of one JSON object per line, {"key", "value"}, named by a fingerprint of everything
// the values depend on; what other settings left stays beside it untouched. Values are saved every
// few seconds and when asked; a last line cut short by a crash is ignored. The folder's owner locks
// it. Not for use from several threads at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace pajamas {

class ResultJournal {
 public:
  // Keeps nothing: for measurements whose output nobody named.
  ResultJournal() = default;
  // Reads FOLDER/FINGERPRINT.jsonl, or begins it.
  static Result<ResultJournal> open(const std::filesystem::path& folder,
                                    std::string_view fingerprint, double seconds_between_saves);

  // What was put or read under that key; nullptr when there is none.
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return values_.size(); }

  // Remembers a value; it is saved with the next save.
  void put(std::string key, Json value);
  // As if nothing had been put under keys that begin so.
  void forget(std::string_view prefix);
  [[nodiscard]] bool is_save_due() const;
  Status save();

 private:
  void load(std::string_view text);

  File file_;
  std::uint64_t end_ = 0;
  std::string unsaved_;
  std::chrono::steady_clock::duration interval_{};
  std::chrono::steady_clock::time_point last_save_ = std::chrono::steady_clock::now();
  std::map<std::string, Json, std::less<>> values_;
};

}  // namespace pajamas
