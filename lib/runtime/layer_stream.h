// SPDX-License-Identifier: Apache-2.0
// Weights of one layer at a time, for models that do not fit in memory: a layer is read when the
// forward pass reaches it and its memory is used again for a later one.
//
// With two buffers a thread of the stream's own reads the next layer while the present one is
// computed; whoever waits for a layer helps to read it. Behind the last layer comes the first, for
// the next pass. Owns the memory, the thread and the source. hold() is called from one thread at a
// time. After an error the stream can be used again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "base/memory_pages.h"
#include "runtime/worker_team.h"

namespace pajamas {

// Where layers come from, in parts that may be loaded in any order and by different threads.
class LayerSource {
 public:
  virtual ~LayerSource() = default;
  [[nodiscard]] virtual std::int64_t layers() const = 0;
  [[nodiscard]] virtual std::uint64_t bytes(std::int64_t layer) const = 0;  // in memory
  [[nodiscard]] virtual std::int64_t parts(std::int64_t layer) const = 0;
  // memory: of the whole layer. scratch: for the callee's use, kept between calls.
  virtual Status load_part(std::int64_t layer, std::int64_t part, std::byte* memory,
                           std::vector<std::byte>& scratch) const = 0;
  // The layer is complete at `memory`, and is used from there until another call says otherwise.
  virtual void place(std::int64_t layer, std::byte* memory) = 0;
};

class LayerStream {
 public:
  // buffers: layers that are in memory, 1 or 2.
  static Result<std::unique_ptr<LayerStream>> create(std::unique_ptr<LayerSource> source,
                                                     int buffers);
  LayerStream(const LayerStream&) = delete;
  LayerStream& operator=(const LayerStream&) = delete;
  ~LayerStream();

  // Makes the layer's weights be there until the next call; the team helps to read them.
  Status hold(std::int64_t layer, WorkerTeam& team, const CancelToken& cancel);

  // Layers whose reading was begun so far.
  [[nodiscard]] std::int64_t layers_begun() const { return layers_begun_; }
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  struct Buffer {
    MemoryPages memory;
    std::int64_t layer = -1;  // that it holds or is being filled with
    std::int64_t parts = 0;
    std::atomic<std::int64_t> next{0};
    std::atomic<bool> is_given_up{false};
    std::int64_t finished = 0;   // guarded by mutex_
    std::optional<Error> error;  // the first; guarded by mutex_
  };

  explicit LayerStream(std::unique_ptr<LayerSource> source) : source_(std::move(source)) {}

  void begin(Buffer& buffer, std::int64_t layer);
  void drain(Buffer& buffer, const CancelToken* cancel);
  Status finish(Buffer& buffer);
  Buffer& buffer_for(std::int64_t layer);
  void read_ahead(std::int64_t layer);
  void work();

  std::unique_ptr<LayerSource> source_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::int64_t layers_begun_ = 0;
  std::thread reader_;  // where there are two buffers
  std::mutex mutex_;
  std::condition_variable wake_;     // the reader: there is something to read
  std::condition_variable changed_;  // whoever waits: a part is finished, or the reader is idle
  Buffer* ahead_ = nullptr;          // what the reader works on; guarded by mutex_
  bool is_stopping_ = false;         // guarded by mutex_
};

}  // namespace pajamas
