// SPDX-License-Identifier: Apache-2.0
#include "pipeline/execute.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/human_units.h"
#include "base/process_stats.h"
#include "base/thread_pool.h"
#include "models/row_reader.h"
#include "pipeline/item_encoder.h"
#include "pipeline/output_hash.h"
#include "pipeline/work_list.h"

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

// An item's F32 rows fit a core's L2 cache beside what is made of them.
constexpr std::int64_t kChunkElems = 128 * 1024;
constexpr std::uint64_t kMemorySlack = std::uint64_t{16} << 20;  // stacks, hash queues, journal
constexpr std::uint64_t kCopyBytes = std::uint64_t{1} << 20;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr auto kWritebackInterval = std::chrono::milliseconds(200);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Puts the bytes of another file into one that has the same length.
Status copy_into(const File& file, const std::filesystem::path& from, std::uint64_t bytes) {
  const File source = PJ_TRY(File::open_read(from));
  if (PJ_TRY(source.size_bytes()) != bytes) {
    return make_error(ErrorCode::kConflict, "'{}' changed while the conversion ran", from.string());
  }
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(bytes, kCopyBytes)));
  for (std::uint64_t offset = 0; offset < bytes; offset += buffer.size()) {
    buffer.resize(static_cast<std::size_t>(std::min(bytes - offset, kCopyBytes)));
    PJ_TRY(source.read_at(offset, buffer));
    PJ_TRY(file.write_at(offset, buffer));
  }
  return {};
}

// The files being written, by output and number.
class OutputFiles {
 public:
  static Result<OutputFiles> open(const Plan& plan, const std::filesystem::path& folder) {
    OutputFiles files;
    for (const PlannedOutput& output : plan.outputs) {
      files.files_.emplace_back();
      PJ_TRY(make_directories(folder / output_format_name(output.format)));
      for (const PlannedFile& planned : output.files) PJ_TRY(files.add(planned, folder));
    }
    return files;
  }

  // True when some file was not there in full: nothing an earlier run did can be relied on.
  [[nodiscard]] bool is_fresh() const { return is_fresh_; }
  [[nodiscard]] const File& at(std::size_t output, int file) const {
    return files_[output][static_cast<std::size_t>(file)];
  }
  Status sync() const {
    for (const auto& files : files_) {
      for (const File& file : files) PJ_TRY(file.sync());
    }
    return {};
  }
  void start_writeback() const {
    for (const auto& files : files_) {
      for (const File& file : files) file.start_writeback(0, 0);
    }
  }

 private:
  Status add(const PlannedFile& planned, const std::filesystem::path& folder) {
    File file = PJ_TRY(File::open_write(folder / planned.path));
    const std::uint64_t size = PJ_TRY(file.size_bytes());
    is_fresh_ = is_fresh_ || size != planned.bytes;
    PJ_TRY(file.resize(planned.bytes));
    PJ_TRY(file.reserve(planned.bytes));
    PJ_TRY(file.write_at(0, std::as_bytes(std::span(planned.header))));
    if (!planned.copied_from.empty()) {
      PJ_TRY(copy_into(file, planned.copied_from, planned.bytes));
    }
    files_.back().push_back(std::move(file));
    return {};
  }

  std::vector<std::vector<File>> files_;
  bool is_fresh_ = false;
};

// Finished tensors on their way into the journal, and the thread that syncs files and writes it.
class Checkpointer {
 public:
  Checkpointer(const OutputFiles& files, Journal& journal, double interval_seconds)
      : files_(files),
        journal_(journal),
        interval_(std::chrono::duration<double>(interval_seconds)),
        thread_([this] { loop(); }) {}
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer() { static_cast<void>(stop()); }

  void add(JournalEntry entry) {
    const std::lock_guard lock(mutex_);
    pending_.push_back(std::move(entry));
  }
  [[nodiscard]] bool has_failed() const { return failed_.load(); }

  // The thread starts to sync and write what is left.
  void begin_stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
  }
  // Waits until all is written. The first error of any checkpoint.
  Status stop() {
    if (!thread_.joinable()) return {};
    begin_stop();
    thread_.join();
    return status_;
  }

 private:
  void loop() {
    Clock::time_point last = Clock::now();
    std::unique_lock lock(mutex_);
    while (!failed_.load()) {
      wake_.wait_for(lock, kWritebackInterval, [this] { return stopping_; });
      const bool is_last = stopping_;
      lock.unlock();
      if (!is_last) files_.start_writeback();
      if (is_last || Clock::now() - last >= interval_) {
        write();
        last = Clock::now();
      }
      lock.lock();
      if (is_last) return;
    }
  }

  void write() {
    std::vector<JournalEntry> entries;
    {
      const std::lock_guard lock(mutex_);
      entries.swap(pending_);
    }
    Status status = files_.sync();
    if (status) status = journal_.append(entries);
    if (!status) {
      status_ = status;
      failed_.store(true);
    }
  }

  const OutputFiles& files_;
  Journal& journal_;
  const std::chrono::duration<double> interval_;
  std::mutex mutex_;  // guards pending_ and stopping_
  std::condition_variable wake_;
  std::vector<JournalEntry> pending_;
  bool stopping_ = false;
  std::atomic<bool> failed_{false};
  Status status_;  // written by the thread that fails, read after it is joined
  std::thread thread_;
};

class Executor {
 public:
  Executor(const Model& model, const Plan& plan, const OutputFiles& files, SourceHasher& hasher,
           OutputHasher& output_hasher, Checkpointer& checkpointer, const WorkList& work,
           int threads, const CancelToken& cancel, Progress& progress)
      : model_(model),
        plan_(plan),
        files_(files),
        hasher_(hasher),
        output_hasher_(output_hasher),
        checkpointer_(checkpointer),
        work_(work),
        reader_(*model.tensors, nullptr, model.fp8_block),
        cancel_(cancel),
        progress_(progress),
        encoders_(static_cast<std::size_t>(threads)),
        item_stats_(work.items.size() * plan.outputs.size()),
        items_left_(model.outputs.size()),
        entries_(model.outputs.size()) {
    for (std::size_t i = 0; i < work_.items.size(); ++i) {
      const auto tensor = static_cast<std::size_t>(work_.items[i].tensor);
      items_of_[work_.items[i].tensor].push_back(i);
      items_left_[tensor].fetch_add(1);
    }
  }

  Status run_item(std::int64_t index, int thread) {
    if (checkpointer_.has_failed()) return make_error(ErrorCode::kIo, "the journal failed");
    PJ_TRY(cancel_.check());
    const Clock::time_point start = Clock::now();
    const WorkItem& item = work_.items[static_cast<std::size_t>(index)];
    const OutputTensor& tensor = model_.outputs[static_cast<std::size_t>(item.tensor)];
    ItemEncoder& encoder = encoders_[static_cast<std::size_t>(thread)];

    const std::span<std::byte> raw = encoder.raw_buffer(item);
    PJ_TRY(model_.tensors->read(*item.source, item.source_offset(), raw));
    PJ_TRY(encoder.load(reader_, item, tensor));
    for (std::size_t output = 0; output < plan_.outputs.size(); ++output) {
      PJ_TRY(write_output(
          output, item.tensor, encoder,
          item_stats_[static_cast<std::size_t>(index) * plan_.outputs.size() + output]));
    }
    item_stats_[static_cast<std::size_t>(index) * plan_.outputs.size()].seconds =
        seconds_since(start);
    finish_item(item);
    if (static_cast<std::size_t>(index) + 1 == work_.items.size()) hasher_.stop_feeding();
    // Only now: who hashes the source may do so for long, and its item is not to keep back the
    // tensor. What comes out of turn is so little that the hash reads it again when it gets there.
    // What is decoded while it is read is not what the file holds.
    if (!item.is_early && model_.source.format != "mlx") {
      PJ_TRY(hasher_.feed(item.source->file, item.source->file_offset + item.source_offset(), raw));
    }
    return output_hasher_.advance();
  }

  [[nodiscard]] std::vector<JournalEntry> take_entries() { return std::move(entries_); }

 private:
  Status write_output(std::size_t output, std::int32_t tensor, ItemEncoder& encoder,
                      TensorStats& stats) {
    const PlannedOutput& planned = plan_.outputs[output];
    const PlannedTensor& planned_tensor = planned.tensors[static_cast<std::size_t>(tensor)];
    if (planned_tensor.parts.empty()) return {};
    const auto pieces = PJ_TRY(encoder.encode(planned, planned_tensor, stats));
    PJ_CHECK(pieces.size() == planned_tensor.parts.size());
    for (std::size_t part = 0; part < pieces.size(); ++part) {
      const PlannedPart& place = planned_tensor.parts[part];
      PJ_TRY(files_.at(output, place.file)
                 .write_at(place.offset + pieces[part].offset, pieces[part].bytes));
    }
    return {};
  }

  void finish_item(const WorkItem& item) {
    const std::uint64_t done = done_bytes_.fetch_add(item.source_bytes()) + item.source_bytes();
    const auto tensor = static_cast<std::size_t>(item.tensor);
    if (items_left_[tensor].fetch_sub(1) == 1) {
      // Summed in a fixed order, so that the report does not depend on the threads.
      JournalEntry entry{.tensor = item.tensor,
                         .stats = std::vector<TensorStats>(plan_.outputs.size())};
      double seconds = 0;
      for (const std::size_t i : items_of_.at(item.tensor)) {
        for (std::size_t output = 0; output < plan_.outputs.size(); ++output) {
          const TensorStats& stats = item_stats_[i * plan_.outputs.size() + output];
          entry.stats[output].squared_error += stats.squared_error;
          entry.stats[output].squared_sum += stats.squared_sum;
          seconds += stats.seconds;
        }
      }
      for (TensorStats& stats : entry.stats) stats.seconds = seconds;
      entries_[tensor] = entry;
      output_hasher_.tensor_done(item.tensor);
      checkpointer_.add(std::move(entry));
    }
    report_progress(item, done);
  }

  void report_progress(const WorkItem& item, std::uint64_t done) {
    const std::unique_lock lock(progress_mutex_, std::try_to_lock);
    if (!lock) return;
    const Clock::time_point now = Clock::now();
    if (now - last_progress_ < kProgressInterval && done != work_.total_bytes) return;
    last_progress_ = now;
    progress_.update({.stage = "quantize",
                      .item = model_.outputs[static_cast<std::size_t>(item.tensor)].name,
                      .done_bytes = done,
                      .total_bytes = work_.total_bytes});
  }

  const Model& model_;
  const Plan& plan_;
  const OutputFiles& files_;
  SourceHasher& hasher_;
  OutputHasher& output_hasher_;
  Checkpointer& checkpointer_;
  const WorkList& work_;
  const RowReader reader_;
  const CancelToken& cancel_;
  Progress& progress_;
  std::vector<ItemEncoder> encoders_;                          // by thread
  std::map<std::int32_t, std::vector<std::size_t>> items_of_;  // by tensor
  std::vector<TensorStats> item_stats_;                // item x output, written by one worker each
  std::vector<std::atomic<std::int32_t>> items_left_;  // by tensor
  std::vector<JournalEntry> entries_;                  // by tensor, written by its last worker
  std::atomic<std::uint64_t> done_bytes_{0};
  std::mutex progress_mutex_;
  Clock::time_point last_progress_;
};

Status write_constants(const Model& model, const Plan& plan, const OutputFiles& files) {
  for (std::size_t output = 0; output < plan.outputs.size(); ++output) {
    for (std::size_t t = 0; t < model.outputs.size(); ++t) {
      const std::vector<float>& values = model.outputs[t].constant;
      if (values.empty()) continue;
      const PlannedTensor& planned = plan.outputs[output].tensors[t];
      if (planned.parts.empty()) continue;
      PJ_CHECK(planned.dtype == DType::kF32 && planned.parts.size() == 1);
      const PlannedPart& place = planned.parts.front();
      PJ_TRY(files.at(output, place.file).write_at(place.offset, std::as_bytes(std::span(values))));
    }
  }
  return {};
}

// Knows every file of the plan, by output; tensors in `done` and constants are complete.
void add_hashed_files(const Model& model, const Plan& plan, const OutputFiles& files,
                      const std::set<std::int64_t>& done, OutputHasher& hasher) {
  for (std::size_t output = 0; output < plan.outputs.size(); ++output) {
    const PlannedOutput& planned = plan.outputs[output];
    std::vector<std::vector<HashedTensor>> tensors(planned.files.size());
    for (std::size_t t = 0; t < planned.tensors.size(); ++t) {
      for (const PlannedPart& part : planned.tensors[t].parts) {
        tensors[static_cast<std::size_t>(part.file)].push_back(
            {static_cast<std::int64_t>(t), part.offset});
      }
    }
    for (std::size_t file = 0; file < planned.files.size(); ++file) {
      hasher.add_file(files.at(output, static_cast<int>(file)), planned.files[file].bytes,
                      std::move(tensors[file]));
    }
  }
  for (std::size_t t = 0; t < model.outputs.size(); ++t) {
    const auto tensor = static_cast<std::int64_t>(t);
    if (!model.outputs[t].constant.empty() || done.contains(tensor)) hasher.tensor_done(tensor);
  }
}

// What is left when all weights are written, at the same time: the last sync and journal lines,
// and the ends of all hashes.
Status finish_files(ThreadPool& pool, const Plan& plan, Checkpointer& checkpointer,
                    SourceHasher& source_hasher, OutputHasher& output_hasher,
                    ExecuteResult& result) {
  std::vector<std::string> names;
  for (const PlannedOutput& output : plan.outputs) {
    for (const PlannedFile& file : output.files) names.push_back(file.path);
  }
  std::vector<std::string> hashes(names.size());
  const std::size_t sources = source_hasher.file_count();
  result.source_files.resize(sources);
  checkpointer.begin_stop();
  PJ_TRY(pool.run(static_cast<std::int64_t>(sources + names.size()),
                  [&](std::int64_t job, int) -> Status {
                    const auto file = static_cast<std::size_t>(job);
                    if (file < sources) {
                      result.source_files[file] = PJ_TRY(source_hasher.finish(file));
                    } else {
                      hashes[file - sources] = PJ_TRY(output_hasher.finish(file - sources));
                    }
                    return {};
                  }));
  PJ_TRY(checkpointer.stop());
  for (std::size_t file = 0; file < names.size(); ++file) {
    result.sha256_by_file[names[file]] = hashes[file];
  }
  return {};
}

// Elements of an item so that all workers' buffers stay inside the memory the user allows.
Result<std::int64_t> choose_chunk_elems(const Model& model, const RowReader& reader,
                                        const ExecuteOptions& options, int threads) {
  if (options.max_memory_bytes == 0) return kChunkElems;
  const std::uint64_t used = peak_rss_bytes() + kMemorySlack;
  const std::uint64_t left = options.max_memory_bytes > used ? options.max_memory_bytes - used : 0;
  const auto elems =
      static_cast<std::int64_t>(left / static_cast<std::uint64_t>(threads) / kEncoderBytesPerElem);
  const WorkList smallest = PJ_TRY(make_work_list(model, reader, {}, 1));
  if (elems < smallest.max_item_elems) {
    const std::uint64_t needed = used + static_cast<std::uint64_t>(smallest.max_item_elems) *
                                            kEncoderBytesPerElem *
                                            static_cast<std::uint64_t>(threads);
    return make_error(ErrorCode::kNoSpace,
                      "--max-memory {} is too little for this model with {} threads; it needs "
                      "{}. Use fewer --threads or allow more",
                      format_bytes(options.max_memory_bytes), threads, format_bytes(needed));
  }
  return std::min(elems, kChunkElems);
}

}  // namespace

Result<ExecuteResult> execute_plan(const Model& model, const Plan& plan,
                                   const std::filesystem::path& folder, Journal& journal,
                                   SourceHasher& hasher, const ExecuteOptions& options,
                                   const CancelToken& cancel, Progress& progress) {
  ThreadPool pool(options.threads);
  const RowReader reader(*model.tensors, nullptr, model.fp8_block);
  const std::int64_t chunk_elems =
      PJ_TRY(choose_chunk_elems(model, reader, options, pool.thread_count()));
  const OutputFiles files = PJ_TRY(OutputFiles::open(plan, folder));
  PJ_TRY(write_constants(model, plan, files));

  std::set<std::int64_t> done;
  if (!files.is_fresh()) {
    for (const auto& [tensor, entry] : journal.done()) done.insert(tensor);
  }
  const WorkList work = PJ_TRY(make_work_list(model, reader, done, chunk_elems));
  OutputHasher output_hasher;
  add_hashed_files(model, plan, files, done, output_hasher);
  Checkpointer checkpointer(files, journal, options.checkpoint_seconds);
  hasher.end_ahead();
  Executor executor(model, plan, files, hasher, output_hasher, checkpointer, work,
                    pool.thread_count(), cancel, progress);
  const Status status =
      pool.run(static_cast<std::int64_t>(work.items.size()),
               [&](std::int64_t index, int thread) { return executor.run_item(index, thread); });
  if (!status) {
    PJ_TRY(checkpointer.stop());
    return std::unexpected(status.error());
  }

  ExecuteResult result;
  PJ_TRY(finish_files(pool, plan, checkpointer, hasher, output_hasher, result));
  result.threads = pool.thread_count();
  result.resumed_tensors = static_cast<std::int64_t>(done.size());
  result.tensors = executor.take_entries();
  for (const std::int64_t tensor : done) {
    result.tensors[static_cast<std::size_t>(tensor)] = journal.done().at(tensor);
  }
  return result;
}

}  // namespace pajamas
