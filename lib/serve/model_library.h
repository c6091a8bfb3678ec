// SPDX-License-Identifier: Apache-2.0
// The models that a server offers: known by name from the start, loaded when first asked for.
//
// Loading one more than fits unloads those that were used longest ago and that nobody uses now.
// Thread-safe; acquire() blocks while a model is being loaded. Requests hold a model by the pointer
// they got, so it stays until the last of them has ended.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "serve/served_model.h"

namespace pajamas {

// Shared by the library and the requests that use it.
using SharedModel = std::shared_ptr<ServedModel>;

struct OfferedModel {
  std::string id;
  std::int64_t created_s = 0;
  std::uint64_t bytes = 0;  // that loading it takes, about
  std::function<Result<SharedModel>()> load;
};

struct LibraryLimits {
  std::uint64_t max_bytes = 0;  // of all loaded models; 0: no limit but one at a time stays
};

class ModelLibrary {
 public:
  ModelLibrary(std::vector<OfferedModel> models, const LibraryLimits& limits);

  struct Entry {
    std::string id;
    std::int64_t created_s = 0;
    bool is_loaded = false;
    std::uint64_t weight_bytes = 0;  // 0 while it is not loaded, as is what follows
    ModelLoad load{};
  };
  [[nodiscard]] std::vector<Entry> list() const;

  // By id; "" is the first one. kNotFound names those there are. kNoSpace when it does not fit
  // beside the models that are in use.
  Result<SharedModel> acquire(std::string_view id);

 private:
  struct Slot {
    OfferedModel model;
    SharedModel loaded{};
    bool is_loading = false;
    std::uint64_t last_use = 0;
  };
  Result<Slot*> find(std::string_view id);
  Status make_room(const Slot& wanted);

  std::vector<Slot> slots_;
  LibraryLimits limits_;
  mutable std::mutex mutex_;  // guards everything above
  std::condition_variable loaded_;
  std::uint64_t uses_ = 0;
};

}  // namespace pajamas
