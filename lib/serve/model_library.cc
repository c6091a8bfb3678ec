// SPDX-License-Identifier: Apache-2.0
#include "serve/model_library.h"

#include <utility>

#include "base/human_units.h"

namespace pajamas {

ModelLibrary::ModelLibrary(std::vector<OfferedModel> models, const LibraryLimits& limits)
    : limits_(limits) {
  for (OfferedModel& model : models) slots_.push_back({.model = std::move(model)});
}

std::vector<ModelLibrary::Entry> ModelLibrary::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  for (const Slot& slot : slots_) {
    Entry& entry = entries.emplace_back();
    entry.id = slot.model.id;
    entry.created_s = slot.model.created_s;
    if (slot.loaded == nullptr) continue;
    entry.is_loaded = true;
    entry.weight_bytes = slot.loaded->info().weight_bytes;
    entry.load = slot.loaded->load();
  }
  return entries;
}

Result<ModelLibrary::Slot*> ModelLibrary::find(std::string_view id) {
  if (id.empty() && !slots_.empty()) return &slots_.front();
  std::string known;
  for (Slot& slot : slots_) {
    if (slot.model.id == id) return &slot;
    known += (known.empty() ? "" : ", ") + slot.model.id;
  }
  return make_error(ErrorCode::kNotFound, "there is no model '{}' here; there is {}", id, known);
}

Status ModelLibrary::make_room(const Slot& wanted) {
  if (limits_.max_bytes == 0) return {};
  while (true) {
    std::uint64_t used = wanted.model.bytes;
    Slot* oldest = nullptr;
    for (Slot& slot : slots_) {
      if (slot.loaded == nullptr && !slot.is_loading) continue;
      if (&slot == &wanted) continue;
      used += slot.model.bytes;
      const bool is_free = slot.loaded != nullptr && slot.loaded.use_count() == 1;
      if (is_free && (oldest == nullptr || slot.last_use < oldest->last_use)) oldest = &slot;
    }
    if (used <= limits_.max_bytes) return {};
    if (oldest == nullptr) {
      return make_error(ErrorCode::kNoSpace,
                        "model '{}' needs {} and the models in use leave too little of {}; try "
                        "again later or raise --max-memory",
                        wanted.model.id, format_bytes(wanted.model.bytes),
                        format_bytes(limits_.max_bytes));
    }
    oldest->loaded.reset();
  }
}

Result<SharedModel> ModelLibrary::acquire(std::string_view id) {
  std::unique_lock lock(mutex_);
  Slot* slot = PJ_TRY(find(id));
  slot->last_use = ++uses_;
  loaded_.wait(lock, [&] { return !slot->is_loading; });
  if (slot->loaded != nullptr) return slot->loaded;
  PJ_TRY(make_room(*slot));
  slot->is_loading = true;
  lock.unlock();
  auto generator = slot->model.load();
  lock.lock();
  slot->is_loading = false;
  loaded_.notify_all();
  if (!generator) return std::unexpected(generator.error().with_context(slot->model.id));
  slot->loaded = *generator;
  return std::move(*generator);
}

}  // namespace pajamas
