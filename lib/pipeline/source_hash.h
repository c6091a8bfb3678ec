// SPDX-License-Identifier: Apache-2.0
// SHA-256 of the source files from the bytes that conversion reads anyway.
//
// Workers feed ranges roughly in file order. A range that comes too early waits as a copy; what
// nobody feeds (headers, tensors that are not used, what an earlier run did already) is read when
// the hash gets there. feed() may be called from many threads.
//
// Before there is anything to feed, a thread of its own can begin: begin_ahead() and end_ahead().
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"

namespace pajamas {

struct FileHash {
  std::string name;  // without folders
  std::uint64_t bytes = 0;
  std::string sha256;
};

class SourceHasher {
 public:
  static Result<std::unique_ptr<SourceHasher>> open(std::span<const std::filesystem::path> files);

  // A thread hashes the files from their beginnings until end_ahead() or the destructor stops it.
  // What it cannot read is left to finish(), which says why.
  void begin_ahead();
  // Before the first feed(). Returns within the time that a megabyte takes.
  void end_ahead() { ahead_ = {}; }

  // Bytes of a file at an offset. Ranges come in ascending order of offset, give or take as many as
  // there are threads. One caller at a time hashes a file, and goes on while others bring more: be
  // done with the bytes' other uses before.
  Status feed(int file, std::uint64_t offset, std::span<const std::byte> bytes);
  // The last ranges are on their way: callers of feed() return soon, and leave the rest to
  // finish().
  void stop_feeding() { is_ending_.store(true); }

  [[nodiscard]] std::size_t file_count() const { return states_.size(); }
  // Reads what is missing. Call once per file, when all workers are done; files may be finished at
  // the same time.
  Result<FileHash> finish(std::size_t file);

 private:
  struct State {
    File file;
    std::uint64_t size = 0;
    std::mutex mutex;              // guards the rest
    std::uint64_t hashed = 0;      // bytes from the start that are in `hash`
    std::uint64_t prefetched = 0;  // bytes the system was asked to read ahead
    std::map<std::uint64_t, std::vector<std::byte>> waiting;
    bool is_busy = false;  // a thread is hashing; `hash` is that thread's alone
    Sha256 hash;
  };

  void hash_ahead(const std::stop_token& stop);
  static Status hash_gap(State& state, std::uint64_t from, std::uint64_t until);

  std::vector<std::unique_ptr<State>> states_;
  std::atomic<bool> is_ending_{false};
  std::jthread ahead_;  // the last member: it works on the others
};

}  // namespace pajamas
