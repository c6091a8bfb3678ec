// SPDX-License-Identifier: Apache-2.0
#include "pipeline/validation_work.h"

#include <stdlib.h>
#include <sys/file.h>

#include <system_error>
#include <utility>

namespace pajamas {
namespace {

namespace fs = std::filesystem;

Result<fs::path> make_temporary_folder() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  std::string name = (parent / "llama-pajamas-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    return make_error(ErrorCode::kIo,
                      "cannot make a folder in '{}' for the original's logits; name a place with "
                      "--output DIR",
                      parent.string());
  }
  return name;
}

}  // namespace

Result<ValidationWork> ValidationWork::open(const fs::path& output) {
  ValidationWork work;
  if (output.empty()) {
    work.folder_ = PJ_TRY(make_temporary_folder());
    work.is_temporary_ = true;
    return work;
  }
  work.folder_ = output / ".pajamas" / "validate";
  PJ_TRY(make_directories(work.folder_));
  work.lock_ = PJ_TRY(File::open_write(work.folder_ / "lock"));
  if (::flock(work.lock_.fd(), LOCK_EX | LOCK_NB) != 0) {
    return make_error(ErrorCode::kConflict,
                      "another process is validating into '{}'; wait for it or choose another "
                      "--output",
                      output.string());
  }
  return work;
}

ValidationWork::ValidationWork(ValidationWork&& other) noexcept
    : folder_(std::move(other.folder_)),
      lock_(std::move(other.lock_)),
      is_temporary_(std::exchange(other.is_temporary_, false)) {}

ValidationWork::~ValidationWork() {
  std::error_code ignored;
  if (is_temporary_) fs::remove_all(folder_, ignored);
}

Status ValidationWork::remove() {
  std::error_code error;
  fs::remove_all(folder_, error);
  if (error) {
    return make_error(ErrorCode::kIo, "cannot remove '{}': {}", folder_.string(), error.message());
  }
  // An unfinished conversion may be in the folder above.
  if (!is_temporary_) fs::remove(folder_.parent_path(), error);
  return {};
}

}  // namespace pajamas
