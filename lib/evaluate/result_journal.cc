// SPDX-License-Identifier: Apache-2.0
#include "evaluate/result_journal.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kMaxJournalBytes = std::uint64_t{1} << 30;
constexpr JsonLimits kEntryLimits{.max_bytes = std::uint64_t{256} << 20, .max_depth = 8};

}  // namespace

Result<ResultJournal> ResultJournal::open(const std::filesystem::path& folder,
                                          std::string_view fingerprint,
                                          double seconds_between_saves) {
  PJ_TRY(make_directories(folder));
  ResultJournal journal;
  journal.interval_ = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds_between_saves));
  const std::filesystem::path path = folder / fmt::format("{}.jsonl", fingerprint);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    journal.load(PJ_TRY(read_text_file(path, kMaxJournalBytes)));
  }
  journal.file_ = PJ_TRY(File::open_write(path));
  PJ_TRY(journal.file_.resize(journal.end_));
  return journal;
}

void ResultJournal::load(std::string_view text) {
  while (true) {
    const std::size_t line_end = text.find('\n', end_);
    if (line_end == std::string_view::npos) return;  // cut by a crash
    auto line = parse_json(text.substr(end_, line_end - end_), "journal", kEntryLimits);
    if (!line) return;
    const auto key = get_string(*line, "key");
    const Json* value = find_member(*line, "value");
    if (!key || !*key || value == nullptr) return;
    values_[**key] = *value;
    end_ = line_end + 1;
  }
}

const Json* ResultJournal::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void ResultJournal::put(std::string key, Json value) {
  if (file_.is_open()) {
    unsaved_ +=
        Json{{"key", key}, {"value", value}}.dump(-1, ' ', false, Json::error_handler_t::replace);
    unsaved_ += '\n';
  }
  values_[std::move(key)] = std::move(value);
}

void ResultJournal::forget(std::string_view prefix) {
  std::erase_if(values_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

bool ResultJournal::is_save_due() const {
  return !unsaved_.empty() && std::chrono::steady_clock::now() - last_save_ >= interval_;
}

Status ResultJournal::save() {
  if (unsaved_.empty()) return {};
  PJ_TRY(file_.write_at(end_, std::as_bytes(std::span(unsaved_))));
  end_ += unsaved_.size();
  unsaved_.clear();
  last_save_ = std::chrono::steady_clock::now();
  return file_.sync();
}

}  // namespace pajamas
