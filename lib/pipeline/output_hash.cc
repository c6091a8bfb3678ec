// SPDX-License-Identifier: Apache-2.0
#include "pipeline/output_hash.h"

#include <algorithm>

namespace pajamas {
namespace {

constexpr std::uint64_t kStepBytes = std::uint64_t{1} << 20;

}  // namespace

std::size_t OutputHasher::add_file(const File& file, std::uint64_t bytes,
                                   std::vector<HashedTensor> tensors) {
  auto target = std::make_unique<Target>();
  target->file = &file;
  target->bytes = bytes;
  target->tensors = std::move(tensors);
  std::ranges::sort(target->tensors, {}, &HashedTensor::offset);
  target->is_done.resize(target->tensors.size());
  target->ready = target->tensors.empty() ? bytes : target->tensors.front().offset;
  targets_.push_back(std::move(target));
  return targets_.size() - 1;
}

void OutputHasher::tensor_done(std::int64_t tensor) {
  for (const auto& target : targets_) {
    const std::lock_guard lock(target->order_mutex);
    for (std::size_t part = 0; part < target->tensors.size(); ++part) {
      if (target->tensors[part].tensor == tensor) target->is_done[part] = true;
    }
    while (target->next < target->tensors.size() && target->is_done[target->next]) ++target->next;
    target->ready = target->next == target->tensors.size() ? target->bytes
                                                           : target->tensors[target->next].offset;
  }
}

Status OutputHasher::advance() {
  for (const auto& target : targets_) {
    const std::unique_lock lock(target->hash_mutex, std::try_to_lock);
    if (!lock || target->ready.load() - target->hashed < kStepBytes) continue;
    return hash_step(*target, target->ready.load());
  }
  return {};
}

Result<std::string> OutputHasher::finish(std::size_t file) {
  Target& target = *targets_[file];
  const std::lock_guard lock(target.hash_mutex);
  while (target.hashed < target.bytes) PJ_TRY(hash_step(target, target.bytes));
  return target.hash.finish_hex();
}

// One step at most; the caller holds hash_mutex.
Status OutputHasher::hash_step(Target& target, std::uint64_t until) {
  target.buffer.resize(static_cast<std::size_t>(std::min(kStepBytes, until - target.hashed)));
  PJ_TRY(target.file->read_at(target.hashed, target.buffer));
  target.hash.update(target.buffer);
  target.hashed += target.buffer.size();
  return {};
}

}  // namespace pajamas
