// SPDX-License-Identifier: Apache-2.0
#include "runtime/artifact.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>
#include <vector>

#include <fmt/ranges.h>

#include "base/file.h"
#include "base/human_units.h"
#include "base/json.h"

namespace pajamas {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kManifestLimits{.max_bytes = std::uint64_t{16} << 20, .max_depth = 16};
constexpr std::int64_t kManifestVersion = 1;
constexpr std::int64_t kGgufVersion = 3;
constexpr std::string_view kRequirementName = "llama_pajamas_run";

struct Candidate {
  fs::path path;
  std::string method;
  double bits_per_weight = 0;
  std::uint64_t bytes = 0;
  bool is_gguf = true;  // or an MLX folder
};

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

Status check_versions(const Json& manifest) {
  const auto version = PJ_TRY(get_int(manifest, "manifest_version"));
  if (version.value_or(kManifestVersion) > kManifestVersion) {
    return make_error(ErrorCode::kUnsupported,
                      "manifest.json is of version {}, this program reads version {}; update "
                      "llama-pajamas-run",
                      *version, kManifestVersion);
  }
  if (const Json* formats = find_member(manifest, "format_versions"); formats != nullptr) {
    const auto gguf = PJ_TRY(get_int(*formats, "gguf"));
    if (gguf.value_or(kGgufVersion) > kGgufVersion) {
      return make_error(ErrorCode::kUnsupported,
                        "the folder's GGUF files are of version {}, this program reads version {}",
                        *gguf, kGgufVersion);
    }
  }
  const Json* requirements = find_member(manifest, "runtime_requirements");
  const Json* of_gguf = requirements == nullptr ? nullptr : find_member(*requirements, "gguf");
  if (of_gguf == nullptr) return {};
  const auto required = PJ_TRY(get_string(*of_gguf, kRequirementName));
  if (!required || meets_requirement(kRuntimeVersion, *required)) return {};
  return make_error(ErrorCode::kUnsupported,
                    "the folder needs llama-pajamas-run {}, this is {}; update it",
                    required->substr(0, 32), kRuntimeVersion);
}

Result<std::optional<Candidate>> read_candidate(const fs::path& folder, const Json& entry) {
  const std::string type = PJ_TRY(get_string(entry, "type")).value_or("");
  if (type != "gguf" && type != "mlx") return std::nullopt;
  const std::string relative = PJ_TRY(get_string(entry, "path")).value_or("");
  const fs::path path(relative);
  const bool leaves = path.is_absolute() ||
                      std::ranges::any_of(path, [](const fs::path& part) { return part == ".."; });
  if (leaves || relative.empty()) {
    return make_error(ErrorCode::kInvalidData,
                      "manifest.json names '{}', expected a path inside the folder", relative);
  }
  Candidate candidate{.path = folder / path,
                      .method = PJ_TRY(get_string(entry, "method")).value_or(""),
                      .bits_per_weight = PJ_TRY(get_number(entry, "bits_per_weight")).value_or(0),
                      .is_gguf = type == "gguf"};
  candidate.bytes = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, PJ_TRY(get_int(entry, "size_bytes")).value_or(0)));
  std::error_code ignored;
  if (!fs::exists(candidate.path, ignored)) return std::nullopt;  // moved away: not to be had
  return candidate;
}

Result<std::vector<Candidate>> read_candidates(const fs::path& folder) {
  const Json manifest = PJ_TRY(read_json_file(folder / "manifest.json", kManifestLimits));
  PJ_TRY(check_versions(manifest));
  std::vector<Candidate> candidates;
  const Json* formats = find_member(manifest, "formats");
  if (formats != nullptr && formats->is_array()) {
    for (const Json& entry : *formats) {
      if (auto candidate = PJ_TRY(read_candidate(folder, entry))) {
        candidates.push_back(std::move(*candidate));
      }
    }
  }
  return candidates;
}

// The GGUF files of a folder without a manifest; of a split set, the first.
std::vector<Candidate> list_gguf_files(const fs::path& folder) {
  std::vector<Candidate> candidates;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_later_part =
        name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
    if (!name.ends_with(".gguf") || is_later_part) continue;
    candidates.push_back({.path = entry.path(), .method = name.substr(0, name.size() - 5)});
  }
  std::ranges::sort(candidates, {}, &Candidate::path);
  return candidates;
}

std::vector<std::string> methods_of(const std::vector<Candidate>& candidates) {
  std::vector<std::string> methods;
  for (const Candidate& candidate : candidates) methods.push_back(candidate.method);
  return methods;
}

Result<Candidate> choose(const fs::path& folder, const std::vector<Candidate>& candidates,
                         std::string_view gguf_type, std::uint64_t memory_bytes) {
  if (candidates.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "'{}' has no file that this program can run; convert to GGUF or MLX "
                      "with llama-pajamas-quant",
                      folder.string());
  }
  if (!gguf_type.empty()) {
    for (const Candidate& candidate : candidates) {
      if (same_ignoring_case(candidate.method, gguf_type)) return candidate;
    }
    return make_error(ErrorCode::kNotFound, "'{}' has no file of type '{}'; it has {}",
                      folder.string(), gguf_type, fmt::join(methods_of(candidates), ", "));
  }
  // The rest is for the context and for other programs.
  const std::uint64_t budget = memory_bytes / 4 * 3;
  const auto rank = [&](const Candidate& candidate) {
    const bool fits = candidate.bytes <= budget;
    const double size = fits ? candidate.bits_per_weight : -static_cast<double>(candidate.bytes);
    return std::tuple(candidate.is_gguf, fits, size);
  };
  // Of equals the first.
  return *std::ranges::max_element(candidates, {}, rank);
}

}  // namespace

bool meets_requirement(std::string_view version, std::string_view requirement) {
  if (!requirement.starts_with(">=")) return false;
  const auto parse = [](std::string_view text) -> std::optional<std::array<int, 3>> {
    std::array<int, 3> parts{};
    const char* at = text.data();
    const char* end = text.data() + text.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto [next, error] = std::from_chars(at, end, parts.at(i));
      if (error != std::errc{}) return std::nullopt;
      at = next;
      if (at == end) return parts;
      if (*at++ != '.') return std::nullopt;
    }
    return std::nullopt;
  };
  const auto have = parse(version);
  const auto need = parse(requirement.substr(2));
  return have && need && *have >= *need;
}

Result<ArtifactChoice> choose_artifact(const fs::path& path, std::string_view gguf_type,
                                       std::uint64_t memory_bytes) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return ArtifactChoice{path, ""};
  std::vector<Candidate> candidates;
  if (fs::exists(path / "manifest.json", ignored)) {
    auto found = read_candidates(path);
    if (!found) return std::unexpected(found.error().with_context(path.string()));
    candidates = std::move(*found);
  } else if (fs::exists(path / "config.json", ignored)) {
    return ArtifactChoice{path, ""};
  } else {
    candidates = list_gguf_files(path);
    if (candidates.empty()) return ArtifactChoice{path, ""};  // opening says what is missing
    if (candidates.size() > 1 && gguf_type.empty()) {
      return make_error(ErrorCode::kInvalidArgument, "'{}' has several GGUF files; name one of {}",
                        path.string(), fmt::join(methods_of(candidates), ", "));
    }
  }
  Candidate chosen = PJ_TRY(choose(path, candidates, gguf_type, memory_bytes));
  return ArtifactChoice{std::move(chosen.path), std::move(chosen.method)};
}

}  // namespace pajamas
