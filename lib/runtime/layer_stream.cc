// SPDX-License-Identifier: Apache-2.0
#include "runtime/layer_stream.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace pajamas {

Result<std::unique_ptr<LayerStream>> LayerStream::create(std::unique_ptr<LayerSource> source,
                                                         int buffers) {
  PJ_CHECK(buffers == 1 || buffers == 2);
  std::uint64_t largest = 0;
  for (std::int64_t layer = 0; layer < source->layers(); ++layer) {
    largest = std::max(largest, source->bytes(layer));
  }
  std::unique_ptr<LayerStream> stream(new LayerStream(std::move(source)));
  for (int i = 0; i < buffers; ++i) {
    auto buffer = std::make_unique<Buffer>();
    buffer->memory = PJ_TRY(MemoryPages::allocate(largest));
    stream->buffers_.push_back(std::move(buffer));
  }
  for (std::int64_t layer = 0; layer < stream->source_->layers(); ++layer) {
    stream->source_->place(layer, stream->buffers_.front()->memory.data());  // nothing is yet there
  }
  if (buffers > 1) stream->reader_ = std::thread([raw = stream.get()] { raw->work(); });
  return stream;
}

LayerStream::~LayerStream() {
  if (!reader_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
    if (ahead_ != nullptr) ahead_->is_given_up = true;
  }
  wake_.notify_one();
  reader_.join();
}

std::uint64_t LayerStream::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& buffer : buffers_) bytes += buffer->memory.bytes().size();
  return bytes;
}

Status LayerStream::hold(std::int64_t layer, WorkerTeam& team, const CancelToken& cancel) {
  Buffer& buffer = buffer_for(layer);
  team.run(team.thread_count(), [&](std::int64_t, int) { drain(buffer, &cancel); });
  PJ_TRY(finish(buffer));
  source_->place(layer, buffer.memory.data());
  if (buffers_.size() > 1) read_ahead((layer + 1) % source_->layers());
  return {};
}

// The buffer that the layer is in or being read into; reading begins when there is none.
LayerStream::Buffer& LayerStream::buffer_for(std::int64_t layer) {
  for (const auto& buffer : buffers_) {
    if (buffer->layer == layer) return *buffer;
  }
  std::unique_lock lock(mutex_);
  if (ahead_ != nullptr) {  // the wrong one
    Buffer& given_up = *ahead_;
    given_up.is_given_up = true;
    changed_.wait(lock, [&] { return ahead_ == nullptr; });
    given_up.layer = -1;
  }
  Buffer& buffer = *buffers_.front();
  begin(buffer, layer);
  return buffer;
}

// No thread is at work on the buffer.
void LayerStream::begin(Buffer& buffer, std::int64_t layer) {
  buffer.layer = layer;
  buffer.parts = source_->parts(layer);
  buffer.next = 0;
  buffer.is_given_up = false;
  buffer.finished = 0;
  buffer.error.reset();
  ++layers_begun_;
}

void LayerStream::drain(Buffer& buffer, const CancelToken* cancel) {
  std::vector<std::byte> scratch;
  for (;;) {
    const std::int64_t part = buffer.next.fetch_add(1);
    if (part >= buffer.parts) return;
    Status done = cancel == nullptr ? Status{} : cancel->check();
    if (done && !buffer.is_given_up) {
      done = source_->load_part(buffer.layer, part, buffer.memory.data(), scratch);
    }
    const std::scoped_lock lock(mutex_);
    if (!done && !buffer.error) buffer.error = std::move(done).error();
    if (!done) buffer.is_given_up = true;
    if (++buffer.finished == buffer.parts) changed_.notify_all();
  }
}

// Waits for the parts that the reader has in hand.
Status LayerStream::finish(Buffer& buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return buffer.finished == buffer.parts && ahead_ == nullptr; });
  if (!buffer.is_given_up) return {};
  buffer.layer = -1;
  PJ_CHECK(buffer.error.has_value());
  return std::unexpected(*std::exchange(buffer.error, std::nullopt));
}

void LayerStream::read_ahead(std::int64_t layer) {
  for (const auto& buffer : buffers_) {
    if (buffer->layer == layer) return;
  }
  const std::int64_t held = layer == 0 ? source_->layers() - 1 : layer - 1;
  {
    const std::scoped_lock lock(mutex_);
    Buffer& free = *buffers_[buffers_.front()->layer == held ? 1 : 0];
    begin(free, layer);
    ahead_ = &free;
  }
  wake_.notify_one();
}

void LayerStream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return ahead_ != nullptr || is_stopping_; });
    if (is_stopping_) return;
    Buffer& buffer = *ahead_;
    lock.unlock();
    drain(buffer, nullptr);
    lock.lock();
    ahead_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace pajamas
