// SPDX-License-Identifier: Apache-2.0
#include "archs/arch_registry.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "archs/families/families.h"

namespace pajamas {
namespace {

constexpr const ArchSpec* kAllArchs[] = {
#define PJ_FAMILY_ADDRESS(constant) &constant,
    PJ_ARCH_FAMILIES(PJ_FAMILY_ADDRESS)
#undef PJ_FAMILY_ADDRESS
};

// Longer names than any class has: keeps the edit distance cheap on a hostile config.
constexpr std::size_t kMaxNameBytes = 100;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Insertions, deletions and substitutions that turn one name into the other, ignoring case.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t above = row[j + 1];
      const std::size_t substituted = diagonal + (lower(from[i]) == lower(to[j]) ? 0 : 1);
      row[j + 1] = std::min({above + 1, row[j] + 1, substituted});
      diagonal = above;
    }
  }
  return row.back();
}

template <typename Matches>
const ArchSpec* find_first(Matches matches) {
  const auto found = std::ranges::find_if(kAllArchs, matches);
  return found == std::end(kAllArchs) ? nullptr : *found;
}

std::string printable(std::string_view name) {
  std::string text(name.substr(0, kMaxNameBytes));
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::unexpected<Error> unknown_arch(std::string_view key, std::string_view name) {
  std::string nearest;
  for (const std::string& candidate : nearest_class_names(name, 3)) {
    nearest += (nearest.empty() ? "" : ", ") + candidate;
  }
  return make_error(ErrorCode::kUnsupported,
                    "config.json: {} is '{}', which is not supported; the nearest that are: {} "
                    "(list-methods prints all)",
                    key, printable(name), nearest);
}

}  // namespace

std::span<const ArchSpec* const> all_archs() { return kAllArchs; }

const ArchSpec* find_arch_by_class(std::string_view hf_class_name) {
  return find_first([&](const ArchSpec* arch) {
    return std::ranges::find(arch->hf_class_names, hf_class_name) != arch->hf_class_names.end();
  });
}

const ArchSpec* find_arch_by_name(std::string_view name) {
  return find_first([&](const ArchSpec* arch) { return arch->name == name; });
}

const ArchSpec* find_arch_by_gguf_name(std::string_view gguf_name) {
  return find_first([&](const ArchSpec* arch) { return arch->gguf_name == gguf_name; });
}

std::vector<std::string> nearest_class_names(std::string_view name, std::size_t count) {
  name = name.substr(0, kMaxNameBytes);
  // The place in the list breaks ties.
  std::vector<std::tuple<std::size_t, std::size_t, std::string_view>> ranked;
  for (const ArchSpec* arch : kAllArchs) {
    for (const std::string_view candidate : arch->hf_class_names) {
      ranked.emplace_back(edit_distance(name, candidate), ranked.size(), candidate);
    }
  }
  std::ranges::sort(ranked);
  ranked.resize(std::min(count, ranked.size()));
  std::vector<std::string> names;
  names.reserve(ranked.size());
  for (const auto& [distance, place, candidate] : ranked) names.emplace_back(candidate);
  return names;
}

Result<const ArchSpec*> find_arch_of_config(const Json& config) {
  if (!config.is_object()) {
    return make_error(ErrorCode::kInvalidData, "config.json is not an object");
  }
  const Json* classes = find_member(config, "architectures");
  if (classes != nullptr && !(classes->is_array() && classes->empty())) {
    if (!classes->is_array() || !classes->front().is_string()) {
      return make_error(ErrorCode::kInvalidData,
                        "config.json: 'architectures' is not a list of class names");
    }
    const std::string& name = classes->front().get_ref<const std::string&>();
    const ArchSpec* arch = find_arch_by_class(name);
    if (arch == nullptr) return unknown_arch("'architectures'", name);
    return arch;
  }
  const auto model_type = PJ_TRY(get_string(config, "model_type"));
  if (!model_type) {
    return make_error(ErrorCode::kInvalidData,
                      "config.json has neither 'architectures' nor 'model_type', so the kind of "
                      "model is not known");
  }
  const ArchSpec* arch =
      find_first([&](const ArchSpec* candidate) { return candidate->model_type == *model_type; });
  if (arch == nullptr) return unknown_arch("'model_type'", *model_type);
  return arch;
}

}  // namespace pajamas
