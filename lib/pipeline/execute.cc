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
#include "kernels/kernel_table.h"
#include "pipeline/output_hash.h"
#include "models/row_reader.h"
#include "pipeline/work_list.h"

namespace pajamas {
namespace {

using Clock = std::chrono::steady_clock;

// An item's F32 rows fit a core's L2 cache beside what is made of them.
constexpr std::int64_t kChunkElems = 128 * 1024;
// Buffers of a worker per element: stored bytes (up to 4), F32 rows, the same reordered and decoded
// again, encoded bytes (up to 4).
constexpr std::uint64_t kBytesPerElem = 20;
constexpr std::uint64_t kMemorySlack = std::uint64_t{16} << 20;  // stacks, hash queues, journal
// The error in the report is measured on every 8th row: exact enough, and nearly free.
constexpr std::int64_t kErrorRowStep = 8;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr auto kWritebackInterval = std::chrono::milliseconds(200);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The files being written, by output and shard.
class OutputFiles {
 public:
  static Result<OutputFiles> open(const Plan& plan, const std::filesystem::path& folder) {
    OutputFiles files;
    for (const PlannedOutput& output : plan.outputs) {
      auto& shards = files.files_.emplace_back();
      for (const PlannedShard& shard : output.shards) {
        File file = PJ_TRY(File::open_write(folder / shard.file_name));
        const std::uint64_t size = PJ_TRY(file.size_bytes());
        files.is_fresh_ = files.is_fresh_ || size != shard.layout.file_bytes;
        PJ_TRY(file.resize(shard.layout.file_bytes));
        PJ_TRY(file.reserve(shard.layout.file_bytes));
        PJ_TRY(file.write_at(0, std::as_bytes(std::span(shard.layout.header))));
        shards.push_back(std::move(file));
      }
    }
    return files;
  }

  // True when some file was not there in full: nothing an earlier run did can be relied on.
  [[nodiscard]] bool is_fresh() const { return is_fresh_; }
  [[nodiscard]] const File& at(std::size_t output, int shard) const {
    return files_[output][static_cast<std::size_t>(shard)];
  }
  Status sync() const {
    for (const auto& shards : files_) {
      for (const File& file : shards) PJ_TRY(file.sync());
    }
    return {};
  }
  void start_writeback() const {
    for (const auto& shards : files_) {
      for (const File& file : shards) file.start_writeback(0, 0);
    }
  }

 private:
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

  // Syncs and writes what is left. The first error of any checkpoint.
  Status stop() {
    if (!thread_.joinable()) return {};
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    if (!failed_.load()) write();
    return status_;
  }

 private:
  void loop() {
    Clock::time_point last = Clock::now();
    std::unique_lock lock(mutex_);
    while (!stopping_ && !failed_.load()) {
      wake_.wait_for(lock, kWritebackInterval, [this] { return stopping_; });
      if (stopping_) return;
      lock.unlock();
      files_.start_writeback();
      if (Clock::now() - last >= interval_) {
        write();
        last = Clock::now();
      }
      lock.lock();
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

struct WorkerBuffers {
  std::vector<std::byte> raw;
  std::vector<float> rows;
  std::vector<float> reordered;
  std::vector<std::byte> encoded;
  std::vector<float> decoded;
};

// Source order (halves) to output order (pairs), head by head. See RowOrder::kRopeInterleave.
void interleave_rows(const float* in, float* out, std::int64_t rows, std::int64_t cols,
                     std::int64_t head_rows) {
  const std::int64_t half = head_rows / 2;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t in_head = row % head_rows;
    const std::int64_t from = row - in_head + in_head % 2 * half + in_head / 2;
    std::memcpy(out + row * cols, in + from * cols, static_cast<std::size_t>(cols) * sizeof(float));
  }
}

// Sixteen partial sums: one would wait for itself at every element.
void add_row_error(const float* original, const float* stored, std::int64_t cols,
                   TensorStats& stats) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> squared_error{};
  std::array<float, kLanes> squared_sum{};
  const auto add = [&](std::size_t lane, float value, float error) {
    squared_error[lane] += error * error;
    squared_sum[lane] += value * value;
  };
  const auto count = static_cast<std::size_t>(cols);
  std::size_t col = 0;
  for (; col + kLanes <= count; col += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      add(lane, original[col + lane], original[col + lane] - stored[col + lane]);
    }
  }
  for (; col < count; ++col) add(0, original[col], original[col] - stored[col]);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    stats.squared_error += squared_error[lane];
    stats.squared_sum += squared_sum[lane];
  }
}

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
        buffers_(static_cast<std::size_t>(threads)),
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
    WorkerBuffers& buffers = buffers_[static_cast<std::size_t>(thread)];

    buffers.raw.resize(item.source_bytes());
    PJ_TRY(model_.tensors->read(*item.source, item.source_offset(), buffers.raw));
    // What comes out of turn is so little that the hash reads it again when it gets there.
    if (!item.is_early) {
      PJ_TRY(hasher_.feed(item.source->file, item.source->file_offset + item.source_offset(),
                          buffers.raw));
    }
    const float* rows = PJ_TRY(load_rows(item, tensor, buffers));
    for (std::size_t output = 0; output < plan_.outputs.size(); ++output) {
      PJ_TRY(
          write_rows(item, tensor, output, rows, buffers,
                     item_stats_[static_cast<std::size_t>(index) * plan_.outputs.size() + output]));
    }
    item_stats_[static_cast<std::size_t>(index) * plan_.outputs.size()].seconds =
        seconds_since(start);
    finish_item(item);
    return output_hasher_.advance();
  }

  [[nodiscard]] std::vector<JournalEntry> take_entries() { return std::move(entries_); }

 private:
  Result<const float*> load_rows(const WorkItem& item, const OutputTensor& tensor,
                                 WorkerBuffers& buffers) {
    const std::int64_t cols = item.cols;
    const std::int64_t elems = item.rows * cols;
    buffers.rows.resize(static_cast<std::size_t>(elems));
    float* rows = buffers.rows.data();
    PJ_TRY(reader_.decode(*item.source, cols, item.source_row, item.rows, buffers.raw, rows));
    if (const std::int64_t bad = find_non_finite(nullptr, rows, elems); bad >= 0) {
      return make_error(ErrorCode::kInvalidData,
                        "tensor '{}' has {} at row {}, column {} (element {}); expected finite "
                        "weights. The checkpoint is damaged or its training diverged",
                        item.source->name, std::isnan(rows[bad]) ? "NaN" : "infinity",
                        item.source_row + bad / cols, bad % cols, item.source_row * cols + bad);
    }
    if (tensor.op == ElementOp::kAddOne) {
      for (std::int64_t i = 0; i < elems; ++i) rows[i] += 1.0F;
    }
    if (item.piece->order != RowOrder::kRopeInterleave) return rows;
    buffers.reordered.resize(static_cast<std::size_t>(elems));
    interleave_rows(rows, buffers.reordered.data(), item.rows, cols,
                    item.piece->row_count / item.piece->heads);
    return buffers.reordered.data();
  }

  Status write_rows(const WorkItem& item, const OutputTensor& tensor, std::size_t output,
                    const float* rows, WorkerBuffers& buffers, TensorStats& stats) {
    const PlannedTensor& planned =
        plan_.outputs[output].tensors[static_cast<std::size_t>(item.tensor)];
    const std::int64_t cols = item.cols;
    const std::uint64_t bytes_per_row = row_bytes(planned.dtype, cols);
    std::span<const std::byte> bytes = buffers.raw;
    // A block type that stays as it is keeps its very bytes.
    const bool is_copy = is_block_quantized(planned.dtype) && planned.dtype == item.source->dtype;
    if (!is_copy) {
      const std::int64_t matrix = item.out_row / rows_per_matrix(tensor.shape);
      const float* importance = planned.importance == nullptr
                                    ? nullptr
                                    : planned.importance->values.data() + matrix * cols;
      buffers.encoded.resize(static_cast<std::uint64_t>(item.rows) * bytes_per_row);
      encode_rows(nullptr, planned.dtype, rows, item.rows, cols, importance,
                  buffers.encoded.data());
      bytes = buffers.encoded;
      if (planned.dtype == DType::kF16) PJ_TRY(check_f16_range(item, rows, buffers));
      if (planned.dtype != DType::kF32) {
        measure_error(item, planned.dtype, rows, cols, buffers, stats);
      }
    }
    return files_.at(output, planned.shard)
        .write_at(planned.offset + static_cast<std::uint64_t>(item.out_row) * bytes_per_row, bytes);
  }

  // Weights that F16 would turn into infinity make a file that no reader can use.
  static Status check_f16_range(const WorkItem& item, const float* rows, WorkerBuffers& buffers) {
    const std::int64_t elems = item.rows * item.cols;
    buffers.decoded.resize(static_cast<std::size_t>(elems));
    decode_rows(nullptr, DType::kF16, buffers.encoded.data(), item.rows, item.cols,
                buffers.decoded.data());
    const std::int64_t bad = find_non_finite(nullptr, buffers.decoded.data(), elems);
    if (bad < 0) return {};
    return make_error(ErrorCode::kUnsupported,
                      "tensor '{}' has the value {}, which F16 (up to 65504) cannot hold; choose "
                      "BF16 or F32",
                      item.source->name, rows[bad]);
  }

  static void measure_error(const WorkItem& item, DType dtype, const float* rows, std::int64_t cols,
                            WorkerBuffers& buffers, TensorStats& stats) {
    buffers.decoded.resize(static_cast<std::size_t>(cols));
    const std::uint64_t bytes_per_row = row_bytes(dtype, cols);
    const std::int64_t first = (kErrorRowStep - item.out_row % kErrorRowStep) % kErrorRowStep;
    for (std::int64_t row = first; row < item.rows; row += kErrorRowStep) {
      decode_rows(nullptr, dtype,
                  buffers.encoded.data() + static_cast<std::uint64_t>(row) * bytes_per_row, 1, cols,
                  buffers.decoded.data());
      add_row_error(rows + row * cols, buffers.decoded.data(), cols, stats);
    }
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
  std::vector<WorkerBuffers> buffers_;                         // by thread
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
      PJ_CHECK(planned.dtype == DType::kF32);
      PJ_TRY(files.at(output, planned.shard)
                 .write_at(planned.offset, std::as_bytes(std::span(values))));
    }
  }
  return {};
}

// Knows every file of the plan, by output and shard; tensors in `done` and constants are complete.
void add_hashed_files(const Model& model, const Plan& plan, const OutputFiles& files,
                      const std::set<std::int64_t>& done, OutputHasher& hasher) {
  for (std::size_t output = 0; output < plan.outputs.size(); ++output) {
    const PlannedOutput& planned = plan.outputs[output];
    std::vector<std::vector<HashedTensor>> tensors(planned.shards.size());
    for (std::size_t t = 0; t < planned.tensors.size(); ++t) {
      tensors[static_cast<std::size_t>(planned.tensors[t].shard)].push_back(
          {static_cast<std::int64_t>(t), planned.tensors[t].offset});
    }
    for (std::size_t shard = 0; shard < planned.shards.size(); ++shard) {
      hasher.add_file(files.at(output, static_cast<int>(shard)),
                      planned.shards[shard].layout.file_bytes, std::move(tensors[shard]));
    }
  }
  for (std::size_t t = 0; t < model.outputs.size(); ++t) {
    const auto tensor = static_cast<std::int64_t>(t);
    if (!model.outputs[t].constant.empty() || done.contains(tensor)) hasher.tensor_done(tensor);
  }
}

// What is left when all weights are written, at the same time as far as there are threads: the
// last sync and journal lines, and the ends of all hashes.
Status finish_files(ThreadPool& pool, const Plan& plan, Checkpointer& checkpointer,
                    SourceHasher& source_hasher, OutputHasher& output_hasher,
                    ExecuteResult& result) {
  std::vector<std::string> names;
  for (const PlannedOutput& output : plan.outputs) {
    for (const PlannedShard& shard : output.shards) names.push_back(shard.file_name);
  }
  std::vector<std::string> hashes(names.size());
  const auto count = static_cast<std::int64_t>(names.size());
  PJ_TRY(pool.run(count + 2, [&](std::int64_t job, int) -> Status {
    if (job < count) {
      const auto file = static_cast<std::size_t>(job);
      hashes[file] = PJ_TRY(output_hasher.finish(file));
    } else if (job == count) {
      PJ_TRY(checkpointer.stop());
    } else {
      result.source_files = PJ_TRY(source_hasher.finish());
    }
    return {};
  }));
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
      static_cast<std::int64_t>(left / static_cast<std::uint64_t>(threads) / kBytesPerElem);
  const WorkList smallest = PJ_TRY(make_work_list(model, reader, {}, 1));
  if (elems < smallest.max_item_elems) {
    const std::uint64_t needed = used + static_cast<std::uint64_t>(smallest.max_item_elems) *
                                            kBytesPerElem * static_cast<std::uint64_t>(threads);
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
                                   const ExecuteOptions& options, const CancelToken& cancel,
                                   Progress& progress) {
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
  const auto hasher = PJ_TRY(SourceHasher::open(model.tensors->files()));
  OutputHasher output_hasher;
  add_hashed_files(model, plan, files, done, output_hasher);
  Checkpointer checkpointer(files, journal, options.checkpoint_seconds);
  Executor executor(model, plan, files, *hasher, output_hasher, checkpointer, work,
                    pool.thread_count(), cancel, progress);
  const Status status =
      pool.run(static_cast<std::int64_t>(work.items.size()),
               [&](std::int64_t index, int thread) { return executor.run_item(index, thread); });
  if (!status) {
    PJ_TRY(checkpointer.stop());
    return std::unexpected(status.error());
  }

  ExecuteResult result;
  PJ_TRY(finish_files(pool, plan, checkpointer, *hasher, output_hasher, result));
  result.threads = pool.thread_count();
  result.resumed_tensors = static_cast<std::int64_t>(done.size());
  result.tensors = executor.take_entries();
  for (const std::int64_t tensor : done) {
    result.tensors[static_cast<std::size_t>(tensor)] = journal.done().at(tensor);
  }
  return result;
}

}  // namespace pajamas
