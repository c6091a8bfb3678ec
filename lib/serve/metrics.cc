// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/check.h"

namespace pajamas {
namespace {

const auto kStarted = std::chrono::system_clock::now();

std::string escape_label(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t open_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  template <typename Value>
  void sample(std::string_view name, std::string_view labels, Value value) {
    text_ += fmt::format("{}{}{}{} {}\n", name, labels.empty() ? "" : "{", labels,
                         labels.empty() ? "" : "}", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

using Counted = std::pair<std::string, const ModelMetrics*>;  // label of the model, its counts

void add_counters(Page& page, std::span<const Counted> models) {
  struct Counter {
    const char* name;
    const char* help;
    std::atomic<std::uint64_t> ModelMetrics::* value;
  };
  constexpr Counter kCounters[] = {
      {"pajamas_requests_total", "Requests for generated text.", &ModelMetrics::requests},
      {"pajamas_prompt_tokens_total", "Tokens of prompts.", &ModelMetrics::prompt_tokens},
      {"pajamas_prompt_tokens_cached_total", "Tokens of prompts that were in the cache.",
       &ModelMetrics::cached_tokens},
      {"pajamas_completion_tokens_total", "Tokens generated.", &ModelMetrics::completion_tokens},
  };
  for (const Counter& counter : kCounters) {
    page.family(counter.name, "counter", counter.help);
    for (const auto& [label, model] : models) {
      page.sample(counter.name, label, (model->*counter.value).load());
    }
  }
  constexpr const char* kEnds = "pajamas_answers_total";
  page.family(kEnds, "counter", "Answers by the reason for which they ended.");
  for (const auto& [label, model] : models) {
    for (std::size_t reason = 0; reason < ModelMetrics::kReasons.size(); ++reason) {
      page.sample(kEnds, fmt::format("{},reason=\"{}\"", label, ModelMetrics::kReasons[reason]),
                  model->ends[reason].load());
    }
  }
}

void add_histograms(Page& page, std::span<const Counted> models) {
  struct Histogram {
    const char* name;
    const char* help;
    SecondsHistogram ModelMetrics::* value;
  };
  constexpr Histogram kHistograms[] = {
      {"pajamas_time_to_first_token_seconds", "From the request to its first token.",
       &ModelMetrics::first_token_seconds},
      {"pajamas_time_per_output_token_seconds", "From one token to the next, mean of a request.",
       &ModelMetrics::token_seconds},
      {"pajamas_request_duration_seconds", "From the request to the end of its answer.",
       &ModelMetrics::request_seconds},
  };
  for (const Histogram& histogram : kHistograms) {
    const std::string name = histogram.name;
    page.family(name, "histogram", histogram.help);
    for (const auto& [label, model] : models) {
      const SecondsHistogram::Values values = (model->*histogram.value).values();
      std::uint64_t below = 0;
      for (std::size_t at = 0; at < values.counts.size(); ++at) {
        below += values.counts[at];
        const std::string bound = at < SecondsHistogram::kBounds.size()
                                      ? fmt::format("{}", SecondsHistogram::kBounds[at])
                                      : "+Inf";
        page.sample(name + "_bucket", fmt::format("{},le=\"{}\"", label, bound), below);
      }
      page.sample(name + "_sum", label, values.sum);
      page.sample(name + "_count", label, below);
    }
  }
}

void add_gauges(Page& page, std::span<const ModelLibrary::Entry> models) {
  struct Gauge {
    const char* name;
    const char* help;
    std::function<double(const ModelLibrary::Entry&)> value;
  };
  const Gauge gauges[] = {
      {"pajamas_model_loaded", "1 while the model is in memory.",
       [](const auto& entry) { return entry.is_loaded ? 1.0 : 0.0; }},
      {"pajamas_model_weight_bytes", "Of its weights in memory.",
       [](const auto& entry) { return static_cast<double>(entry.weight_bytes); }},
      {"pajamas_requests_running",
       "Texts that are read or generated now; each choice of a request counts.",
       [](const auto& entry) { return static_cast<double>(entry.load.running); }},
      {"pajamas_requests_waiting", "Texts that wait for a place; each choice of a request counts.",
       [](const auto& entry) { return static_cast<double>(entry.load.waiting); }},
      {"pajamas_kv_cache_usage_ratio",
       "Of the cache that holds texts, those that ended and are kept for later ones too.",
       [](const auto& entry) {
         const auto most = static_cast<double>(std::max<std::int64_t>(entry.load.max_blocks, 1));
         return static_cast<double>(entry.load.used_blocks) / most;
       }},
  };
  for (const Gauge& gauge : gauges) {
    page.family(gauge.name, "gauge", gauge.help);
    for (const ModelLibrary::Entry& entry : models) {
      page.sample(gauge.name, fmt::format("model=\"{}\"", escape_label(entry.id)),
                  gauge.value(entry));
    }
  }
}

void add_process(Page& page) {
  page.family("process_resident_memory_bytes", "gauge", "Resident memory of the process.");
  page.sample("process_resident_memory_bytes", "", resident_bytes());
  page.family("process_open_fds", "gauge", "Open file descriptors.");
  page.sample("process_open_fds", "", open_descriptors());
  page.family("process_start_time_seconds", "gauge", "Start of the process, since 1970.");
  page.sample("process_start_time_seconds", "",
              std::chrono::duration<double>(kStarted.time_since_epoch()).count());
}

}  // namespace

void SecondsHistogram::add(double seconds) {
  const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
  const std::lock_guard lock(mutex_);
  ++values_.counts[static_cast<std::size_t>(bound - kBounds.begin())];
  values_.sum += seconds;
}

SecondsHistogram::Values SecondsHistogram::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

void ModelMetrics::note_end(std::string_view reason) {
  const auto* const found = std::ranges::find(kReasons, reason);
  PJ_CHECK(found != kReasons.end());
  ++ends[static_cast<std::size_t>(found - kReasons.begin())];
}

ModelMetrics& Metrics::of(std::string_view model) {
  const std::lock_guard lock(mutex_);
  auto found = models_.find(model);
  if (found == models_.end()) {
    found = models_.emplace(std::string(model), std::make_unique<ModelMetrics>()).first;
  }
  return *found->second;
}

std::string Metrics::to_prometheus(std::span<const ModelLibrary::Entry> models) const {
  std::vector<Counted> counted;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, metrics] : models_) {
      counted.emplace_back(fmt::format("model=\"{}\"", escape_label(id)), metrics.get());
    }
  }
  Page page;
  add_counters(page, counted);
  add_histograms(page, counted);
  add_gauges(page, models);
  add_process(page);
  return page.take();
}

}  // namespace pajamas
