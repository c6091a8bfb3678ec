// SPDX-License-Identifier: Apache-2.0
// Where a validation keeps what it has done: OUTPUT/.pajamas/validate, locked, or a temporary
// folder of its own when nobody named an output. Owns the lock; a temporary folder goes with it.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace pajamas {

class ValidationWork {
 public:
  // output empty: a temporary folder. kConflict when another process holds the folder.
  static Result<ValidationWork> open(const std::filesystem::path& output);

  ValidationWork(ValidationWork&& other) noexcept;
  ValidationWork& operator=(ValidationWork&&) = delete;
  ~ValidationWork();

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] bool is_kept() const { return !is_temporary_; }
  // Everything is measured and published.
  Status remove();

 private:
  ValidationWork() = default;

  std::filesystem::path folder_;
  File lock_;
  bool is_temporary_ = false;
};

}  // namespace pajamas
