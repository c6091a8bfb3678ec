// SPDX-License-Identifier: Apache-2.0
#include "evaluate/scoring_pass.h"

#include <map>

#include "evaluate/window_runner.h"

namespace pajamas {
namespace {

std::string window_key(std::string_view pass, std::int64_t window) {
  return fmt::format("{}/{}", pass, window);
}

// JSON numbers read back as signed.
Json mark_to_json(const ReferenceMark& mark) {
  return Json::array(
      {static_cast<std::int64_t>(mark.end), static_cast<std::int64_t>(mark.checksum)});
}

std::optional<ReferenceMark> mark_from_json(const Json* score) {
  const Json* mark = score == nullptr ? nullptr : find_member(*score, "mark");
  const bool is_mark = mark != nullptr && mark->is_array() && mark->size() == 2 &&
                       (*mark)[0].is_number_integer() && (*mark)[1].is_number_integer();
  if (!is_mark) return std::nullopt;
  return ReferenceMark{.end = static_cast<std::uint64_t>((*mark)[0].get<std::int64_t>()),
                       .checksum = static_cast<std::uint64_t>((*mark)[1].get<std::int64_t>())};
}

// A window that is being run.
struct OpenWindow {
  std::vector<RowDivergence> rows;
  std::vector<std::vector<std::byte>> kept;  // encoded for the writer
  ReferenceWindow reference;
};

class Recorder {
 public:
  Recorder(const ScoringPass& pass, ResultJournal& journal) : pass_(pass), journal_(journal) {}

  // Takes the windows that are known from the journal; answers those that are not.
  std::vector<std::int64_t> resume() {
    scores_.resize(pass_.plan.windows.size());
    std::vector<std::int64_t> missing;
    bool has_gap = false;
    for (std::size_t at = 0; at < scores_.size(); ++at) {
      const auto window = static_cast<std::int64_t>(at);
      const Json* known = journal_.find(window_key(pass_.key, window));
      // A writer appends: behind a window that is missing all are.
      const bool is_kept = pass_.writer == nullptr || (!has_gap && mark_from_json(known));
      if (known != nullptr && is_kept) {
        auto score = window_score_from_json(*known, pass_.plan.windows[at].scored());
        if (score) {
          scores_[at] = std::move(*score);
          continue;
        }
      }
      has_gap = true;
      missing.push_back(window);
    }
    done_ = static_cast<std::int64_t>(scores_.size() - missing.size());
    return missing;
  }

  Status begin(std::int64_t window) {
    OpenWindow& opened = open_[window];
    const auto rows =
        static_cast<std::size_t>(pass_.plan.windows[static_cast<std::size_t>(window)].scored());
    opened.rows.resize(rows);
    if (pass_.writer != nullptr) opened.kept.resize(rows);
    if (pass_.reference != nullptr) opened.reference = PJ_TRY(pass_.reference->read_window(window));
    return {};
  }

  // From many threads, each on its own row.
  Status add(const ScoredRow& row) {
    OpenWindow& window = open_.find(row.window)->second;
    const auto at = static_cast<std::size_t>(row.row);
    const Normalizer normalizer = PJ_TRY(normalize(row.logits));
    if (pass_.reference != nullptr) {
      const ReferenceRow original =
          PJ_TRY(pass_.reference->decode_row(window.reference.rows[at], row.target));
      window.rows[at] = compare_row(original, row.logits, normalizer, row.target);
      return {};
    }
    window.rows[at].nll =
        -normalizer.log_probability(row.logits[static_cast<std::size_t>(row.target)]);
    if (pass_.writer != nullptr) {
      window.kept[at] = pass_.writer->encode_row(row.logits, normalizer, row.target);
    }
    return {};
  }

  Status end(std::int64_t window, double seconds) {
    OpenWindow& done = open_.find(window)->second;
    WindowScore score{.seconds = seconds};
    for (const RowDivergence& row : done.rows) {
      score.nll += row.nll;
      score.nll_squared += row.nll * row.nll;
      if (pass_.reference == nullptr) continue;
      score.kl.push_back(row.kl);
      score.probability_change.push_back(row.probability_change);
      score.same_top += row.same_top ? 1 : 0;
    }
    Json json = to_json(score);
    if (pass_.writer != nullptr)
      json["mark"] = mark_to_json(PJ_TRY(pass_.writer->append(done.kept)));
    journal_.put(window_key(pass_.key, window), std::move(json));
    scores_[static_cast<std::size_t>(window)] = std::move(score);
    open_.erase(window);
    ++done_;
    if (pass_.on_progress) pass_.on_progress(done_);
    if (journal_.is_save_due()) PJ_TRY(save());
    return {};
  }

  // What the journal speaks of is on disk before it does.
  Status save() {
    if (pass_.writer != nullptr) PJ_TRY(pass_.writer->sync());
    return journal_.save();
  }

  [[nodiscard]] std::vector<WindowScore> take_scores() { return std::move(scores_); }
  [[nodiscard]] std::int64_t done() const { return done_; }

 private:
  const ScoringPass& pass_;
  ResultJournal& journal_;
  std::vector<WindowScore> scores_;
  std::map<std::int64_t, OpenWindow> open_;
  std::int64_t done_ = 0;
};

Status check_vocabulary(const ScoringPass& pass, const Engine& engine) {
  if (pass.reference == nullptr) return {};
  const std::int64_t original = pass.reference->header().vocab;
  const std::int64_t vocab = engine.parameters().vocab;
  if (vocab == original) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    "'{}' has a vocabulary of {} and the original one of {}; their distributions "
                    "cannot be compared. Is it a quantization of this original?",
                    engine.model().name, vocab, original);
}

}  // namespace

std::vector<ReferenceMark> journaled_marks(const ResultJournal& journal, const WindowPlan& plan,
                                           std::string_view key) {
  std::vector<ReferenceMark> marks;
  for (std::size_t window = 0; window < plan.windows.size(); ++window) {
    const auto mark =
        mark_from_json(journal.find(window_key(key, static_cast<std::int64_t>(window))));
    if (!mark) break;
    marks.push_back(*mark);
  }
  return marks;
}

Result<std::vector<WindowScore>> run_scoring_pass(const ScoringPass& pass,
                                                  const EngineSource& engine, ThreadPool& pool,
                                                  ResultJournal& journal,
                                                  const CancelToken& cancel) {
  Recorder recorder(pass, journal);
  const std::vector<std::int64_t> missing = recorder.resume();
  if (pass.on_progress) pass.on_progress(recorder.done());
  if (missing.empty()) return recorder.take_scores();
  Engine& model = *PJ_TRY(engine());
  PJ_TRY(check_vocabulary(pass, model));
  const WindowCallbacks callbacks{
      .on_begin = [&](std::int64_t window) { return recorder.begin(window); },
      .on_row = [&](const ScoredRow& row) { return recorder.add(row); },
      .on_end = [&](std::int64_t window, double seconds) { return recorder.end(window, seconds); }};
  const std::int64_t together =
      model.has_streamed_layers() ? model.tokens_per_pass() : pass.batch_tokens;
  const Status run = run_windows(model, pool, pass.plan, missing, callbacks,
                                 {.batch_windows = windows_per_batch(pass.plan, together)}, cancel);
  const Status saved = recorder.save();
  if (!run) return std::unexpected(run.error().with_context(model.model().name));
  PJ_TRY(saved);
  return recorder.take_scores();
}

Result<std::vector<WindowScore>> scores_of_reference(const ReferenceReader& reference,
                                                     const WindowPlan& plan,
                                                     const CancelToken& cancel) {
  std::vector<WindowScore> scores;
  for (const Window& window : plan.windows) {
    PJ_TRY(cancel.check());
    const auto index = static_cast<std::int64_t>(scores.size());
    const ReferenceWindow kept = PJ_TRY(reference.read_window(index));
    WindowScore score;
    for (std::int64_t row = 0; row < window.scored(); ++row) {
      const ReferenceRow decoded =
          PJ_TRY(reference.decode_row(kept.rows[static_cast<std::size_t>(row)],
                                      plan.target(window, window.first_target + row)));
      score.nll -= decoded.target_log_probability;
      score.nll_squared += decoded.target_log_probability * decoded.target_log_probability;
    }
    scores.push_back(std::move(score));
  }
  return scores;
}

}  // namespace pajamas
