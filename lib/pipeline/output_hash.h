// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the files being written, taken while they are: as soon as the front of a file is
// complete it is read back from the page cache and hashed, so that little is left at the end.
//
// All functions may be called from many threads. The files outlive the hasher.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"

namespace pajamas {

// A part of a tensor in a file.
struct HashedTensor {
  std::int64_t tensor = 0;   // index into Model::outputs
  std::uint64_t offset = 0;  // where it starts; what lies before the first is complete
};

class OutputHasher {
 public:
  // Returns the number of the file. `tensors` in any order.
  std::size_t add_file(const File& file, std::uint64_t bytes, std::vector<HashedTensor> tensors);

  // All bytes of the tensor, and the padding behind it, are written in every file.
  void tensor_done(std::int64_t tensor);
  // Hashes a few megabytes of a file whose front is ready, if there is one that nobody else hashes.
  Status advance();
  // Hashes the rest. Call once per file, when all tensors are done.
  Result<std::string> finish(std::size_t file);

 private:
  struct Target {
    const File* file = nullptr;
    std::uint64_t bytes = 0;
    std::vector<HashedTensor> tensors;  // by offset

    std::mutex order_mutex;  // guards is_done and next
    std::vector<bool> is_done;
    std::size_t next = 0;                 // first tensor that is not done
    std::atomic<std::uint64_t> ready{0};  // bytes from the start that are complete

    std::mutex hash_mutex;  // guards the rest
    Sha256 hash;
    std::uint64_t hashed = 0;
    std::vector<std::byte> buffer;
  };

  static Status hash_step(Target& target, std::uint64_t until);

  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace pajamas
