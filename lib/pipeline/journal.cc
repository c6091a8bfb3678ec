// SPDX-License-Identifier: Apache-2.0
#include "pipeline/journal.h"

#include <sys/file.h>

#include <system_error>

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJournalName = "journal";
constexpr std::string_view kLockName = "lock";
constexpr std::uint64_t kMaxJournalBytes = std::uint64_t{256} << 20;
constexpr JsonLimits kLineLimits{.max_bytes = std::uint64_t{1} << 20, .max_depth = 4};

Result<JournalEntry> parse_entry(const Json& line) {
  JournalEntry entry;
  entry.tensor = PJ_TRY(get_int(line, "tensor")).value_or(-1);
  const Json* stats = find_member(line, "stats");
  if (entry.tensor < 0 || stats == nullptr || !stats->is_array()) {
    return make_error(ErrorCode::kInvalidData, "not a journal line");
  }
  for (const Json& row : *stats) {
    if (!row.is_array() || row.size() != 3 || !row[0].is_number() || !row[1].is_number() ||
        !row[2].is_number()) {
      return make_error(ErrorCode::kInvalidData, "not a journal line");
    }
    entry.stats.push_back({row[0].get<double>(), row[1].get<double>(), row[2].get<double>()});
  }
  return entry;
}

}  // namespace

Result<Journal> Journal::open(const fs::path& folder, const std::string& fingerprint) {
  PJ_TRY(make_directories(folder));
  Journal journal;
  journal.folder_ = folder;
  journal.lock_ = PJ_TRY(File::open_write(folder / kLockName));
  if (::flock(journal.lock_.fd(), LOCK_EX | LOCK_NB) != 0) {
    return make_error(ErrorCode::kConflict,
                      "another process is converting into '{}'; wait for it or choose another "
                      "--output",
                      folder.parent_path().string());
  }
  PJ_TRY(journal.load(fingerprint));
  return journal;
}

Status Journal::load(const std::string& fingerprint) {
  const fs::path path = folder_ / kJournalName;
  std::string text;
  if (fs::exists(path)) text = PJ_TRY(read_text_file(path, kMaxJournalBytes));

  bool is_ours = false;
  std::size_t line_start = 0;
  while (true) {
    const std::size_t line_end = text.find('\n', line_start);
    if (line_end == std::string::npos) break;  // a line without an end was cut by a crash
    const auto line = parse_json(std::string_view(text).substr(line_start, line_end - line_start),
                                 "journal", kLineLimits);
    if (!line) break;
    if (line_start == 0) {
      const auto found = get_string(*line, "fingerprint");
      is_ours = found && *found == fingerprint;
      if (!is_ours) break;
    } else if (find_member(*line, "sealed") != nullptr) {
      load_seal(*line);
    } else if (auto entry = parse_entry(*line)) {
      const std::int64_t tensor = entry->tensor;
      done_[tensor] = std::move(*entry);
    } else {
      break;
    }
    line_start = line_end + 1;
  }
  end_ = line_start;

  if (!is_ours) {
    discarded_other_ = !text.empty();
    std::error_code error;
    for (const auto& item : fs::directory_iterator(folder_, error)) {
      if (item.path().filename() != kLockName) fs::remove_all(item.path(), error);
    }
    end_ = 0;
  }
  file_ = PJ_TRY(File::open_write(path));
  PJ_TRY(file_.resize(end_));
  if (end_ > 0) return {};
  PJ_TRY(write_line(Json{{"fingerprint", fingerprint}}.dump()));
  return sync_directory(folder_);
}

void Journal::load_seal(const Json& line) {
  for (const auto& [name, hash] : line["sealed"].items()) {
    if (hash.is_string()) sealed_[name] = hash.get<std::string>();
  }
  const Json* files = find_member(line, "source");
  if (files == nullptr) return;
  for (const Json& file : *files) {
    const auto name = get_string(file, "name");
    const auto bytes = get_int(file, "bytes");
    const auto sha256 = get_string(file, "sha256");
    if (!name || !*name || !bytes || !*bytes || !sha256 || !*sha256) continue;
    source_files_.push_back({**name, static_cast<std::uint64_t>(**bytes), **sha256});
  }
}

Status Journal::write_line(const std::string& line) {
  const std::string bytes = line + "\n";
  PJ_TRY(file_.write_at(end_, std::as_bytes(std::span(bytes))));
  end_ += bytes.size();
  return file_.sync();
}

Status Journal::append(std::span<const JournalEntry> entries) {
  std::string lines;
  for (const JournalEntry& entry : entries) {
    Json stats = Json::array();
    for (const TensorStats& row : entry.stats) {
      stats.push_back(Json::array({row.squared_error, row.squared_sum, row.seconds}));
    }
    if (!lines.empty()) lines += '\n';
    lines += Json{{"tensor", entry.tensor}, {"stats", std::move(stats)}}.dump();
  }
  if (lines.empty()) return {};
  return write_line(lines);
}

Status Journal::seal(const std::map<std::string, std::string>& sha256_by_file,
                     const std::vector<FileHash>& source_files) {
  Json files = Json::object();
  for (const auto& [name, hash] : sha256_by_file) files[name] = hash;
  Json sources = Json::array();
  for (const FileHash& file : source_files) {
    sources.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  sealed_ = sha256_by_file;
  source_files_ = source_files;
  return write_line(Json{{"sealed", std::move(files)}, {"source", std::move(sources)}}.dump());
}

Status Journal::remove() {
  PJ_TRY(file_.close());
  std::error_code error;
  fs::remove_all(folder_, error);
  if (error) {
    return make_error(ErrorCode::kIo, "cannot remove '{}': {}", folder_.string(), error.message());
  }
  return {};
}

}  // namespace pajamas
