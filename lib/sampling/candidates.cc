// SPDX-License-Identifier: Apache-2.0
#include "sampling/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pajamas {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

bool is_better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Keeps the best k of a pool that is allowed to grow to a multiple of k in between.
void shrink_to(std::vector<Candidate>& pool, std::size_t k) {
  if (pool.size() <= k) return;
  const auto middle = pool.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(pool.begin(), middle, pool.end(), is_better);
  pool.erase(middle, pool.end());
}

void truncate(CandidateList& list, std::size_t count) {
  if (count < list.items.size()) list.items.resize(count);
}

}  // namespace

CandidateList select_candidates(std::span<const float> logits, const TokenMask* allowed,
                                std::size_t k) {
  CandidateList list;
  const bool keep_all = k == 0 || k >= logits.size();
  list.items.reserve(keep_all ? logits.size() : 4 * k + 256);
  const std::size_t full = 4 * k + 256;
  float bar = kBanned;  // what a candidate must be over
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > bar)) continue;
    if (allowed != nullptr && !allowed->contains(id)) continue;
    list.items.push_back({.id = static_cast<std::int32_t>(id), .logit = logits[id]});
    if (keep_all || list.items.size() < full) continue;
    shrink_to(list.items, k);
    // A later token with the same logit loses to the lower id, so strictly over is right.
    bar = std::max_element(list.items.begin(), list.items.end(), is_better)->logit;
  }
  if (keep_all) return list;
  shrink_to(list.items, k);
  sort_by_logit(list);
  return list;
}

std::int32_t argmax(std::span<const float> logits, const TokenMask* allowed) {
  std::int32_t best = -1;
  float best_logit = kBanned;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > best_logit)) continue;
    if (allowed != nullptr && !allowed->contains(id)) continue;
    best_logit = logits[id];
    best = static_cast<std::int32_t>(id);
  }
  return best;
}

void sort_by_logit(CandidateList& list) {
  if (list.sorted) return;
  std::sort(list.items.begin(), list.items.end(), is_better);
  list.sorted = true;
}

void softmax(CandidateList& list) {
  float highest = kBanned;
  for (const Candidate& item : list.items) highest = std::max(highest, item.logit);
  double sum = 0.0;
  for (Candidate& item : list.items) {
    item.p = std::exp(item.logit - highest);
    sum += static_cast<double>(item.p);
  }
  const auto scale = static_cast<float>(1.0 / sum);
  for (Candidate& item : list.items) item.p *= scale;
}

void apply_typical_p(CandidateList& list, float p, std::size_t min_keep) {
  if (p >= 1.0F || list.items.empty()) return;
  softmax(list);
  double entropy = 0.0;
  for (const Candidate& item : list.items) {
    const auto probability = static_cast<double>(item.p);
    if (probability > 0.0) entropy -= probability * std::log(probability);
  }
  struct Distance {
    double from_entropy;
    Candidate item;
  };
  std::vector<Distance> order;
  order.reserve(list.items.size());
  for (const Candidate& item : list.items) {
    order.push_back({std::abs(-std::log(static_cast<double>(item.p)) - entropy), item});
  }
  std::sort(order.begin(), order.end(), [](const Distance& a, const Distance& b) {
    return a.from_entropy != b.from_entropy ? a.from_entropy < b.from_entropy
                                            : a.item.id < b.item.id;
  });
  std::size_t kept = 0;
  double sum = 0.0;
  while (kept < order.size()) {
    list.items[kept] = order[kept].item;
    sum += static_cast<double>(order[kept].item.p);
    ++kept;
    if (sum > static_cast<double>(p) && kept >= min_keep) break;
  }
  truncate(list, kept);
  list.sorted = false;
}

void apply_top_p(CandidateList& list, float p, std::size_t min_keep) {
  if (p >= 1.0F || list.items.empty()) return;
  softmax(list);
  auto& items = list.items;
  double sum = 0.0;
  std::size_t kept = 0;
  // Sorts only as much of the front as the sum needs.
  for (std::size_t sorted = 0; kept < items.size();) {
    if (!list.sorted && kept == sorted) {
      sorted = std::min(items.size(), std::max<std::size_t>(256, sorted * 8));
      const auto start = items.begin() + static_cast<std::ptrdiff_t>(kept);
      const auto end = items.begin() + static_cast<std::ptrdiff_t>(sorted);
      if (end != items.end()) std::nth_element(start, end, items.end(), is_better);
      std::sort(start, end, is_better);
    }
    sum += static_cast<double>(items[kept].p);
    ++kept;
    if (sum >= static_cast<double>(p) && kept >= min_keep) break;
  }
  truncate(list, kept);
  list.sorted = true;
}

void apply_min_p(CandidateList& list, float p, std::size_t min_keep) {
  if (p <= 0.0F || list.items.empty()) return;
  float highest = kBanned;
  for (const Candidate& item : list.items) highest = std::max(highest, item.logit);
  const float least = highest + std::log(p);
  const auto stays = [&](const Candidate& item) { return item.logit >= least; };
  const auto count =
      static_cast<std::size_t>(std::count_if(list.items.begin(), list.items.end(), stays));
  if (count >= min_keep) {
    std::erase_if(list.items, [&](const Candidate& item) { return !stays(item); });
    return;
  }
  sort_by_logit(list);
  truncate(list, min_keep);
}

void apply_xtc(CandidateList& list, float threshold, std::size_t min_keep) {
  if (threshold > 0.5F || list.items.size() < 2) return;
  softmax(list);
  sort_by_logit(list);
  std::size_t over = 0;
  while (over < list.items.size() && list.items[over].p >= threshold) ++over;
  if (over < 2) return;
  const std::size_t dropped = over - 1;
  if (list.items.size() - dropped < min_keep) return;
  list.items.erase(list.items.begin(), list.items.begin() + static_cast<std::ptrdiff_t>(dropped));
}

void apply_temperature(CandidateList& list, float temperature) {
  // Relative to the highest, so that no temperature overflows; softmax does not see the difference.
  float highest = kBanned;
  for (const Candidate& item : list.items) highest = std::max(highest, item.logit);
  for (Candidate& item : list.items) item.logit = (item.logit - highest) / temperature;
}

void apply_mirostat(CandidateList& list, float max_surprise) {
  softmax(list);
  sort_by_logit(list);
  std::size_t kept = 0;
  while (kept < list.items.size() && -std::log2(list.items[kept].p) <= max_surprise) ++kept;
  truncate(list, std::max<std::size_t>(kept, 1));
}

std::size_t draw(std::span<const Candidate> items, Rng& rng) {
  double sum = 0.0;
  for (const Candidate& item : items) sum += static_cast<double>(item.p);
  double rest = rng.uniform() * sum;
  std::size_t last_possible = 0;
  for (std::size_t at = 0; at < items.size(); ++at) {
    if (items[at].p <= 0.0F) continue;
    last_possible = at;
    rest -= static_cast<double>(items[at].p);
    if (rest < 0.0) break;
  }
  return last_possible;
}

}  // namespace pajamas
