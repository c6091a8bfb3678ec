// SPDX-License-Identifier: Apache-2.0
#include "pipeline/source_hash.h"

#include <algorithm>

namespace pajamas {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
// With this much waiting, the gap before it belongs to nobody and is read here.
constexpr std::size_t kMaxWaiting = 32;
// A gap this small is read at once instead of waiting for it.
constexpr std::uint64_t kSmallGapBytes = std::uint64_t{64} << 10;
// How far ahead of the hash the disk is asked to read, and how often.
constexpr std::uint64_t kPrefetchBytes = std::uint64_t{32} << 20;

}  // namespace

Result<std::unique_ptr<SourceHasher>> SourceHasher::open(
    std::span<const std::filesystem::path> files) {
  auto hasher = std::make_unique<SourceHasher>();
  for (const std::filesystem::path& path : files) {
    auto state = std::make_unique<State>();
    state->file = PJ_TRY(File::open_read(path));
    state->size = PJ_TRY(state->file.size_bytes());
    hasher->states_.push_back(std::move(state));
  }
  return hasher;
}

void SourceHasher::begin_ahead() {
  ahead_ = std::jthread([this](const std::stop_token& stop) { hash_ahead(stop); });
}

void SourceHasher::hash_ahead(const std::stop_token& stop) {
  for (const auto& state : states_) {
    while (state->hashed < state->size) {
      if (stop.stop_requested()) return;
      // A step is read as a whole before any of it is hashed, so a failed one can be tried again.
      const std::uint64_t until = std::min<std::uint64_t>(state->size, state->hashed + kReadBytes);
      if (!hash_gap(*state, state->hashed, until)) return;
      state->hashed = until;
    }
  }
}

Status SourceHasher::feed(int file, std::uint64_t offset, std::span<const std::byte> bytes) {
  State& state = *states_[static_cast<std::size_t>(file)];
  std::unique_lock lock(state.mutex);
  if (offset < state.hashed || bytes.empty()) return {};
  if (state.hashed + kPrefetchBytes / 2 >= state.prefetched && state.prefetched < state.size) {
    state.file.prefetch(state.prefetched, kPrefetchBytes);
    state.prefetched += kPrefetchBytes;
  }
  if (offset == state.hashed && !state.is_busy) {
    // The common case: in turn, hashed from the caller's buffer while others go on.
    state.is_busy = true;
    lock.unlock();
    state.hash.update(bytes);
    lock.lock();
    state.hashed += bytes.size();
    state.is_busy = false;
  } else if (state.waiting.size() < 2 * kMaxWaiting) {
    // More than that only comes while a long gap is being read; what is dropped is read again.
    state.waiting.try_emplace(offset, bytes.begin(), bytes.end());
  }
  while (!state.is_busy && !state.waiting.empty() && !is_ending_.load()) {
    const auto next = state.waiting.begin();
    const std::uint64_t start = next->first;
    const std::uint64_t from = state.hashed;
    if (start < from) {
      state.waiting.erase(next);
      continue;
    }
    if (start > from + kSmallGapBytes && state.waiting.size() <= kMaxWaiting) break;
    // A long gap is read in steps, between which the end is noticed.
    const std::uint64_t until = std::min<std::uint64_t>(start, from + kReadBytes);
    std::vector<std::byte> data;
    if (until == start) {
      data = std::move(next->second);
      state.waiting.erase(next);
    }
    state.is_busy = true;
    lock.unlock();
    const Status status = hash_gap(state, from, until);
    if (status) state.hash.update(data);
    lock.lock();
    state.is_busy = false;
    if (!status) return status;
    state.hashed = until + data.size();
  }
  return {};
}

// Hashes the file's own bytes of a range. The caller holds is_busy, or no one else is there.
Status SourceHasher::hash_gap(State& state, std::uint64_t from, std::uint64_t until) {
  std::vector<std::byte> buffer;
  while (from < until) {
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, until - from)));
    PJ_TRY(state.file.read_at(from, buffer));
    state.hash.update(buffer);
    from += buffer.size();
  }
  return {};
}

Result<FileHash> SourceHasher::finish(std::size_t file) {
  State& state = *states_[file];
  for (const auto& [offset, data] : state.waiting) {
    if (offset < state.hashed) continue;
    PJ_TRY(hash_gap(state, state.hashed, offset));
    state.hash.update(data);
    state.hashed = offset + data.size();
  }
  PJ_TRY(hash_gap(state, state.hashed, state.size));
  return FileHash{.name = state.file.path().filename().string(),
                  .bytes = state.size,
                  .sha256 = state.hash.finish_hex()};
}

}  // namespace pajamas
